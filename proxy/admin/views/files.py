"""The files of a journal, with their sizes and the times of their first and last record. All of this blocks."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proxy.admin.shown.journal import JournalFile
from proxy.journal.lines import files

# The time stands at the beginning of a line: canonical JSON sorts its keys.
_TIME: Final = b'{"@timestamp":"'
_LENGTH: Final = len("2026-01-31T09:00:00.000Z")
# The last line is looked for in so many bytes; a longer one has no time that could be told.
_TAIL_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a file when it was like this."""

    inode: int
    size: int
    changed_ns: int
    first: str
    last: str


class JournalFiles:
    """The files of one folder. What was read of a file is kept until it changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Known] = {}

    def list(self) -> tuple[JournalFile, ...]:
        """All files in their order. Raises JournalError: there is no such folder, or it cannot be read."""
        known = dict(self._found())
        self._known = known
        return tuple(
            JournalFile(name=name, bytes=one.size, first_time=one.first, last_time=one.last)
            for name, one in known.items()
        )

    def _found(self) -> Iterator[tuple[str, _Known]]:
        for path in files(self._folder):
            try:
                status = path.lstat()
            except OSError:
                # Retired meanwhile.
                continue
            before = self._known.get(path.name)
            now = (status.st_ino, status.st_size, status.st_mtime_ns)
            if before is not None and now == (before.inode, before.size, before.changed_ns):
                yield path.name, before
            elif stat.S_ISREG(status.st_mode):
                yield path.name, _Known(*now, *_times(path, status.st_size))
            else:
                yield path.name, _Known(*now, "", "")


def _times(path: Path, size: int) -> tuple[str, str]:
    """The times of the first and the last whole line; empty where they cannot be told."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return "", ""
    try:
        first = os.pread(handle, len(_TIME) + _LENGTH, 0)
        tail = os.pread(handle, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    except OSError:
        return "", ""
    finally:
        os.close(handle)
    # What is behind the last newline is still being written.
    lines = tail.rpartition(b"\n")[0].rpartition(b"\n")
    return _time(first), _time(lines[2] if lines[1] or size <= _TAIL_BYTES else b"")


def _time(line: bytes) -> str:
    if not line.startswith(_TIME):
        return ""
    return line[len(_TIME) : len(_TIME) + _LENGTH].decode("ascii", errors="replace")
