"""Reading rule files from disk."""

from pathlib import Path

import pytest

from proxy.errors import RulesError
from proxy.rules.compiled import Rules
from proxy.rules.load import load, rule_files
from proxy.rules.source import MAX_BYTES
from tests.rules.samples import VALID
from tests.rules.texts import ROLES

ROOT = Path(__file__).parents[2]


def refused(path: Path) -> list[str]:
    """The faults of what must not load."""
    with pytest.raises(RulesError) as caught:
        load(path)
    return [str(fault).replace(f"{path}/", "").replace(str(path), ".") for fault in caught.value.faults]


def test_the_shipped_rules_are_valid() -> None:
    rules = load(ROOT / "rules")
    assert [item.privilege for item in rules.cluster] == ["manage_ml"]
    assert [item.privilege for item in rules.source] == ["read", "view_index_metadata"]
    assert [item.privilege for item in rules.destination] == ["read", "create_index", "manage", "index"]
    assert {item.username for item in rules.trusted} == {"kibana_system", "elastic/kibana"}


def test_a_file_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(VALID)
    (tmp_path / "a.yml").write_text("version: 1\n")
    (tmp_path / "notes.txt").write_text("not rules")
    (tmp_path / "a_test.yml").write_text("cases: []")
    (tmp_path / ".hidden.yml").write_text("no: [")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "c.yml").write_text("no: [")
    (tmp_path / "folder.yml").mkdir()
    assert load(tmp_path).files == (str(tmp_path / "a.yml"), str(tmp_path / "b.yml"))
    assert load(tmp_path / "b.yml").revision == load(tmp_path).revision


def test_a_file_of_any_name_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "rules.conf").write_text(VALID)
    assert load(tmp_path / "rules.conf").files == (str(tmp_path / "rules.conf"),)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"\xef\xbb\xbf" + VALID.encode())
    assert load(tmp_path).cluster[0].privilege == "manage_ml"


def test_a_mounted_config_map(tmp_path: Path) -> None:
    """Links to links: each file is read once, and all of one generation."""
    generation = tmp_path / "..2024_01_01"
    generation.mkdir()
    (generation / "start.yml").write_text(VALID)
    (tmp_path / "..data").symlink_to(generation.name)
    (tmp_path / "start.yml").symlink_to("..data/start.yml")
    rules = load(tmp_path)
    assert rules.files == (str(tmp_path / "start.yml"),)
    assert str(rules.cluster[0].origin) == f"{tmp_path / 'start.yml'}:4"


@pytest.mark.parametrize(
    ("files", "faults"),
    [
        ({}, [".: the folder holds no *.yml"]),
        ({"a.yaml": VALID}, ["a.yaml: rule files end in .yml; this one would be overlooked: rename it"]),
        (
            {"a.yml": VALID, "b.yaml": VALID},
            ["b.yaml: rule files end in .yml; this one would be overlooked: rename it"],
        ),
        ({"a.yml": "a: [\n"}, ["a.yml:2:1: not valid YAML: expected the node content, but found '<stream end>'"]),
        ({"a.yml": ""}, ["a.yml:1:1: the file is empty; it must hold at least `version: 1`"]),
        (
            {"a.yml": "no: 1\n", "b.yml": VALID + "  guard: []\n", "c.yml": "x: [\n"},
            [
                "a.yml:1:1: `version` is missing; this version of Startgate reads `version: 1`",
                "a.yml:1:1: the key `no` is read as a bool by YAML",
                "a.yml:1:1: unknown key `no`; allowed: `version`, `seal`, `start_data_frame_analytics`, `roles`, "
                "`role_mappings`, `break_glass`",
                "b.yml:7:3: unknown key `guard` (did you mean 'guards'?); allowed: `require`, `authority`, `subjects`, "
                "`trusted_intermediaries`, `destination`, `flows`, `guards`",
                "c.yml:2:1: not valid YAML: expected the node content, but found '<stream end>'",
            ],
        ),
    ],
)
def test_all_faults_of_all_files_at_once(tmp_path: Path, files: dict[str, str], faults: list[str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert sorted(refused(tmp_path)) == sorted(faults)


def test_what_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == [".: there is no such file or folder"]


def test_what_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"version: 1\nx: \xff\n")
    assert refused(tmp_path) == ["a.yml:2:4: not UTF-8 (byte 0xff)"]


def test_what_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"#" * (MAX_BYTES + 1))
    assert refused(tmp_path) == ["a.yml: larger than 1,048,576 bytes, which is not a rule file"]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    """A dangling link is listed, but there is nothing behind it: also what a file deleted meanwhile looks like."""
    (tmp_path / "a.yml").symlink_to("gone.yml")
    assert refused(tmp_path) == ["a.yml: cannot be read: No such file or directory"]


