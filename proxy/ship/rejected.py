"""What a sink will never take, in `rejected-<sink>.jsonl` beside the journal: passed over, counted, and kept.

Each line has the record's id and number, the sink's reason, and the line itself as text, so that it can be sent again
by hand once the reason is mended. After a crash a record may stand here twice, under the same id.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from proxy.errors import JournalError
from proxy.journal.entry import cut
from proxy.journal.files import Files, append_lines
from proxy.ship.model import Rejection


def rejected_path(folder: Path, sink: str) -> Path:
    """The file of what a sink rejected."""
    return folder / f"rejected-{sink}.jsonl"


def keep(folder: Path, sink: str, rejected: Sequence[Rejection], at: str) -> None:
    """Put rejected records aside, on the disk, before the cursor passes them. `at` is the time as RFC 3339 text.

    Raises:
        JournalError: they cannot be kept; the cursor must stay.
    """
    path = rejected_path(folder, sink)
    lines = b"".join(_line(one, at) for one in rejected)
    try:
        append_lines(Files(), path, lines)
    except OSError as failure:
        raise JournalError(f"{path} cannot be written: {failure.strerror or failure}") from failure


def numbers(folder: Path, sink: str) -> frozenset[int]:
    """The numbers of all records that a sink rejected; those without a place in the chain are left out.

    Raises:
        JournalError: the file cannot be read.
    """
    path = rejected_path(folder, sink)
    try:
        with path.open("rb") as file:
            return frozenset(number for line in file if (number := _number(line)))
    except FileNotFoundError:
        return frozenset()
    except OSError as failure:
        raise JournalError(f"{path} cannot be read: {failure.strerror or failure}") from failure


def count(folder: Path, sink: str) -> int:
    """How many lines a sink's file of rejected records has. Raises JournalError."""
    path = rejected_path(folder, sink)
    try:
        with path.open("rb") as file:
            return sum(1 for _ in file)
    except FileNotFoundError:
        return 0
    except OSError as failure:
        raise JournalError(f"{path} cannot be read: {failure.strerror or failure}") from failure


class _Kept(msgspec.Struct):
    seq: int = 0


def _number(line: bytes) -> int:
    try:
        return msgspec.json.decode(line, type=_Kept).seq
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return 0  # cut short by a crash: the record came again, on the next line


def _line(one: Rejection, at: str) -> bytes:
    record = one.record
    kept = {
        "@timestamp": at,
        "file": record.after.file,
        "id": record.id,
        "line": record.line.decode(errors="backslashreplace"),
        "reason": cut(one.reason),
        "seq": record.seq,
    }
    return msgspec.json.encode(kept) + b"\n"
