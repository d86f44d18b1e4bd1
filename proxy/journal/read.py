"""Reads a journal folder back: records in the order in which they were written, and the records of one start joined."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from proxy.errors import JournalError
from proxy.journal.entry import NOT_LIFTED, Phase
from proxy.journal.writer import FILE_PATTERN

# Where the beginning of a receipt is that of several, so many are named.
AMBIGUOUS_NAMED = 5


@dataclass(slots=True)
class Start:
    """All records of one start, by phase; `latest` is the newest of them."""

    receipt: str
    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def latest(self) -> Mapping[str, Any]:
        """The record that tells most: `end`, else `outcome`, else `intent`; of a newer version, the last."""
        phases = (Phase.END, Phase.OUTCOME, Phase.INTENT)
        return self.records[next((phase for phase in phases if phase in self.records), [*self.records][-1])]

    @property
    def open(self) -> bool:
        """Whether an effect was begun and its outcome is not known."""
        return Phase.INTENT in self.records and Phase.OUTCOME not in self.records

    @property
    def unended(self) -> bool:
        """Whether the start was granted, or may have been, and it is not known how the job ended."""
        outcome = self.records.get(Phase.OUTCOME, {}).get("event", {}).get("outcome")
        return outcome in ("success", "unknown") and Phase.INTENT in self.records and Phase.END not in self.records

    @property
    def blocked(self) -> bool:
        """Whether its destination was left without writes: the cluster failed in the middle of the removal."""
        destination = self.records.get(Phase.OUTCOME, {}).get("startgate", {}).get("destination", {})
        return NOT_LIFTED in str(destination.get("removal", "")) and Phase.END not in self.records


def records(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Every record of a start in `folder`, oldest first, one line in memory at a time.

    A last line without its newline is one that is being written, or was cut short by a crash: it is left out.

    Raises:
        JournalError: the folder cannot be read, or a line is no record; the text names file and line.
    """
    return (record for record in _lines(folder) if not _is_administrative(record))


def administrative(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Every record in `folder` that is of no start: changes to Startgate itself, oldest first.

    Raises:
        JournalError: as `records`.
    """
    return (record for record in _lines(folder) if _is_administrative(record))


def _lines(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in _files(folder):
        try:
            with path.open("rb") as file:
                yield from _records_of(path, file)
        except OSError as failure:
            raise JournalError(f"{path} cannot be read: {failure.strerror or failure}") from failure


def unfinished(folder: Path) -> list[Start]:
    """The starts whose outcome is not known, those that were granted and whose job has no end on record, and those that
    left a destination blocked.

    Only these are held in memory: refused starts need no credentials to be made, and may be millions.

    Raises:
        JournalError: as `records`.
    """
    found: dict[str, Start] = {}
    for record in records(folder):
        receipt, phase = record["startgate"]["receipt"], record["startgate"]["phase"]
        if phase == Phase.END and receipt not in found:
            continue
        start = found.setdefault(receipt, Start(receipt))
        start.records[phase] = record
        if not (start.open or start.unended or start.blocked):
            del found[receipt]
    return list(found.values())


def _files(folder: Path) -> list[Path]:
    try:
        # Not `glob`: to that, a folder that may not be read is an empty one.
        return sorted(path for path in folder.iterdir() if path.match(FILE_PATTERN))
    except FileNotFoundError:
        raise JournalError(f"there is no journal at {folder}") from None
    except NotADirectoryError:
        raise JournalError(f"{folder} is no folder, and a journal is one") from None
    except OSError as failure:
        raise JournalError(f"the journal {folder} cannot be read: {failure.strerror or failure}") from failure


def _records_of(path: Path, lines: Iterator[bytes]) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            return
        try:
            record = msgspec.json.decode(line)
            if _is_observed(record):
                continue
            if not _is_administrative(record):
                record["startgate"]["receipt"], record["startgate"]["phase"]
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as failure:
            raise JournalError(f"{path}:{number} is not a record of a start: {failure}") from failure
        yield record


def _is_observed(record: Mapping[str, Any]) -> bool:
    ours = record["startgate"]
    return isinstance(ours, Mapping) and isinstance(ours.get("observed"), Mapping)


def _is_administrative(record: Mapping[str, Any]) -> bool:
    ours = record["startgate"]
    return isinstance(ours, Mapping) and isinstance(ours.get("admin"), Mapping)


def starts(folder: Path) -> list[Start]:
    """All starts in `folder`, in the order of their first record.

    Raises:
        JournalError: as `records`.
    """
    found: dict[str, Start] = {}
    for record in records(folder):
        receipt = record["startgate"]["receipt"]
        found.setdefault(receipt, Start(receipt)).records[record["startgate"]["phase"]] = record
    return list(found.values())


def start(folder: Path, receipt: str) -> Start | None:
    """The start with this receipt, or whose receipt alone begins so; None where there is none.

    Raises:
        JournalError: as `records`, or several receipts begin so.
    """
    matching = [one for one in starts(folder) if one.receipt.startswith(receipt)]
    exact = [one for one in matching if one.receipt == receipt]
    if len(exact or matching) > 1:
        named = ", ".join(one.receipt for one in matching[:AMBIGUOUS_NAMED])
        more = ", …" if len(matching) > AMBIGUOUS_NAMED else ""
        raise JournalError(f"{len(matching)} receipts begin with {receipt}: {named}{more}; give more of it")
    return next(iter(exact or matching), None)
