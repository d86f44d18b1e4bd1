"""The rules that ship: good, sealed, laid out, and tried by their cases from both sides."""

import re
from pathlib import Path

import pytest

from tests.cases.samples import RULES
from tests.commands.running import invoke

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "rules" / "examples"
FOLDERS = sorted(path for path in EXAMPLES.iterdir() if path.is_dir())
SHIPPED = [*FOLDERS, ROOT / "rules" / "start.yml"]
GLASS = """
break_glass:
  - id: outage
    from: 2026-02-01T00:00:00Z
    until: 2026-02-02T00:00:00Z
    users: [ada]
    jobs: [pii]
    reason: The cause must be found.
    signed_by: security
    signature: AAAA
"""
GLASS_CASES = """
  - name: an exception helps
    caller: ada
    job: pii
    now: 2026-02-01T12:00:00Z
    expect: {verdict: allowed, status: 200, reasons: ["the guard [pii-needs-dpo] denies it"]}
  - name: until it has run out
    caller: ada
    job: pii
    now: 2026-02-02T00:00:00Z
    expect: {verdict: denied}
  - name: and nobody's key
    caller: dpo_key
    job: pii
    now: 2026-02-01T12:00:00Z
    expect: {verdict: denied}
"""


def name(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_rules_that_ship_are_good_and_laid_out(path: Path) -> None:
    for arguments in (["check", "--rules", str(path)], ["seal", "--check", str(path)], ["fmt", "--check", str(path)]):
        result = invoke(*arguments)
        assert result.exit_code == 0, (arguments, result.output)


@pytest.mark.parametrize("path", [*FOLDERS, ROOT / "rules" / "start_test.yml"], ids=name)
def test_cases_that_ship_pass_and_try_every_rule_from_both_sides(path: Path) -> None:
    result = invoke("test", str(path), "--require-coverage")
    assert result.exit_code == 0, result.output
    assert "never seen" not in result.output
    assert "0 skipped" in result.output


@pytest.mark.parametrize("path", sorted((ROOT / "rules").rglob("*_test.yml")), ids=name)
def test_cases_are_laid_out(path: Path) -> None:
    assert invoke("fmt", "--check", str(path)).exit_code == 0


@pytest.mark.parametrize("path", [*(ROOT / "rules").glob("*.yml"), *EXAMPLES.rglob("*.yml")], ids=name)
def test_editors_are_told_of_a_schema_that_is_there(path: Path) -> None:
    if path.name == "roles.yml":
        return  # Elasticsearch's format, of which there is none
    first = path.read_text().partition("\n")[0]
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / schema).is_file(), first
    assert schema.endswith("cases.schema.json" if path.name.endswith("_test.yml") else "rules.schema.json")


def test_every_example_is_told_of() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \|", (EXAMPLES / "README.md").read_text(), flags=re.MULTILINE)
    assert sorted(told) == [path.name for path in FOLDERS]


def test_exceptions_are_tried_though_nobody_has_signed_them(tmp_path: Path) -> None:
    example = EXAMPLES / "data-flow"
    (tmp_path / "flows.yml").write_text((example / "flows.yml").read_text() + GLASS)
    (tmp_path / "flows_test.yml").write_text((example / "flows_test.yml").read_text() + GLASS_CASES)
    result = invoke("test", str(tmp_path), "--require-coverage")
    assert result.exit_code == 0, result.output
    assert "exception outage: both sides tried" in result.output
    assert invoke("check", "--rules", str(tmp_path)).exit_code == 2, "tried is not trusted"


def test_the_cases_in_the_document_pass(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "testing-rules.md").read_text()
    block = re.search(r"((?:    .*\n)*    version: 1\n(?:    .*\n)+)", text)
    assert block is not None
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "rules_test.yml").write_text(re.sub(r"^    ", "", block[1], flags=re.MULTILINE))
    result = invoke("test", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "2 passed" in result.output
