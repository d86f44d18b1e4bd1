"""The lines of a journal folder, oldest first, a block in memory at a time, also while a gate writes it.

What cannot be read is told to whoever asks, by file and line, and the rest is read all the same. A line that is being
written, or that a crash cut short, has no newline yet: it is no line, and only counted.
"""

import errno
import os
import stat
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from proxy.errors import JournalError
from proxy.journal.folder import file_number, journal_files

# Large enough that a block's lines are split in one go, small enough for a processor's cache.
BLOCK_BYTES = 64 * 1024
# Records are made smaller long before (`bounded.RECORD_BYTES`). What is longer is cut, so that it is no record any more
# and is reported as such.
LINE_LIMIT_BYTES = 16 * 1024 * 1024
CUT_BYTES = 1024
# How long the end of a journal in use is waited for: a record is written and synced in milliseconds.
SETTLE_S = 0.05
SETTLE_TRIES = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a journal that cannot be read; `line` counts from 1, and 0 is the whole file."""

    path: Path
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.why}" if self.line else f"{self.path} {self.why}"


Report = Callable[[Problem], None]


class Position(NamedTuple):
    """A place between two lines: the file's number, the offset in it, and how many lines come before."""

    file: int
    offset: int = 0
    lines: int = 0


class Batch(NamedTuple):
    """Lines of one file in a row, without their newlines. `first` is the number of the first one, from 1; `end` the
    place after them; `torn` how many bytes without a newline come then, told with the last batch of a file."""

    path: Path
    first: int
    lines: list[bytes]
    end: Position
    torn: int = 0


def refuse(problem: Problem) -> None:
    """The report of those who cannot go on without a line. Raises JournalError."""
    raise JournalError(str(problem))


def files(folder: Path) -> list[Path]:
    """The journal's files in the order of their numbers.

    Raises:
        JournalError: there is no such folder, or it cannot be read.
    """
    try:
        return journal_files(folder)
    except FileNotFoundError:
        raise JournalError(f"there is no journal at {folder}") from None
    except NotADirectoryError:
        raise JournalError(f"{folder} is no folder, and a journal is one") from None
    except OSError as failure:
        raise JournalError(f"the journal {folder} cannot be read: {failure.strerror or failure}") from failure


def lines_at(path: Path, spans: Iterable[tuple[int, int]]) -> list[bytes]:
    """The lines of one file at these places: offset, and length without the newline. What is not there is shorter.

    Raises OSError: the file cannot be read.
    """
    handle = _open(path)
    try:
        return [os.pread(handle, size, offset) for offset, size in spans]
    finally:
        os.close(handle)


def _number(path: Path) -> int:
    return file_number(path.name) or 0


def batches(
    folder: Path, report: Report = refuse, *, after: Position | None = None, settle: bool = False
) -> Iterator[Batch]:
    """All lines of a journal, or those after a place, file by file. Files that come up meanwhile are read, too; one
    that is retired before its turn is left out.

    `settle`: where the last file ends without a newline, wait a moment for the rest of the record.

    Raises:
        JournalError: there is no such folder, or it cannot be read; also what `report` raises.
    """
    at = after or Position(0)
    while True:
        due = [path for path in files(folder) if _number(path) >= at.file]
        at, torn = yield from _in_turn(due, at, report, settle=settle)
        if not due or _last(folder) == _number(due[-1]):
            if torn is not None:
                yield torn
            return
        # A later file has come up. Until it did, the last one may have been written to: it is read on from its end.


def _in_turn(
    due: Iterable[Path], at: Position, report: Report, *, settle: bool
) -> Generator[Batch, None, tuple[Position, Batch | None]]:
    """The lines of these files, the first one from a place on. Where the last one was left, and how it is torn there,
    which is not told yet: the rest may come."""
    torn: Batch | None = None
    for path in due:
        if torn is not None:
            yield torn
        torn = None
        if _number(path) != at.file:
            at = Position(_number(path))
        for batch in _file(path, at, report, settle=settle):
            at = batch.end
            if batch.torn:
                torn = batch
            else:
                yield batch
    return at, torn


def one_file(path: Path, report: Report = refuse) -> Iterator[Batch]:
    """All lines of one file of a journal. Raises JournalError as `batches`."""
    yield from _file(path, Position(_number(path)), report, settle=False)


def _last(folder: Path) -> int:
    return max((_number(path) for path in files(folder)), default=0)


def _file(path: Path, start: Position, report: Report, *, settle: bool) -> Iterator[Batch]:
    try:
        handle = _open(path)
    except FileNotFoundError:
        return
    except OSError as failure:
        report(Problem(path, 0, f"cannot be read: {failure.strerror or failure}"))
        return
    try:
        yield from _Splitter(path, handle, start, settle=settle).batches()
    except OSError as failure:
        report(Problem(path, 0, f"cannot be read: {failure.strerror or failure}"))
    finally:
        os.close(handle)


def _open(path: Path) -> int:
    """A journal's file for reading. A link may lead to anything, and a pipe would be waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as failure:
        if failure.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a symbolic link, and the files of a journal are none") from None
        raise
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "it is no regular file")
    return handle


class _Splitter:
    """Cuts one open file into lines. A file is complete only once a later one is there, and then it is read on."""

    def __init__(self, path: Path, handle: int, start: Position, *, settle: bool) -> None:
        self._path = path
        self._handle = handle
        self._at = start
        self._rest = b""
        # How much of a line that is too long was dropped.
        self._dropped = 0
        self._tries = SETTLE_TRIES if settle else 0

    def batches(self) -> Iterator[Batch]:
        """All lines from the start on."""
        # A write that failed was cut off again after it was read: what comes instead begins there.
        size = os.fstat(self._handle).st_size
        if size < self._at.offset:
            self._at = self._at._replace(offset=size)
            yield Batch(self._path, self._at.lines + 1, [], self._at)
        os.lseek(self._handle, self._at.offset, os.SEEK_SET)
        complete = False
        while True:
            block = os.read(self._handle, BLOCK_BYTES)
            if block:
                yield from self._split(block)
            elif complete or not ((complete := self._has_successor()) or self._wait()):
                break
        if torn := len(self._rest) + self._dropped:
            yield Batch(self._path, self._at.lines + 1, [], self._at, torn)

    def _split(self, block: bytes) -> Iterator[Batch]:
        lines = block.split(b"\n")
        # Joined with the first line alone: to copy the whole block costs as much as to search it.
        lines[0] = self._rest + lines[0]
        rest = lines.pop()
        if lines:
            size = sum(map(len, lines)) + len(lines) + self._dropped
            first, self._dropped = self._at.lines + 1, 0
            self._at = Position(self._at.file, self._at.offset + size, self._at.lines + len(lines))
            yield Batch(self._path, first, lines, self._at)
        if self._dropped or len(rest) > LINE_LIMIT_BYTES:
            self._dropped += max(0, len(rest) - CUT_BYTES)
            rest = rest[:CUT_BYTES]
        self._rest = rest

    def _has_successor(self) -> bool:
        return _last(self._path.parent) > self._at.file

    def _wait(self) -> bool:
        """Wait a moment for the rest of a line, and read it anew: a write that failed is cut off and made again."""
        if not self._rest or not self._tries:
            return False
        self._tries -= 1
        time.sleep(SETTLE_S)
        self._rest, self._dropped = b"", 0
        os.lseek(self._handle, self._at.offset, os.SEEK_SET)
        return True
