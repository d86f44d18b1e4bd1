"""A text in place of a file, all at once."""

import os
import shutil
import tempfile
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


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to others")
def test_owner_and_group_stay(tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text("old")
    os.chown(file, 4321, 8765)
    file.chmod(0o640)
    replace_text(file, "new")
    found = file.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (4321, 8765, 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to others")
def test_the_group_stays_where_the_owner_cannot() -> None:
    # Not below the tests' own folder, which is closed to others.
    folder = Path(tempfile.mkdtemp())
    file = folder / "rules.yml"
    try:
        file.write_text("old")
        os.chown(file, 4321, 8765)
        folder.chmod(0o777)
        os.setegid(8765)
        os.seteuid(1234)
        try:
            replace_text(file, "new")
        finally:
            os.seteuid(0)
            os.setegid(0)
        assert (file.stat().st_uid, file.stat().st_gid) == (1234, 8765)
    finally:
        shutil.rmtree(folder)
