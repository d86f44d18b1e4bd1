"""The calls to the disk."""

import errno
import os
import stat
from pathlib import Path

import pytest

from proxy.journal.files import APPENDED, NEW, Files, same, write_all
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
