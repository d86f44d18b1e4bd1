"""The folder of a journal: the names of its files, who may look into it, and the lock that keeps it one process's."""

import errno
import fcntl
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from proxy.errors import JournalError
from proxy.journal.files import Files, same

FIRST_FILE = "starts-000001.jsonl"
LOCK_FILE = "lock"
CHECKPOINTS_FILE = "checkpoints.jsonl"
_NUMBERED = re.compile(r"starts-(\d{6,})\.jsonl")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def file_name(number: int) -> str:
    """The name of a journal's file by its number, from 1. Names sort as numbers do, up to a million files."""
    return f"starts-{number:06d}.jsonl"


def file_number(name: str) -> int | None:
    """The number in the name of a journal's file; None where it is no such name."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else None


def journal_files(folder: Path) -> list[Path]:
    """The files of a journal in their order, which is that of their numbers. Raises OSError."""
    # Not `glob`: to that, a folder that may not be read is an empty one.
    found = ((file_number(path.name), path) for path in folder.iterdir())
    return [path for _, path in sorted((number, path) for number, path in found if number is not None)]


def check_folder(folder: Path) -> list[str]:
    """What is to be said of who may use the folder, in words.

    Raises:
        OSError: others may write to it: they could take the journal away, or put another in its place. It is not
            mended, since a folder that was named by mistake may be everybody's (`/var/log`).
    """
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        text = f"others than its owner may write to it (mode {mode:04o}); make it private: chmod 700 {folder}"
        raise OSError(errno.EPERM, text)
    if mode & _OTHERS:
        return [f"others may list the folder {folder} (mode {mode:04o}); its files are private; chmod 700 hides them"]
    return []


def make_private(path: Path, file: int) -> list[str]:
    """Take from others what they may do with an open file of the journal; what was done, in words.

    Raises:
        OSError: it is no regular file, or its mode cannot be changed.
    """
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    mode = stat.S_IMODE(found.st_mode)
    if not mode & _OTHERS:
        return []
    os.fchmod(file, mode & ~_OTHERS)
    return [f"others could read or write {path.name} (mode {mode:04o}); it is private now"]


def check_regular(paths: Iterable[Path]) -> None:
    """Every file of the journal is a file. Raises JournalError: one is a link or something else."""
    for path in paths:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise JournalError(f"{path} is a symbolic link, and none of the journal's files may be one")
        if not stat.S_ISREG(mode):
            what = "Is a directory" if stat.S_ISDIR(mode) else "it is no regular file"
            raise JournalError(f"the journal {path} cannot be opened: {what}")


class Lock:
    """The lock that one process holds on a folder. Make it with `take_lock`."""

    def __init__(self, folder: Path, file: int, files: Files) -> None:
        self._folder, self._file, self._files = folder, file, files

    def wrong(self) -> str:
        """Why this lock keeps nobody out any more; empty where it does."""
        try:
            named = self._files.named(self._folder / LOCK_FILE)
        except FileNotFoundError:
            return f"{LOCK_FILE} was removed while in use"
        return "" if same(self._files.status(self._file), named) else f"{LOCK_FILE} was replaced while in use"

    def retake(self) -> None:
        """Lock the folder that has the name now. Raises OSError; JournalError: another process holds it."""
        if not self.wrong():
            return
        before, self._file = self._file, _locked(self._folder, self._files)
        self._files.close(before)

    def release(self) -> None:
        """Give the folder free."""
        self._files.close(self._file)


def take_lock(folder: Path, files: Files) -> Lock:
    """Lock a folder for this process. Raises OSError; JournalError: another process holds it."""
    return Lock(folder, _locked(folder, files), files)


def _locked(folder: Path, files: Files) -> int:
    # flock(2), not fcntl's: that is given back when anything in this process closes the file.
    try:
        lock = files.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT)
    except OSError as failure:
        link = failure.errno == errno.ELOOP
        why = "it is a symbolic link, and none of the journal's files may be one" if link else failure.strerror
        raise OSError(failure.errno, f"{LOCK_FILE}: {why}") from failure
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        make_private(folder / LOCK_FILE, lock)
    except BlockingIOError:
        files.close(lock)
        raise JournalError(
            f"the journal folder {folder} is in use by another process; each gate needs a folder of its own"
        ) from None
    except OSError:
        files.close(lock)
        raise
    return lock
