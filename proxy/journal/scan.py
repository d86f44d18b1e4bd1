"""The starts of a journal, in the order of their first record, their records joined, however long the journal is.

A start's intent and outcome lie close together; its end may come days later. Starts that wait for more are held, as
lines, in a window of bounded size. Where it is full, the rest of the journal is looked through once for the records of
the starts in it, which are told then; what was read ahead is passed over when its turn comes. A question that few
starts answer is thus one pass, and one that all answer a pass and a look ahead for every window (decision 114).

Lines that are no records are reported, and hide nothing else.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from proxy.journal.entry import Phase
from proxy.journal.glance import Glance, glance
from proxy.journal.lines import Batch, Problem, Report, batches
from proxy.journal.query import Query
from proxy.journal.read import decode
from proxy.journal.start import Start

# The window: some 3 KiB a start, and at most this much of bigger ones. Python needs some 300 bytes more for each.
WINDOW_STARTS = 10_000
WINDOW_BYTES = 32 * 1024 * 1024
# More starts are not under way at a time; of one that a crash interrupted longer ago, the outcome is shown alone.
EARLY = 5_000

_TIME = b'{"@timestamp":"'
_TIME_SPAN = slice(len(_TIME), len(_TIME) + len("2026-01-31T09:00:00.000Z"))
_RECEIPT = b'"receipt":"'
NO_RECORD = "is not a record of a start"
NO_OBJECT = f"{NO_RECORD}: it is no JSON object"
_INTENT = b'"phase":"intent"'


class Row(NamedTuple):
    """A line with its place."""

    path: Path
    number: int
    line: bytes


@dataclass(slots=True)
class Found:
    """The lines of one start, and which they are."""

    receipt: str
    rows: list[Row] = field(default_factory=list)
    phases: set[str] = field(default_factory=set)
    size: int = 0
    may_end: bool = True
    _joined: Start | None = None

    @property
    def waits(self) -> bool:
        """Whether more of its records may come: its outcome, or the end of a job that was started."""
        if Phase.OUTCOME not in self.phases:
            return Phase.INTENT in self.phases
        return self.may_end and Phase.END not in self.phases

    def add(self, row: Row, seen: Glance) -> None:
        """Take in one more record of the start."""
        self.rows.append(row)
        self.size += len(row.line)
        self.phases.add(seen.phase)
        if seen.phase == Phase.OUTCOME:
            self.may_end = seen.may_end

    def start(self) -> Start:
        """The records, decoded and joined, until `forget`.

        Raises:
            NotRecord: one of the lines cannot be decoded.
        """
        if self._joined is None:
            self._joined = Start(self.receipt)
            for row in self.rows:
                try:
                    _, record = decode(row.line)
                except ValueError as failure:
                    raise NotRecord(Problem(row.path, row.number, f"{NO_RECORD}: {failure}")) from failure
                self._joined.records[record["startgate"]["phase"]] = record
        return self._joined

    def forget(self) -> "Found":
        """Hold the lines alone again: decoded they take several times as much."""
        self._joined = None
        return self


class NotRecord(Exception):
    """A line that was taken for a record of a start is none."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def matching(folder: Path, query: Query, report: Report, *, window: int = WINDOW_STARTS) -> Iterator[Found]:
    """The starts that are asked for, in the order of their first record. An end whose start is no longer in the journal
    is none.

    Raises:
        JournalError: there is no such folder, or it cannot be read; also what `report` raises.
    """
    for found in _Scan(folder, query, report, window).run():
        if _decodes(found, report) and query.takes(found.start()):
            yield found


def _decodes(found: Found, report: Report) -> bool:
    """Decode the lines of a start; those that are no records are told, and left out. Whether any is left."""
    while found.rows:
        try:
            found.start()
        except NotRecord as failure:
            report(failure.problem)
            found.forget()
            found.rows = [
                row for row in found.rows if (row.path, row.number) != (failure.problem.path, failure.problem.line)
            ]
        else:
            return True
    return False


def newest(found: Iterable[Found], count: int) -> Iterator[Found]:
    """The last `count` of them, in the order given; only their lines are held."""
    return iter(deque((one.forget() for one in found), maxlen=count))


