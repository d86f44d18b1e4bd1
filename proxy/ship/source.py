"""Reads the records after a cursor, over all files of a journal, while another process or thread appends to it.

What is read is on the disk before it is handed on. A line that the writer has written and not yet synced may be taken
back by it, when the disk fails, and its number given to another record: no copy of it may be anywhere.

Everything here blocks; callers in an event loop use a thread.
"""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import msgspec

from proxy.errors import JournalError
from proxy.journal import chain
from proxy.journal.folder import FIRST_FILE, file_number
from proxy.journal.lines import LINE_LIMIT_BYTES, files
from proxy.ship.model import Cursor, Record

_BLOCK_BYTES = 64 * 1024
# Of an oversized or broken line, this much is kept with the reason.
_KEPT_BYTES = 1024
# Elasticsearch takes 512 (IndexRequest.MAX_DOCUMENT_ID_LENGTH_IN_BYTES); of ours, only a forged one is near that.
_ID_LIMIT_BYTES = 256


class _Stamp(msgspec.Struct, gc=False):
    """What is read of a record besides its place."""

    timestamp: str = msgspec.field(default="", name="@timestamp")


_stamps = msgspec.json.Decoder(_Stamp)


@dataclass(frozen=True, slots=True)
class Head:
    """Where a journal ends: the place of its last chained record, 0 and empty where it has none."""

    seq: int = 0
    hash: str = ""
    journal: str = ""


def beginning(folder: Path) -> Cursor:
    """The cursor before everything that the journal holds. Raises JournalError."""
    found = files(folder)
    return Cursor(found[0].name if found else FIRST_FILE)


def resume(folder: Path, cursor: Cursor) -> tuple[Cursor, str]:
    """Where to go on from: the cursor itself where it still stands behind the record that it names.

    Where it does not (the file is gone, was cut, or is another one), the place behind that record wherever it is; else
    the beginning, since to send twice is better than to miss. The second value says what was found wrong.

    Raises:
        JournalError: the journal cannot be read.
    """
    found = files(folder)
    names = [path.name for path in found]
    if cursor.file in names and _stands(folder / cursor.file, cursor):
        return cursor, ""
    if not found and cursor == Cursor(cursor.file):
        return cursor, ""
    if cursor.file not in names and _follows(folder, cursor):
        # Its file was retired, and what comes next is the first that is left.
        return beginning(folder), ""
    for path in found:
        for record in _records(path, Cursor(path.name)):
            if cursor.seq and _same(record.after, cursor):
                return record.after, f"{cursor.file} is not as it was: going on behind record {cursor.seq}"
    text = f"{cursor.file} does not hold record {cursor.seq} any more" if cursor.seq else f"{cursor.file} is gone"
    return beginning(folder), f"{text}: beginning with what the journal holds"


def read(folder: Path, cursor: Cursor, records: int, size: int) -> tuple[Record, ...]:
    """The next records behind a cursor, `records` and `size` bytes at most, but one where there is one.

    Raises:
        JournalError: the journal cannot be read.
    """
    # Listed before the last file is read: one that has a successor by then does not grow any more.
    names = [path.name for path in files(folder) if _order(path.name) >= _order(cursor.file)]
    taken: list[Record] = []
    left = size
    for name in names:
        start = cursor if name == cursor.file else replace(cursor, file=name, offset=0)
        for record in _records(folder / name, start, growing=name == names[-1]):
            if taken and (len(taken) == records or len(record.line) > left):
                return tuple(taken)
            taken.append(record)
            left -= len(record.line)
        if len(taken) == records or left <= 0:
            break
        cursor = taken[-1].after if taken else start
    return tuple(taken)


def head(folder: Path) -> Head:
    """Where the journal ends. Raises JournalError."""
    for path in reversed(files(folder)):
        for line in _lines_backwards(path):
            place = _place(line)
            if place is not None:
                return Head(place.seq, place.hash, place.journal)
    return Head()


def bytes_behind(folder: Path, cursor: Cursor) -> int:
    """How many bytes of the journal are behind a cursor. Raises JournalError."""
    total = 0
    for path in files(folder):
        if _order(path.name) >= _order(cursor.file):
            total += _size(path) - (cursor.offset if path.name == cursor.file else 0)
    return max(total, 0)


def timestamp(record: Record) -> str:
    """The record's own time; empty where it has none."""
    try:
        return _stamps.decode(record.line).timestamp
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def chained(folder: Path) -> Iterator[Record]:
    """Every record with a place in the chain, oldest first, one in memory at a time. Raises JournalError."""
    for path in files(folder):
        yield from (record for record in _records(path, Cursor(path.name)) if record.seq)


def _follows(folder: Path, cursor: Cursor) -> bool:
    """Whether the journal begins with the record after a cursor's."""
    first = next(chained(folder), None)
    return first is not None and (first.after.journal, first.seq) == (cursor.journal, cursor.seq + 1)


def _order(name: str) -> int:
    """The place of a file among the others; what is none of the journal's comes first."""
    return file_number(name) or 0


