"""Reads a journal folder back: records in the order in which they were written, and the records of one start joined.

This is for those who cannot go on without a record: the first line that is none is an error. Who only shows records
reads by `scan`, which tells of such a line and goes on.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from proxy.errors import JournalError
from proxy.journal.entry import Phase
from proxy.journal.lines import Problem, Report, batches, refuse
from proxy.journal.query import Kind, kind_of
from proxy.journal.start import Start

__all__ = ["Start", "administrative", "decode", "records", "start", "starts", "unfinished"]

# Where the beginning of a receipt is that of several, so many are named.
AMBIGUOUS_NAMED = 5
# So many receipts are told apart before a beginning is called too short.
AMBIGUOUS_COUNTED = 1000
WAY_OUT = (
    "`startgate audit verify` shows all that is wrong; to go on without this journal, leave its folder as it is and "
    "name a new one under `journal.path`: what is unfinished in the old one is then not followed up"
)


def records(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Every record of a start in `folder`, oldest first, a block of lines in memory at a time. Records of other kinds
    are passed over.

    A last line without its newline is one that is being written, or was cut short by a crash: it is left out.

    Raises:
        JournalError: the folder cannot be read, or a line is no record; the text names file and line.
    """
    return _of_kind(folder, Kind.START)


def administrative(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Every record in `folder` that is of no start: changes to Startgate itself, oldest first.

    Raises:
        JournalError: as `records`.
    """
    return _of_kind(folder, Kind.ADMIN)


def decode(line: bytes) -> tuple[Kind, Mapping[str, Any]]:
    """The kind and the value of a line.

    Raises:
        ValueError: it is no record.
    """
    try:
        record = msgspec.json.decode(line)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except msgspec.MsgspecError as failure:
        raise ValueError(str(failure)) from failure
    return kind_of(record), record


def _of_kind(folder: Path, kind: Kind) -> Iterator[Mapping[str, Any]]:
    for path, number, line in _lines(folder):
        try:
            found, record = decode(line)
        except ValueError as failure:  # as Unicode's errors are
            raise JournalError(f"{path}:{number} is not a record of a start: {failure}") from failure
        if found is kind:
            yield record


def _lines(folder: Path, report: Report = refuse) -> Iterator[tuple[Path, int, bytes]]:
    for batch in batches(folder, report):
        for number, line in enumerate(batch.lines, batch.first):
            yield batch.path, number, line


def unfinished(folder: Path) -> list[Start]:
    """The starts whose outcome is not known, those that were granted and whose job has no end on record, and those that
    left a destination blocked.

    Only these are held in memory: refused starts need no credentials to be made, and may be millions.

    Raises:
        JournalError: as `records`, and the text says how to go on. A line that is none may be the intent of a start
            that had effects, or its end: to go on as if it was not there would be a guess.
    """
    found: dict[str, Start] = {}
    try:
        for record in records(folder):
            receipt, phase = record["startgate"]["receipt"], record["startgate"]["phase"]
            if phase == Phase.END and receipt not in found:
                continue
            start = found.setdefault(receipt, Start(receipt))
            start.records[phase] = record
            if not (start.open or start.unended or start.blocked):
                del found[receipt]
    except JournalError as failure:
        raise JournalError(f"{failure}; {WAY_OUT}") from failure
    return list(found.values())


def starts(folder: Path) -> list[Start]:
    """All starts in `folder`, in the order of their first record, all in memory.

    Raises:
        JournalError: as `records`.
    """
    found: dict[str, Start] = {}
    for record in records(folder):
        receipt = record["startgate"]["receipt"]
        found.setdefault(receipt, Start(receipt)).records[record["startgate"]["phase"]] = record
    return list(found.values())


def start(folder: Path, receipt: str, report: Report = refuse) -> Start | None:
    """The start with this receipt, or whose receipt alone begins so; None where there is none. Only its own lines are
    decoded; what is wrong with one of them is reported.

    Raises:
        JournalError: the folder cannot be read, or several receipts begin so.
    """
    exact, matching = _starts_beginning(folder, receipt, report)
    if exact is None and len(matching) > 1:
        named = ", ".join([*matching][:AMBIGUOUS_NAMED])
        more = ", …" if len(matching) > AMBIGUOUS_NAMED else ""
        count = len(matching) if len(matching) < AMBIGUOUS_COUNTED else f"{AMBIGUOUS_COUNTED} and more"
        raise JournalError(f"{count} receipts begin with {receipt}: {named}{more}; give more of it")
    return exact or next(iter(matching.values()), None)


def _starts_beginning(folder: Path, receipt: str, report: Report) -> tuple[Start | None, dict[str, Start]]:
    needle = b'"receipt":' + msgspec.json.encode(receipt)[:-1]
    exact: Start | None = None
    matching: dict[str, Start] = {}
    for path, number, line in _lines(folder, report):
        # Spaces after colons are not Startgate's own, but valid JSON.
        if needle not in line and needle not in line.replace(b": ", b":"):
            continue
        try:
            kind, record = decode(line)
        except ValueError as failure:
            report(Problem(path, number, f"is not a record of a start: {failure}"))
            continue
        if kind is not Kind.START or not record["startgate"]["receipt"].startswith(receipt):
            continue
        found, phase = record["startgate"]["receipt"], record["startgate"]["phase"]
        if found == receipt:
            exact = exact or Start(found)
            exact.records[phase] = record
        elif found in matching or len(matching) < AMBIGUOUS_COUNTED:
            matching.setdefault(found, Start(found)).records[phase] = record
    return exact, matching
