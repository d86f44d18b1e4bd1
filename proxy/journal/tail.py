"""The end of a journal as an earlier process left it: mended where a crash cut a line short, and read for its chain."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from proxy.errors import JournalError
from proxy.journal.chain import Chain, line_hash, place
from proxy.journal.entry import FORMAT_VERSION
from proxy.journal.files import APPENDED, Files, write_all

_BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Torn:
    """A line that a crash cut short: where it is kept now, how long it was, and the SHA-256 of what it held."""

    kept_in: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a journal: the last place in its chain (None: it has no chain yet), whether it holds any line, and the
    last record's `@timestamp`, empty where it has none."""

    chain: Chain | None
    holds_lines: bool
    time: str


def mend(path: Path, file: int, files: Files) -> Torn | None:
    """Move a last line without its newline to a file beside, so that the journal holds whole lines only.

    Raises:
        OSError: it cannot be moved; the journal is as it was.
    """
    size = files.status(file).st_size
    keep = end_of_last_line(file, size)
    if keep == size:
        return None
    torn = os.pread(file, size - keep, keep)
    name = f"{path.name}.torn-at-{keep}"
    # Appended: a journal can be cut short at the same place more than once.
    beside = files.open(path.with_name(name), APPENDED)
    try:
        write_all(files, beside, torn)
        files.sync(beside)
    finally:
        files.close(beside)
    files.sync_folder(path.parent)
    # Only now that it is kept elsewhere, and found there after a power failure.
    files.truncate(file, keep)
    files.sync(file)
    return Torn(kept_in=name, bytes=len(torn), sha256=hashlib.sha256(torn).hexdigest())


def end_of_last_line(file: int, size: int, block: int = _BLOCK_BYTES) -> int:
    """The offset just after the last newline, looking back from the end one block at a time."""
    end = size
    while end:
        start = max(0, end - block)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def read_tail(paths: list[Path]) -> Tail:
    """The end of the journal in these files, oldest first, all of whole lines.

    Raises:
        OSError: a file cannot be read; JournalError: the last record is none of this version's, or is not what was
            written. The text names file and line, and nothing is changed.
    """
    last, time = None, ""
    for path in reversed(paths):
        line = _last_line(path)
        if line is None:
            continue
        if last is None:
            last, time = line, _checked(path, line)
        chain = place(line) or _last_chain(path)
        if chain is not None:
            return Tail(chain, holds_lines=True, time=time)
    return Tail(None, holds_lines=last is not None, time=time)


def _last_line(path: Path) -> bytes | None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        # A file before the last may end in half a line: somebody cut it, and it is not mended again.
        end = end_of_last_line(file.fileno(), size)
        if not end:
            return None
        start = end_of_last_line(file.fileno(), end - 1)
        return os.pread(file.fileno(), end - start, start)


def _checked(path: Path, line: bytes) -> str:
    """The record's time; whatever keeps this version from writing after the line is told."""
    try:
        record: Any = msgspec.json.decode(line)
        chain = place(line)
        format = record["startgate"].get("format", 0)
    except (ValueError, msgspec.MsgspecError, KeyError, AttributeError, TypeError, RecursionError) as failure:
        raise _refused(path, f"is not a record of a start: {failure}") from failure
    if isinstance(format, int) and format > FORMAT_VERSION:
        text = f"was written by a newer version (format {format}; this one writes {FORMAT_VERSION})"
        raise _refused(path, text)
    if chain is not None and line_hash(line) != chain.hash:
        raise _refused(path, "is not what was written: its hash is another (`startgate audit verify` tells more)")
    time = record.get("@timestamp")
    return time if isinstance(time, str) else ""


def _refused(path: Path, what: str) -> JournalError:
    with path.open("rb") as file:
        number = sum(1 for _ in file)
    way_out = (
        "nothing was changed; to go on without it, leave its folder as it is and name a new one under `journal.path`"
    )
    return JournalError(f"{path}:{number} {what}; {way_out}")


def _last_chain(path: Path) -> Chain | None:
    """The last place of any line: an older version may have written after a newer one."""
    found = None
    with path.open("rb") as file:
        for line in file:
            try:
                found = place(line) or found
            except ValueError:
                continue  # said by whoever reads the journal
    return found
