"""The calls to the disk."""

import errno
import os
import stat
from pathlib import Path

import pytest

from proxy.journal.files import APPENDED, NEW, Files, append_lines, same, write_all
from tests.journal.disk import Disk


def test_the_calls_are_the_systems_own(tmp_path: Path) -> None:
    files, path = Files(), tmp_path / "file"
    handle = files.open(path, NEW)
    assert files.write(handle, b"abc") == 3
    files.sync(handle)
    files.truncate(handle, 2)
    assert files.status(handle).st_size == 2
    assert same(files.status(handle), files.named(path))
    assert not same(files.named(path), files.named(tmp_path))
    assert stat.S_IMODE(files.named(path).st_mode) == 0o600
    files.close(handle)
    files.sync_folder(tmp_path)
    files.remove(path)
    assert not path.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links") as failure:
        Files().open(tmp_path / "link", APPENDED)
    assert failure.value.errno == errno.ELOOP
    assert not (tmp_path / "target").exists()
    with pytest.raises(FileExistsError):
        Files().open(tmp_path / "link", NEW)


def test_a_disk_that_takes_parts_gets_all_of_them(tmp_path: Path) -> None:
    disk = Disk()
    handle = disk.open(tmp_path / "file", APPENDED)
    disk.takes = [1, 2, 3, 100]
    write_all(disk, handle, b"0123456789")
    write_all(disk, handle, b"")
    os.close(handle)
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_lines_are_on_the_disk_with_the_name_of_their_file(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "lines"
    disk.fail("sync_folder")
    with pytest.raises(OSError, match="Input/output"):
        append_lines(disk, path, b"one\n")
    append_lines(disk, path, b"two\nthree\n")
    assert disk.synced == [b"one\n", b"one\ntwo\nthree\n"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_that_was_cut_short_is_not_joined_to_the_next(tmp_path: Path) -> None:
    disk, path = Disk(), tmp_path / "lines"
    disk.takes = [3]
    with pytest.raises(OSError, match="No space left"):
        append_lines(disk, path, b"first\n")
    disk.takes = None
    append_lines(disk, path, b"second\n")
    assert path.read_bytes() == b"fir\nsecond\n"
