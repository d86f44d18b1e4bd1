"""`startgate fmt`."""

from pathlib import Path

import pytest

from tests.commands.running import invoke
from tests.rules.samples import VALID
from tests.rules.texts import RICH

UGLY = VALID.replace(": [", ":   [ ")


def test_files_and_folders_are_laid_out(tmp_path: Path) -> None:
    for name, text in {"a.yml": UGLY, "b.yml": VALID, "a_test.yml": "version:  1\n", "c.txt": "x:  y"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b_test.yml").write_text("version:  1\n")
    result = invoke("fmt", str(tmp_path))
    assert result.exit_code == 0
    changed = [line.removeprefix(f"changed: {tmp_path}/") for line in result.output.splitlines()]
    assert changed == ["a.yml", "a_test.yml", "below/b_test.yml"]
    assert (tmp_path / "a.yml").read_text() == VALID
    assert (tmp_path / "c.txt").read_text() == "x:  y"
    assert invoke("fmt", str(tmp_path)).output == ""


def test_check_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text(UGLY)
    result = invoke("fmt", "--check", str(file))
    assert (result.exit_code, result.output) == (1, f"would change: {file}\n")
    assert file.read_text() == UGLY
    file.write_text(RICH)
    assert invoke("fmt", "--check", str(file)).exit_code == 0


def test_the_rules_of_the_configuration_where_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "startgate.yml").write_text("rules: mine.yml\n")
    (tmp_path / "mine.yml").write_text(UGLY)
    assert invoke("fmt").output == f"changed: {tmp_path / 'mine.yml'}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a: [", "not valid YAML"), (b"a: \xff", "not UTF-8 (byte 0xff)"), (None, "No such file or directory")],
)
def test_what_is_broken_is_told_and_left_alone(tmp_path: Path, content: bytes | None, message: str) -> None:
    bad = tmp_path / "bad.yml"
    if content is not None:
        bad.write_bytes(content)
    (tmp_path / "good.yml").write_text(UGLY)
    result = invoke("fmt", str(tmp_path / "good.yml"), str(bad))
    assert result.exit_code == 2
    assert message in result.stderr
    assert content is None or bad.read_bytes() == content
    assert (tmp_path / "good.yml").read_text() == VALID, "the others are laid out all the same"