def _same(one: Cursor, other: Cursor) -> bool:
    return (one.journal, one.seq, one.hash) == (other.journal, other.seq, other.hash)


def _stands(path: Path, cursor: Cursor) -> bool:
    """Whether the line that ends at the cursor is the record that it names; at a file's beginning there is none."""
    if cursor.offset == 0:
        return True
    if cursor.offset > _size(path):
        return False
    line = next(_lines_backwards(path, cursor.offset), b"")
    place = _place(line)
    # A line without a place tells nothing of itself; that a line ends there is all that can be asked.
    return (place is None and bool(line)) or (
        place is not None and (place.journal, place.seq, place.hash) == (cursor.journal, cursor.seq, cursor.hash)
    )


def _records(path: Path, cursor: Cursor, *, growing: bool = False) -> Iterator[Record]:
    """The whole lines of one file behind a cursor. With `growing` they are on the disk when they are given."""
    try:
        with path.open("rb") as file:
            file.seek(cursor.offset)
            yield from _behind(file, cursor, _synced_end(file, cursor.offset) if growing else None)
    except FileNotFoundError:
        return  # retired since it was listed: what is deleted was shipped
    except OSError as failure:
        raise JournalError(f"{path} cannot be read: {failure.strerror or failure}") from failure


def _behind(file: BinaryIO, cursor: Cursor, end: int | None) -> Iterator[Record]:
    """The whole lines of an open file from its place on, up to the offset `end` where there is one."""
    for line, length in _lines(file):
        if end is not None and cursor.offset + length > end:
            return
        record = _record(line, length, cursor)
        cursor = record.after
        yield record


def _synced_end(file: BinaryIO, offset: int) -> int:
    """How much of a file is on the disk, at least: what was there before an fsync that went well."""
    end = os.fstat(file.fileno()).st_size
    if end > offset:  # else there is nothing to read, and a disk at rest is left alone
        os.fsync(file.fileno())
    return end


def _lines(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Each whole line and its length in the file; an oversized one cut short."""
    while line := file.readline(LINE_LIMIT_BYTES):
        length = len(line)
        if not line.endswith(b"\n") and length == LINE_LIMIT_BYTES:
            rest, ended = _skipped(file)
            length += rest
            line = line[:_KEPT_BYTES] + (b"\n" if ended else b"")
        if not line.endswith(b"\n"):
            return  # it is being written, or was cut short by a crash, and the next writer takes it away
        yield line, length


def _skipped(file: BinaryIO) -> tuple[int, bool]:
    """How many bytes there are up to the end of a line, which is passed over block by block; whether it has an end."""
    length = 0
    while rest := file.readline(_BLOCK_BYTES):
        length += len(rest)
        if rest.endswith(b"\n"):
            return length, True
    return length, False


def _record(line: bytes, length: int, before: Cursor) -> Record:
    offset = before.offset + length
    text = line.removesuffix(b"\n")
    try:
        text.decode()
        place = chain.place(text)
    except (ValueError, RecursionError) as failure:
        why = f"the line is longer than {LINE_LIMIT_BYTES} bytes" if length != len(line) else f"no record: {failure}"
        return Record(text[:_KEPT_BYTES], _digest(text), 0, replace(before, offset=offset), why)
    if place is None:
        return Record(text, _digest(text), 0, replace(before, offset=offset))
    after = Cursor(before.file, offset, place.seq, place.hash, place.journal)
    # The hash's beginning: a journal that was put back from a backup gives its numbers to other records, and none of
    # these must take the place of another.
    id = f"{place.journal}-{place.seq}-{place.hash[:16]}"
    return Record(text, id if len(id.encode()) <= _ID_LIMIT_BYTES else _digest(text), place.seq, after)


def _digest(text: bytes) -> str:
    """The id of a line without a place. No two are the same: each holds its receipt and its phase."""
    return f"line-{hashlib.sha256(text).hexdigest()}"


def _place(line: bytes) -> chain.Chain | None:
    try:
        return chain.place(line)
    except (ValueError, RecursionError):
        return None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as failure:
        raise JournalError(f"{path} cannot be read: {failure.strerror or failure}") from failure


def _lines_backwards(path: Path, end: int | None = None) -> Iterator[bytes]:
    """The whole lines before an offset (None: the end of the file), the last one first, block by block."""
    try:
        with path.open("rb") as file:
            place = os.fstat(file.fileno()).st_size if end is None else end
            held = b""
            while place:
                start = max(0, place - _BLOCK_BYTES)
                file.seek(start)
                held = file.read(place - start) + held
                place = start
                first, *lines = held.split(b"\n")
                # What is behind the last newline is no whole line; what is before the first may go on to the left.
                held = first + b"\n" if lines else first
                yield from (line for line in reversed(lines[:-1]))
            yield from ([held.removesuffix(b"\n")] if held.endswith(b"\n") else [])
    except FileNotFoundError:
        return
    except OSError as failure:
        raise JournalError(f"{path} cannot be read: {failure.strerror or failure}") from failure
