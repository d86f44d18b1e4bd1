"""Finding and reading files of cases."""

from pathlib import Path

import pytest

from proxy.cases.load import found_in, load_cases, rules_of
from proxy.errors import RulesError
from proxy.rules.source import MAX_BYTES
from tests.cases.samples import CASES


def test_all_below_a_folder_but_hidden_ones(tmp_path: Path) -> None:
    for name in ("b_test.yml", "a/c_test.yml", ".git/d_test.yml", "rules.yml", "e_test.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(CASES)
    assert [str(path.relative_to(tmp_path)) for path in found_in(tmp_path)] == ["a/c_test.yml", "b_test.yml"]
    assert found_in(tmp_path / "rules.yml") == (tmp_path / "rules.yml",)
    assert found_in(tmp_path / "nowhere") == ()


def test_a_config_map_shows_its_cases_once(tmp_path: Path) -> None:
    generation = tmp_path / "..2026"
    generation.mkdir()
    (generation / "a_test.yml").write_text(CASES)
    (tmp_path / "..data").symlink_to(generation.name)
    (tmp_path / "a_test.yml").symlink_to("..data/a_test.yml")
    assert found_in(tmp_path) == (tmp_path / "a_test.yml",)


def test_the_rules_are_beside_the_cases_or_where_they_say(tmp_path: Path) -> None:
    path = tmp_path / "a_test.yml"
    path.write_text(CASES)
    assert rules_of(load_cases(path)) == tmp_path
    path.write_text(f"{CASES}rules: ../strict\n")
    assert rules_of(load_cases(path)) == tmp_path / "../strict"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"version: 1", "`cases` is missing"),
        (b"\xff", "not UTF-8 (byte 0xff)"),
        (b"#" * (MAX_BYTES + 1), "larger than 1,048,576 bytes"),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "a_test.yml"
    path.write_bytes(content)
    with pytest.raises(RulesError, match=r"a_test.yml") as caught:
        load_cases(path)
    assert told in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="cannot be read: No such file"):
        load_cases(tmp_path / "a_test.yml")