class _Scan:
    def __init__(self, folder: Path, query: Query, report: Report, window: int) -> None:
        self._folder = folder
        self._query = query
        # The longest says most.
        self._needle, *self._needles = sorted(query.needles, key=len, reverse=True) or [b""]
        # Before and after all times.
        self._since, self._until = (query.since or "").encode(), query.until.encode() if query.until else b"~"
        self._timed = query.since is not None or query.until is not None
        self._report = report
        self._window = window
        # In the order of their first record, by the receipt as it stands in a line.
        self._held: dict[bytes, Found] = {}
        self._size = 0
        # Intents from another time than is asked for, whose outcomes may be in it.
        self._early: dict[bytes, Row] = {}
        # Starts that were told with an outcome that was read ahead.
        self._told: set[bytes] = set()

    def run(self) -> Iterator[Found]:
        """Every start that may be asked for."""
        for batch in batches(self._folder, self._report):
            for place in self._worth_decoding(batch):
                self._take(batch, place, self._report)
                yield from self._complete()
                if len(self._held) > self._window or self._size > WINDOW_BYTES:
                    self._look_ahead(batch, place + 1)
                    yield from self._all()
        yield from self._all()

    def _worth_decoding(self, batch: Batch) -> Iterator[int]:
        """The places of those lines that are of a start that is held, or with which one may begin that is asked for.
        All other lines pass through here only: this loop is what a long journal costs."""
        held, early, needle, needles, timed = self._held, self._early, self._needle, self._needles, self._timed
        for place, line in enumerate(batch.lines):
            in_time = not timed or self._is_in_time(line)
            if needle in line and (not needles or all(map(line.__contains__, needles))):
                if in_time:
                    yield place
                    continue
                if _INTENT in line:
                    self._put_by(Row(batch.path, batch.first + place, line))
                    continue
            # Looked for only where somebody waits for it: it costs as much as the search for a name.
            receipt = receipt_in(line) if held or early else b""
            if receipt in held or (receipt in early and in_time):
                yield place
            elif line[:1] != b"{" or line[-1:] != b"}":
                self._report(Problem(batch.path, batch.first + place, NO_OBJECT))
            else:
                # An outcome out of time: its intent waits in vain.
                early.pop(receipt, None)

    def _is_in_time(self, line: bytes) -> bool:
        """Whether the time in a line's bytes is asked for; one that is not where it should be may be."""
        return not line.startswith(_TIME) or self._since <= line[_TIME_SPAN] < self._until

    def _put_by(self, intent: Row) -> None:
        """Keep an intent from another time than is asked for, undecoded: its outcome, whose time counts, may lie in
        it."""
        self._early[receipt_in(intent.line)] = intent
        if len(self._early) > EARLY:
            del self._early[next(iter(self._early))]

    def _take(self, batch: Batch, place: int, report: Report) -> None:
        """Take in a line of a start, unless it adds nothing."""
        line, number = batch.lines[place], batch.first + place
        try:
            seen = glance(line)
        except ValueError as failure:
            report(Problem(batch.path, number, f"{NO_RECORD}: {failure}"))
            return
        receipt = receipt_in(line)
        found = self._held.get(receipt)
        if seen is None or self._is_over(receipt, seen, found):
            return
        if found is None:
            found = self._held[receipt] = self._begun(receipt, seen.receipt)
        found.add(Row(batch.path, number, line), seen)
        self._size += len(line)

    def _begun(self, receipt: bytes, name: str) -> Found:
        """A start that is held from now on, with its intent where that was put by."""
        found = Found(name)
        intent = self._early.pop(receipt, None)
        if intent is None:
            return found
        try:
            seen = glance(intent.line)
        except ValueError as failure:
            self._report(Problem(intent.path, intent.number, f"{NO_RECORD}: {failure}"))
            return found
        if seen is not None:
            found.add(intent, seen)
            self._size += found.size
        return found

    def _is_over(self, receipt: bytes, seen: Glance, found: Found | None) -> bool:
        """Whether a record adds nothing: it was read ahead, or its start is not of the time that is asked for."""
        if seen.phase != Phase.OUTCOME:
            return found is None and seen.phase == Phase.END
        if found is None and receipt in self._told:
            self._told.remove(receipt)
            return True
        if self._query.takes_time(seen.time):
            return False
        self._early.pop(receipt, None)
        if found is not None:
            self._drop(receipt)
        return True

    def _drop(self, receipt: bytes) -> Found:
        found = self._held.pop(receipt)
        self._size -= found.size
        return found

    def _complete(self) -> Iterator[Found]:
        """Those at the front that wait for nothing: the order is that of the first records."""
        while self._held:
            receipt, first = next(iter(self._held.items()))
            if first.waits:
                return
            yield self._drop(receipt)

    def _all(self) -> Iterator[Found]:
        while self._held:
            yield self._drop(next(iter(self._held)))

    def _look_ahead(self, batch: Batch, place: int) -> None:
        """Give every start that is held what the rest of the journal has of it."""
        waiting = {receipt for receipt, found in self._held.items() if found.waits}
        rest = batch._replace(first=batch.first + place, lines=batch.lines[place:])
        for ahead in chain([rest], batches(self._folder, _ignore, after=batch.end)):
            for number, line in enumerate(ahead.lines):
                receipt = receipt_in(line)
                if receipt not in waiting:
                    continue
                before = Phase.OUTCOME in self._held[receipt].phases
                self._take(ahead, number, _ignore)
                found = self._held.get(receipt)
                if not before and (found is None or Phase.OUTCOME in found.phases):
                    self._told.add(receipt)
                if found is None or not found.waits:
                    waiting.remove(receipt)
            if not waiting:
                return


def receipt_in(line: bytes) -> bytes:
    """The receipt in a line, as it stands there and undecoded; empty where there is none."""
    start = line.find(_RECEIPT)
    if start < 0:
        return b""
    start += len(_RECEIPT)
    return line[start : line.find(b'"', start)]


def _ignore(problem: Problem) -> None:
    """What is read ahead is told of when its turn comes."""
