"""The folder of a journal: names, modes, and the lock."""

import os
from pathlib import Path

import pytest

from proxy.errors import JournalError
from proxy.journal.files import Files
from proxy.journal.folder import (
    FIRST_FILE,
    LOCK_FILE,
    check_folder,
    check_regular,
    file_name,
    file_number,
    journal_files,
    make_private,
    take_lock,
)


def test_names_and_numbers() -> None:
    assert file_name(1) == FIRST_FILE
    assert file_number(FIRST_FILE) == 1
    assert file_number(file_name(12_345_678)) == 12_345_678
    for other in ("starts-1.jsonl", "starts-000001.jsonl.torn-at-3", "x-starts-000001.jsonl", "starts-.jsonl", "lock"):
        assert file_number(other) is None


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("starts-000002.jsonl", "starts-1000000.jsonl", "starts-000010.jsonl", "lock", "cursor-x.json"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in journal_files(tmp_path)] == [
        "starts-000002.jsonl",
        "starts-000010.jsonl",
        "starts-1000000.jsonl",
    ]
    with pytest.raises(FileNotFoundError):
        journal_files(tmp_path / "missing")


@pytest.mark.parametrize(("mode", "noted"), [(0o700, 0), (0o500, 0), (0o750, 1), (0o755, 1), (0o701, 1)])
def test_a_folder_that_others_may_look_into_is_told(tmp_path: Path, mode: int, noted: int) -> None:
    tmp_path.chmod(mode)
    assert len(check_folder(tmp_path)) == noted
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777, 0o2770])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(PermissionError, match=rf"mode {mode:04o}"):
        check_folder(tmp_path)


def test_only_others_rights_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    path.chmod(0o640)
    file = os.open(path, os.O_RDWR)
    try:
        assert make_private(path, file) == ["others could read or write file (mode 0640); it is private now"]
        assert make_private(path, file) == []
    finally:
        os.close(file)


def test_only_files_are_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    check_regular([tmp_path / "file"])
    for name, what in (("link", "is a symbolic link"), ("folder", "Is a directory"), ("pipe", "no regular file")):
        with pytest.raises(JournalError, match=what):
            check_regular([tmp_path / "file", tmp_path / name])


def test_a_lock_knows_when_it_keeps_nobody_out(tmp_path: Path) -> None:
    lock = take_lock(tmp_path, Files())
    assert lock.wrong() == ""
    lock.retake()
    with pytest.raises(JournalError, match="in use by another process"):
        take_lock(tmp_path, Files())
    (tmp_path / LOCK_FILE).unlink()
    assert lock.wrong() == "lock was removed while in use"
    lock.retake()
    assert lock.wrong() == ""
    (tmp_path / LOCK_FILE).unlink()
    other = take_lock(tmp_path, Files())
    assert lock.wrong() == "lock was replaced while in use"
    with pytest.raises(JournalError, match="in use by another process"):
        lock.retake()
    other.release()
    lock.retake()
    lock.release()
    take_lock(tmp_path, Files()).release()


def test_a_lock_that_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"")
    (tmp_path / LOCK_FILE).symlink_to("elsewhere")
    with pytest.raises(OSError, match="lock: it is a symbolic link"):
        take_lock(tmp_path, Files())
    (tmp_path / LOCK_FILE).unlink()
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(OSError, match="lock: Is a directory"):
        take_lock(tmp_path, Files())
