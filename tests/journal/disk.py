"""A disk that can be slow, full or broken, and what a journal folder holds. No call of the system is replaced."""

import errno
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from proxy.journal import chain
from proxy.journal.files import Files
from proxy.journal.folder import journal_files

STARTED = 1_750_000_000_000


class Disk(Files):
    """Counts fsyncs of files, says what was in the file at each, and fails or holds calls as it is told to."""

    def __init__(self) -> None:
        self.synced: list[bytes] = []
        # What the next calls raise, by name of the call: a number of times each.
        self.failing: dict[str, tuple[int, int]] = {}
        # How many bytes the next writes take at most; after the last, `ENOSPC`.
        self.takes: list[int] | None = None
        # An fsync waits until this is set.
        self.answers = threading.Event()
        self.answers.set()
        # Set while an fsync waits.
        self.asked = threading.Event()

    def fail(self, call: str, times: int = 1, why: int = errno.EIO) -> None:
        """The next `times` calls of this name fail."""
        self.failing[call] = (times, why)

    def _maybe(self, call: str) -> None:
        times, why = self.failing.get(call, (0, 0))
        if times:
            self.failing[call] = (times - 1, why)
            raise OSError(why, os.strerror(why))

    def open(self, path: Path, flags: int) -> int:
        self._maybe("open")
        return super().open(path, flags)

    def write(self, file: int, data: bytes) -> int:
        self._maybe("write")
        if self.takes is None:
            return super().write(file, data)
        if not self.takes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(file, data[: self.takes.pop(0)])

    def sync(self, file: int) -> None:
        self.asked.set()
        # Bounded, so that a test that fails does not hang.
        self.answers.wait(20)
        self._maybe("sync")
        super().sync(file)
        if stat.S_ISREG(os.fstat(file).st_mode):
            self.synced.append(os.pread(file, 1 << 20, 0))

    def truncate(self, file: int, size: int) -> None:
        self._maybe("truncate")
        super().truncate(file, size)

    def remove(self, path: Path) -> None:
        self._maybe("remove")
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._maybe("sync_folder")
        super().sync_folder(folder)

    def hold(self) -> None:
        """From now on an fsync does not answer."""
        self.asked.clear()
        self.answers.clear()


class Clock:
    """A clock that a test sets; milliseconds since 1970."""

    def __init__(self) -> None:
        self.ms = STARTED

    def __call__(self) -> int:
        return self.ms


def record(number: int | str, **more: Any) -> dict[str, Any]:
    """A start's record."""
    return {"startgate": {"receipt": f"r{number}", "phase": "outcome"}, **more}


def lines(folder: Path) -> list[bytes]:
    """Every whole line of the journal, in order."""
    found = [line for path in journal_files(folder) for line in path.read_bytes().splitlines(keepends=True)]
    return [line for line in found if line.endswith(b"\n")]


def everything(folder: Path) -> list[Mapping[str, Any]]:
    """Every record of the journal, in order."""
    return [msgspec.json.decode(line) for line in lines(folder)]


def receipts(folder: Path) -> list[str]:
    """The receipts of starts' records, in order."""
    return [one["startgate"]["receipt"] for one in everything(folder) if "receipt" in one.get("startgate", ())]


def actions(folder: Path) -> list[str]:
    """What the journal says of itself, in order, without the common beginning."""
    found = [one["event"]["action"] for one in everything(folder) if "admin" in one.get("startgate", ())]
    return [action.removeprefix("startgate-journal-") for action in found]


def said(folder: Path, action: str) -> list[Mapping[str, Any]]:
    """The fields of what the journal says of itself under one action."""
    marks = [one for one in everything(folder) if one.get("event", {}).get("action") == f"startgate-journal-{action}"]
    return [one["startgate"]["admin"]["journal"] for one in marks]


def check_chain(folder: Path) -> int:
    """Every line stands at its place; how many lines there are. Lines before the chain are let pass."""
    due, count = None, 0
    for line in lines(folder):
        placed, fault = chain.check(line, due)
        if fault is chain.Fault.UNCHAINED and due is None:
            continue
        assert fault is None, (fault, line)
        assert placed is not None
        due, count = placed.next, count + 1
    return count
