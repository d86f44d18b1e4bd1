"""What tests of shipping share: journals with a chain, and sinks that do as they are told."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from proxy.journal.chain import Link, genesis, seal
from proxy.settings import ShipLimits
from proxy.ship import source
from proxy.ship.model import Cursor, Record, Rejection, SinkFailure, Taken

FIRST, SECOND, THIRD = (f"starts-00000{number}.jsonl" for number in (1, 2, 3))
JOURNAL = "journal-of-the-tests-01"
# Pauses of tests: long enough to be one, short enough for nobody to wait.
LIMITS = ShipLimits(batch_records=10, retry_s=0.01, retry_longest_s=0.02, poll_s=0.01, send_s=10.0)


def entry(number: int, **more: Any) -> dict[str, Any]:
    """A record as the gate makes them, in short."""
    return {
        "@timestamp": "2026-11-24T12:00:00.000Z",
        "event": {"action": "start-data-frame-analytics", "outcome": "success", "id": f"r{number}"},
        "startgate": {"format": 1, "phase": "outcome", "receipt": f"r{number}"},
        **more,
    }


class Written:
    """A journal that is written by hand, file by file."""

    def __init__(self, folder: Path, journal: str = JOURNAL) -> None:
        self.folder = folder
        self.link: Link = genesis(journal)
        self.lines: list[bytes] = []
        folder.mkdir(parents=True, exist_ok=True)

    def append(self, count: int = 1, file: str = FIRST, **more: Any) -> None:
        """So many more records in a file."""
        made = []
        for _ in range(count):
            line, self.link = seal(entry(self.link.seq, **more), self.link)
            made.append(line)
        self.raw(b"".join(made), file)
        self.lines += [line.removesuffix(b"\n") for line in made]

    def raw(self, data: bytes, file: str = FIRST) -> None:
        """Bytes as they are."""
        with (self.folder / file).open("ab") as out:
            out.write(data)

    def records(self, size: int = 1 << 30) -> tuple[Record, ...]:
        """All of it, read."""
        return source.read(self.folder, source.beginning(self.folder), 1 << 30, size)


def records(folder: Path, count: int) -> tuple[Record, ...]:
    """So many records of a new journal."""
    written = Written(folder)
    written.append(count)
    return written.records()


def plain(text: bytes, seq: int = 0) -> Record:
    """A record of any line."""
    return Record(text, f"id-{seq}", seq, Cursor(FIRST, 0, seq))


class FakeSink:
    """Takes what it is told to: `faults` are raised one after another, `bad` receipts rejected, `most` taken at a
    time."""

    name = "fake"

    def __init__(self, *faults: BaseException, bad: Sequence[int] = (), most: int = 1 << 30) -> None:
        self.got: list[Record] = []
        self.batches: list[int] = []
        self.faults = list(faults)
        self.bad = frozenset(bad)
        self.most = most
        self.closed = False

    async def send(self, records: Sequence[Record]) -> Taken:
        self.batches.append(len(records))
        if self.faults:
            raise self.faults.pop(0)
        kept = records[: self.most]
        self.got += [record for record in kept if record.seq not in self.bad]
        rejected = tuple(Rejection(record, "not wanted") for record in kept if record.seq in self.bad)
        return Taken(len(kept), rejected, "is full" if len(kept) < len(records) else "")

    @property
    def numbers(self) -> list[int]:
        """The numbers of what it has, in order."""
        return [record.seq for record in self.got]

    async def close(self) -> None:
        self.closed = True


def failing(text: str = "away") -> SinkFailure:
    """What a sink raises."""
    return SinkFailure(text)


def decoded(line: bytes) -> Any:
    """A line as values."""
    return msgspec.json.decode(line)