def test_a_file_that_cannot_be_parsed_does_not_hide_the_faults_of_others(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("version: 1\nx: 1\n")
    (tmp_path / "b.yml").write_text("a: [\n")
    assert len(refused(tmp_path)) == 2


RULES = VALID + "  authority: roles\nroles: [roles.yml]\n"


def load_draft(path: Path) -> Rules:
    """The rules of a path that need not be sealed."""
    return load(path, draft=True)


def told(path: Path) -> list[str]:
    """The faults of a draft that must not load."""
    with pytest.raises(RulesError) as caught:
        load_draft(path)
    return [str(fault).replace(f"{path}/", "") for fault in caught.value.faults]


@pytest.mark.parametrize("place", ["roles.yml", "below/roles.yml", "roles.txt"])
def test_role_files_are_read_from_beside_the_rules(tmp_path: Path, place: str) -> None:
    (tmp_path / "a.yml").write_text(RULES.replace("roles.yml", place))
    (tmp_path / "below").mkdir()
    (tmp_path / place).write_text(ROLES)
    rules = load_draft(tmp_path)
    assert set(rules.roles) == {"ml_reader", "ml_writer"}
    assert rules.role_files == (place,)
    assert str(rules.roles["ml_reader"].origin) == f"{tmp_path / place}:1"
    assert load_draft(tmp_path / "a.yml").roles == rules.roles


def test_a_role_file_anywhere_by_its_absolute_path(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "roles.yml").write_text(ROLES)
    (tmp_path / "rules" / "a.yml").write_text(RULES.replace("roles.yml", str(tmp_path / "roles.yml")))
    assert set(load_draft(tmp_path / "rules").roles) == {"ml_reader", "ml_writer"}


@pytest.mark.parametrize("others", [["a.yml"], ["b.yml", "a.yml"]], ids=len)
def test_a_rule_file_is_no_role_file(tmp_path: Path, others: list[str]) -> None:
    """Else it would be left out, and where all are, no rules and no fault."""
    for name, other in zip(["a.yml", "b.yml"], others, strict=False):
        (tmp_path / name).write_text(RULES.replace("roles.yml", other) if name == "a.yml" else f"roles: [{other}]\n")
    found = [fault.replace(f"{tmp_path}/", "") for fault in told(tmp_path)]
    assert f"a.yml:8:9: `{others[0]}` names role files itself, so it is a rule file and no role file" in found


def test_role_files_of_a_mounted_config_map_are_of_the_same_generation(tmp_path: Path) -> None:
    for name in ("..1", "..2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yml").write_text(RULES)
        (tmp_path / name / "roles.yml").write_text(ROLES if name == "..1" else ROLES.replace("ml_writer", "other"))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yml").symlink_to("..data/a.yml")
    (tmp_path / "roles.yml").symlink_to("..2/roles.yml")
    for path in (tmp_path, tmp_path / "a.yml"):
        assert set(load_draft(path).roles) == {"ml_reader", "ml_writer"}


@pytest.mark.parametrize(
    ("roles", "files", "faults"),
    [
        ("[gone.yml]", {}, ["a.yml:8:9: the role file gone.yml: cannot be read: No such file or directory"]),
        ("[r.yml]", {"r.yml": "#" * 1_048_577}, ["a.yml:8:9: the role file r.yml: larger than 1,048,576 bytes"]),
        (
            "[../a.yml]",
            {},
            ["a.yml:8:9: a role file lies in the folder of the rules or below"],
        ),
        ('["a\\0b"]', {}, ["a.yml:8:9: a role file lies in the folder of the rules or below"]),
        ("[r.yml, ./r.yml]", {"r.yml": ROLES}, ["a.yml:8:16: the role file `./r.yml` is there twice"]),
        ("[1]", {}, ["a.yml:8:9: `roles` takes text, but YAML reads `1` as int; put it in quotes"]),
        (
            "[r.yml, s.yml]",
            {"r.yml": ROLES, "s.yml": "ml_writer: {}\n"},
            ["s.yml:1:1: the role `ml_writer` is defined in r.yml:2 already"],
        ),
        ("[r.yml]", {"r.yml": "x: {cluster: [al]}\n"}, ["r.yml:1:15: unknown cluster privilege [al]"]),
        # Named by nobody, a role file beside the rules is one of the rules.
        ("[]", {"r.yml": "x: {}\n"}, ["r.yml:1:1: unknown key `x`", "r.yml:1:1: `version` is missing"]),
    ],
)
def test_faults_of_role_files(tmp_path: Path, roles: str, files: dict[str, str], faults: list[str]) -> None:
    (tmp_path / "a.yml").write_text(RULES.replace("[roles.yml]", roles))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = [fault.replace(f"{tmp_path}/", "") for fault in told(tmp_path)]
    assert len(found) == len(faults), found
    assert all(one.startswith(text) for one, text in zip(found, faults, strict=True)), found


def test_a_draft_need_not_be_sealed_or_signed(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(VALID + "  subjects: [owner]\n")
    assert load_draft(tmp_path).subjects
    assert "`seal` is missing" in refused(tmp_path)[0]


def test_the_rule_files_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(VALID)
    (tmp_path / "b.txt").write_text("x")
    assert dict(rule_files(tmp_path)) == {str(tmp_path / "a.yml"): tmp_path / "a.yml"}
    with pytest.raises(RulesError, match="no such file"):
        rule_files(tmp_path / "none")


@pytest.mark.slow
def test_a_thousand_files_make_one_set(tmp_path: Path) -> None:
    """How long that takes is for the benchmarks; here each counts, and the last one's fault is found."""
    (tmp_path / "0.yml").write_text(VALID)
    for number in range(1, 1000):
        flow = f"{{from: [src-{number}-*], to: [dest-{number}]}}"
        guard = f"{{id: g-{number}, deny: 'job.id == \"j{number}\"', message: m}}"
        section = f"start_data_frame_analytics:\n  flows: [{flow}]\n  guards:\n    - {guard}\n"
        (tmp_path / f"{number}.yml").write_text(f"version: 1\n{section}")
    rules = load_draft(tmp_path)
    assert (len(rules.guards), len(rules.flows or ())) == (999, 999)
    (tmp_path / "999.yml").write_text(f"version: 1\n{section.replace('deny', 'denny')}")
    assert told(tmp_path)[0].startswith("999.yml:5:7: `deny` is missing")


def test_an_exception_that_nobody_signed_is_refused_except_in_a_draft(tmp_path: Path) -> None:
    entry = (
        "break_glass:\n  - {id: inc-7, from: 2026-01-01T00:00:00Z, until: 2026-01-01T01:00:00Z, users: [ann], "
        'jobs: [j], reason: outage, signed_by: ops, signature: "AAAA"}\n'
    )
    (tmp_path / "a.yml").write_text(VALID + entry)
    (fault,) = refused(tmp_path)
    assert "signed_by `ops` names no key" in fault
    assert [one.id for one in load(tmp_path, draft=True).break_glass] == ["inc-7"]
