"""What the documents name exists, and what exists is named."""

import json
import re
import tomllib
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from proxy import cli
from proxy.config import load
from proxy.config.keys import KEYS, LISTEN_KEYS, SECTIONS, VARIABLES
from proxy.demo.data import SERVICE_ROLE
from proxy.errors import ExitStatus
from proxy.rules.load import load as load_rules
from proxy.settings import AdminLimits, EdgeLimits, GateLimits, IdentityLimits, ShipLimits

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLE = ROOT / "startgate.example.yml"
MAKEFILE = (ROOT / "Makefile").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
SOURCES = sorted(path for folder in ("proxy", "tests", "bench") for path in (ROOT / folder).rglob("*.py"))


def commands(group: click.Command = cli.main, path: str = "startgate") -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name; groups that only hold others are left out."""
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            yield from commands(group.get_command(context, name) or click.Command(name), f"{path} {name}")
    else:
        yield path, group


COMMANDS = dict(commands())


def rows(heading: str, text: str = README) -> list[list[str]]:
    """The rows of the first table under a heading of the README, each as its cells."""
    part = text.split(f"\n{heading}", 1)[1]
    table = part[part.index("\n| ") :].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.strip().splitlines()[2:]]


def unknown(told: Callable[[Path], Iterable[str]], known: Container[str]) -> list[str]:
    """What documents tell of that is not known, each with its document: "docs/cli.md: startgate foo"."""
    found = [(document.relative_to(ROOT), told(document)) for document in DOCUMENTS]
    return [f"{document}: {one}" for document, named in found for one in sorted({*named}) if one not in known]


def test_every_command_is_in_the_table_and_no_other() -> None:
    assert {row[0].strip("`") for row in rows("## Commands")} == set(COMMANDS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_in_the_table_and_no_other(command: str) -> None:
    (row,) = (row for row in rows("## Commands") if row[0] == f"`{command}`")
    told = set(re.findall(r"--[a-z0-9-]+", row[1]))
    exists = {option for parameter in COMMANDS[command].params for option in parameter.opts if option.startswith("--")}
    common = {"--config"}
    assert told <= exists
    assert exists - common <= told


def test_commands_in_documents_exist() -> None:
    groups = {command.split()[1] for command in COMMANDS if command.count(" ") > 1}
    call = re.compile(rf"(?:`|^    |\$ )startgate ((?:(?:{'|'.join(groups)}) )?[a-z][a-z-]*)", flags=re.MULTILINE)
    known = groups | {command.removeprefix("startgate ") for command in COMMANDS}
    assert unknown(lambda document: call.findall(document.read_text()), known) == []


@pytest.mark.parametrize("key", [*KEYS, *LISTEN_KEYS])
def test_every_key_is_in_the_readme_and_in_the_example(key: str) -> None:
    assert f"`{key}`" in README
    assert re.search(rf"\b{key.rsplit('.', maxsplit=1)[-1]}:", EXAMPLE.read_text())


def test_every_key_in_the_readme_exists() -> None:
    part = README.split("## Configuration", 1)[1].split("## Rules", 1)[0]
    told = re.findall(r"^\| `([a-z_.]+)` \|", part, flags=re.MULTILINE)
    assert set(told) == set(KEYS)
    for heading in re.findall(
        r"`((?:cluster|journal|gate|limits|listen|control|rules_watch|break_glass)\.[a-z_.]+)`", README
    ):
        assert heading in {*KEYS, *LISTEN_KEYS, *SECTIONS}


@pytest.mark.parametrize("kind", [AdminLimits, EdgeLimits, GateLimits, IdentityLimits, ShipLimits])
def test_defaults_of_limits_are_told_as_they_are(
    kind: type[AdminLimits] | type[EdgeLimits] | type[GateLimits] | type[IdentityLimits] | type[ShipLimits],
) -> None:
    section = kind.__name__.removesuffix("Limits").lower()
    told = {row[0].strip("`"): float(row[1]) for row in rows("Limits, under")}
    for limit in fields(kind):
        assert told[f"limits.{section}.{limit.name}"] == limit.default


def test_variables_in_documents_exist() -> None:
    others = {
        "STARTGATE_COMPLETE",
        "STARTGATE_CONFIG",
        "STARTGATE_PASSWORD",
        "STARTGATE_REQUIRE_REAL",
        "STARTGATE_REAL_VERSIONS",
    }
    assert unknown(lambda document: re.findall(r"STARTGATE_[A-Z_]+", document.read_text()), {*VARIABLES} | others) == []


def test_the_example_says_what_holds_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "startgate.yml").write_text(EXAMPLE.read_text())
    monkeypatch.chdir(tmp_path)
    assert load(tmp_path / "startgate.yml", {}) == load(None, {})


def test_the_rules_in_the_readme_are_the_shipped_ones(tmp_path: Path) -> None:
    part = README.split("## Rules", 1)[1]
    block = re.search(r"\n\n((?:    .*\n)+)", part)
    assert block is not None
    (tmp_path / "start.yml").write_text(re.sub(r"^    ", "", block[1], flags=re.MULTILINE))
    told, shipped = load_rules(tmp_path / "start.yml"), load_rules(ROOT / "rules" / "start.yml")

    def meaning(rules: object) -> str:
        return re.sub(r"Origin\([^)]*\)|revision='\w+'|files=\([^)]*\)", "", repr(rules))

    assert meaning(told) == meaning(shipped)


def test_the_role_of_the_service_credential_is_the_tested_one() -> None:
    """The demo runs with it; here the documents say the same, for the demo's own patterns."""
    text = (ROOT / "docs" / "service-credential.md").read_text()
    roles = re.findall(r'"cluster": (\[[^\]]*\]),\s+"indices": (\[\s.*?\n\s+\])', text, flags=re.DOTALL)
    assert len(roles) == 2, "as an API key, and as a user"
    for cluster, indices in roles:
        assert json.loads(cluster) == SERVICE_ROLE["cluster"]
        told = [group["privileges"] for group in json.loads(indices)]
        assert told == [group["privileges"] for group in SERVICE_ROLE["indices"]]


