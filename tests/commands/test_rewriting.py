"""A text in place of a file, all at once."""

from pathlib import Path

import pytest

from proxy.commands.rewriting import replace_text


def test_text_and_mode(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("old")
    file.chmod(0o640)
    replace_text(file, "n\u00e9w\n")
    assert file.read_bytes() == b"n\xc3\xa9w\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a.yml"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.yml").write_text("old")
    link = tmp_path / "a.yml"
    link.symlink_to("real.yml")
    replace_text(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real.yml").read_text() == "new"


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "a.yml"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        replace_text(file, "\ud800")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.yml"]
    with pytest.raises(OSError, match="No such file"):
        replace_text(tmp_path / "none" / "b.yml", "x")
