"""The records of a journal one by one, of any kind, as they were written; the last of them, and those to come.

A record is asked for where it answers by itself, or where an earlier record of its start did: the end of a job names no
user. The starts that are remembered for that are bounded; the oldest is forgotten first.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.journal.entry import Phase
from proxy.journal.lines import Batch, Position, Problem, Report, batches, files, one_file
from proxy.journal.query import Kind, Query
from proxy.journal.read import decode

REMEMBERED = 10_000
# As often as somebody who watches would notice.
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Event:
    """One record: its kind, its value, and its line as it stands in the journal."""

    kind: Kind
    record: Mapping[str, Any]
    line: bytes


def events(folder: Path, query: Query, kinds: frozenset[Kind], report: Report) -> Iterator[Event]:
    """All records that are asked for, in their order.

    Raises:
        JournalError: there is no such folder, or it cannot be read; also what `report` raises.
    """
    return _Asked(query, kinds, report).of(batches(folder, report))


def last(
    folder: Path, query: Query, kinds: frozenset[Kind], report: Report, count: int
) -> tuple[list[Event], Position]:
    """The last `count` records that are asked for, and the place behind all that was read. Files are read from the
    newest back, until enough are found.

    Raises:
        JournalError: as `events`.
    """
    found: list[Event] = []
    end = Position(0)
    for path in reversed(files(folder)):
        seen = Position(0)

        def noted(one: Path = path) -> Iterator[Batch]:
            nonlocal seen
            for batch in one_file(one, report):
                seen = batch.end
                yield batch

        newest = deque(_Asked(query, kinds, report).of(noted()), maxlen=count - len(found))
        found = [*newest, *found]
        end = max(end, seen)
        if len(found) >= count:
            break
    return found, end


def follow(
    folder: Path,
    query: Query,
    kinds: frozenset[Kind],
    report: Report,
    after: Position,
    pause: Callable[[], object] = lambda: time.sleep(POLL_S),
) -> Iterator[Event]:
    """Records that come after a place, as they come, over rotation; never ends by itself. `pause` is called where there
    are none for now.

    Raises:
        JournalError: as `events`.
    """
    asked = _Asked(query, kinds, report)
    at = after
    while True:
        moved = False
        for batch in batches(folder, report, after=at):
            # What has no newline yet is read again, whole.
            moved = moved or bool(batch.lines)
            at = batch.end
            yield from asked.of([batch])
        if not moved:
            pause()


class _Asked:
    def __init__(self, query: Query, kinds: frozenset[Kind], report: Report) -> None:
        self._query = query
        self._kinds = kinds
        self._report = report
        self._starts: OrderedDict[str, None] = OrderedDict()

    def of(self, batches: Iterable[Batch]) -> Iterator[Event]:
        """Those records in the batches that are asked for."""
        for batch in batches:
            for number, line in enumerate(batch.lines, batch.first):
                try:
                    kind, record = decode(line)
                except ValueError as failure:
                    self._report(Problem(batch.path, number, f"is no record: {failure}"))
                    continue
                if kind in self._kinds and self._takes(kind, record):
                    yield Event(kind, record, line)

    def _takes(self, kind: Kind, record: Mapping[str, Any]) -> bool:
        if not self._query.takes_time(record.get("@timestamp")):
            return False
        if kind is not Kind.START:
            return self._query.takes_record(record)
        receipt = record["startgate"]["receipt"]
        if self._query.takes_record(record):
            self._remember(receipt, ends=record["startgate"]["phase"] == Phase.END)
            return True
        return receipt in self._starts

    def _remember(self, receipt: str, *, ends: bool) -> None:
        # Anew, so that what was asked for lately is forgotten last.
        self._starts.pop(receipt, None)
        if ends:
            return
        self._starts[receipt] = None
        if len(self._starts) > REMEMBERED:
            self._starts.popitem(last=False)