def test_make_targets_in_documents_exist() -> None:
    exist = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))
    call = re.compile(r"(?:`|^    |&& )(?:STARTGATE_REQUIRE_REAL=1 )?make ([a-z-]+)", flags=re.MULTILINE)
    assert unknown(lambda document: call.findall(document.read_text()), exist) == []


def test_every_target_says_what_it_is_for() -> None:
    targets = re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, flags=re.MULTILINE)
    told = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, flags=re.MULTILINE)
    assert targets == told
    assert {"demo", "test", "test-fast", "style", "types", "bench"} <= set(told)


def anchors(path: Path) -> set[str]:
    """What can follow `#` in a link to a document: its headings, as they are made into anchors."""
    return {
        re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
        for line in path.read_text().splitlines()
        if line.startswith("#")
    }


def leads_nowhere(document: Path) -> Iterator[str]:
    """The links of a document to files that are not there, or to headings that they do not have."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = document.parent / file if file else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield target


def test_links_lead_somewhere() -> None:
    assert unknown(leads_nowhere, ()) == []


def test_paths_in_documents_exist() -> None:
    """Paths into the source tree."""
    example = {"proxy/route/table.py", "tests/route/test_table.py"}
    made = {"bench/results/"}  # by a benchmark, and not committed

    def gone(document: Path) -> list[str]:
        told = re.findall(r"`((?:proxy|tests|rules|docs|bench)/[\w./-]*[\w/])`", document.read_text())
        return [one for one in told if not (ROOT / one).exists()]

    assert unknown(gone, example | made) == []


def test_what_is_unknown_is_named_with_its_document() -> None:
    def told(document: Path) -> list[str]:
        return ["a", "b", "b"] if document.name == "README.md" and document.parent == ROOT else ["a"]

    assert unknown(told, {"a"}) == ["README.md: b"]


def test_decisions_are_numbered_once_and_titled() -> None:
    assert DECISIONS
    numbers = []
    for path in DECISIONS:
        number = re.fullmatch(r"(\d{3})-[a-z0-9-]+\.md", path.name)
        assert number is not None, path.name
        assert path.read_text().startswith(f"# {number[1]}: "), f"{path.name} must begin with its number"
        numbers.append(number[1])
    assert len(set(numbers)) == len(numbers)


def test_decisions_that_are_cited_exist() -> None:
    numbers = {path.name[:3] for path in DECISIONS}
    cited = {
        (path.name, number)
        for path in [*SOURCES, *DOCUMENTS]
        for number in re.findall(r"docs/decisions/(\d{3})", path.read_text())
    }
    assert {(where, number) for where, number in cited if number not in numbers} == set()


def test_types_of_errors_are_told() -> None:
    document = (ROOT / "docs" / "differences.md").read_text()
    told = set(re.findall(r"^\| `(startgate_[a-z_]+)` \|", document, flags=re.MULTILINE))
    used = {name for path in SOURCES for name in re.findall(r'"(startgate_(?:[a-z_]+_)?exception)"', path.read_text())}
    assert told == used != set()


def test_exit_statuses_are_told() -> None:
    told = {int(row[0]) for row in rows("One line says that it serves") if row[0].isdigit()}
    assert told == {int(status) for status in ExitStatus}


def test_the_version_is_one() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    runner = __import__("click.testing", fromlist=["CliRunner"]).CliRunner()
    assert runner.invoke(cli.main, ["--version"]).output == f"startgate {version}\n"


def test_changelog_lines_have_their_type() -> None:
    lines = re.findall(r"^- .*", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    assert lines
    assert [line for line in lines if not re.match(r"- \[(FEATURE|CHANGE|BUGFIX|SECURITY)\] ", line)] == []


def test_figures_are_measured_or_absent() -> None:
    """A row of the table of figures names the day and the machine that it was measured on."""
    part = README.split("## Figures", 1)[1].split("\n## ", 1)[0]
    for row in [line for line in part.splitlines() if line.startswith("|")][2:]:
        assert re.search(r"20\d\d-\d\d-\d\d|cores?|CPU", row), row
