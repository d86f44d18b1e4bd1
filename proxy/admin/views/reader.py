"""Reads the journal's files for the index: the newest starts first, then what comes, over rotation and retirement.

All of this blocks, and is called in a thread, one call at a time; a call takes `SLICE_S` of work and says whether there
is more. What cannot be read is told and passed over.

Rules of this file:
1. A start is where its first record is, and is made of those of its records that are there now, each phase by the last.
2. A place is believed for as long as the file was not cut before it.
3. What is kept is bounded by the number of starts, whatever the files hold.
"""

import heapq
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from proxy.admin.views.index import Changes
from proxy.admin.views.row import Entry, Place, entry_of
from proxy.admin.views.sweep import Places, Swept, bounded, is_start, joined, placed, sweep
from proxy.journal.entry import Phase
from proxy.journal.folder import file_name, file_number
from proxy.journal.lines import Batch, Position, Problem, batches, files
from proxy.journal.query import Kind
from proxy.journal.read import decode
from proxy.journal.start import Start

# As long as a request may wait for the interpreter.
SLICE_S: Final = 0.05
# Between the intent and the outcome of a start there are seldom more of others; decoded they take up to 300 KiB each.
RECENT: Final = 32
# Old entries are handed over so many at a time: the first make the first page.
CHUNK: Final = 200
# More than a record holds (`journal.entry.LIST_LIMIT`, of three kinds, in three records).
ALL_NAMES: Final = 10_000
# So many problems are told of one look; a file of garbage has millions.
PROBLEMS: Final = 20


class _Other(Exception):
    """What stands in the file is not what was read."""


class Reader:
    """Reads one folder; `kept` is how many starts are held."""

    def __init__(self, folder: Path, kept: int) -> None:
        self._folder = folder
        self._kept = kept
        self._told: OrderedDict[str, None] = OrderedDict()
        self._forget()

    def _forget(self) -> None:
        self._known: dict[str, Places] = {}
        # Where the known begin, the oldest first. What is no longer so is passed over when it comes up.
        self._heap: list[tuple[int, int, str]] = []
        self._recent: OrderedDict[str, Start] = OrderedDict()
        # Where to read on; None until the newest file was swept.
        self._at: Position | None = None
        self._first = 0
        # How folder and file looked before they were read last.
        self._seen: tuple[int, ...] | None = None
        self._swept = Swept(self._kept)
        self._loading: Iterator[list[Entry]] | None = None
        self._complete = False
        self._changes = Changes()

    def look(self) -> Changes:
        """What has come since the last look, and a part of what was there before.

        Raises:
            JournalError: there is no such folder, or it cannot be read.
        """
        seen = self._signature()
        if seen is not None and seen == self._seen and self._loading is None:
            # Nothing was written, and no file came or went: as it is nearly always.
            return Changes(complete=self._complete)
        self._seen = seen
        self._changes = changes = Changes()
        until_s = time.monotonic() + SLICE_S
        try:
            if self._at is not None:
                self._retire()
                changes.more = self._follow(self._at, until_s)
            elif self._loading is None:
                self._loading = self._load()
        except _Other:
            self._forget()
            return Changes(anew=True, more=True, problems=changes.problems)
        while self._loading is not None:
            # Once at least, however much there is to be followed.
            self._go_on(self._loading)
            if time.monotonic() >= until_s:
                break
        changes.more = changes.more or self._loading is not None
        if changes.more:
            self._seen = None
        changes.complete = self._complete
        return changes

    def _signature(self) -> tuple[int, ...] | None:
        """What changes with whatever happens to the file that is followed, or to the files of the folder."""
        if self._at is None or not self._at.file:
            return None
        try:
            folder, file = self._folder.stat(), (self._folder / file_name(self._at.file)).lstat()
        except OSError:
            return None
        return folder.st_ino, folder.st_mtime_ns, file.st_ino, file.st_size, file.st_mtime_ns

    def with_all_names(self, entry: Entry) -> Entry:
        """An entry again with all the names in its records; as it is where these are gone. May be called beside
        `look`."""
        start, left = joined(self._folder, entry.row.receipt, entry.places)
        return entry_of(start, left, names=ALL_NAMES) if left else entry

    def _go_on(self, loading: Iterator[list[Entry]]) -> None:
        try:
            self._changes.old += next(loading)
        except StopIteration:
            self._loading, self._swept = None, Swept(self._kept)

    def _load(self) -> Iterator[list[Entry]]:
        """The starts that are there, the newest first; yields as often as others may want to go on."""
        found = files(self._folder)
        self._first = _number(found[0]) if found else 0
        swept = self._swept
        for path in reversed(found):
            end = Position(_number(path))
            for end in sweep(path, swept, self._report):  # noqa: B007 -- the last of them is wanted
                yield []
            swept.close()
            # What follows is read from behind the newest, whatever comes before it.
            self._at = self._at or end
            if len(swept.starts) >= self._kept:
                break
        self._at = self._at or Position(0)
        self._complete = not swept.dropped and len(swept.starts) <= self._kept and (not found or path == found[0])
        order = sorted(swept.starts, key=lambda receipt: swept.starts[receipt][0], reverse=True)
        chunk: list[Entry] = []
        for receipt in order[: self._kept]:
            chunk += self._old(receipt)
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = []
            else:
                yield []
        yield chunk

    def _old(self, receipt: str) -> Iterator[Entry]:
        """A start that was found, unless something came of it meanwhile."""
        if receipt not in self._known and len(self._known) < self._kept:
            start, left = joined(self._folder, receipt, self._swept.starts[receipt], self._report)
            if is_start(start):
                yield self._hold(start, left)

    def _follow(self, at: Position, until_s: float) -> bool:
        """Read on behind all that was read; whether there is more. Raises _Other."""
        for batch in batches(self._folder, self._report, after=at):
            if batch.end.file == at.file and batch.end.offset < at.offset:
                # A write that failed is taken back.
                self._let_go(partial(_is_behind, batch.end))
            elif batch.end.file == at.file and batch.lines and not batch.lines[0].startswith(b"{"):
                # It was taken back, and more was written than that before anybody looked: this begins within a line.
                raise _Other
            self._take(batch)
            self._at = at = batch.end
            if time.monotonic() >= until_s:
                return True
        return False

    def _take(self, batch: Batch) -> None:
        for number, (place, line) in enumerate(placed(batch), batch.first):
            try:
                kind, record = decode(line)
            except ValueError as failure:
                self._report(Problem(batch.path, number, f"is no record: {failure}"))
                continue
            if kind is Kind.START:
                self._record(record, place)

    def _record(self, record: Mapping[str, Any], place: Place) -> None:
        receipt, phase = record["startgate"]["receipt"], record["startgate"]["phase"]
        known = self._known.get(receipt) or self._swept.starts.get(receipt, ())
        if not known and phase == Phase.END:
            # Of a start that is not held; where it is still to be found, its end will be wanted.
            if self._loading is not None:
                self._swept.note_end(receipt, place)
            return
        start = self._recent.pop(receipt, None)
        if start is None:
            start, known = joined(self._folder, receipt, known)
        start.records[phase] = record
        self._changes.new.append(self._hold(start, bounded((*known, place))))
        self._recent[receipt] = start
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    def _hold(self, start: Start, places: Places) -> Entry:
        """Hold a start with these records; the oldest makes way."""
        entry = entry_of(start, places)
        before = self._known.get(start.receipt)
        self._known[start.receipt] = places
        if before is None or before[0] != places[0]:
            heapq.heappush(self._heap, (*entry.key, start.receipt))
        while len(self._known) > self._kept:
            oldest = self._oldest()
            if oldest is None:
                break
            del self._known[oldest]
            self._changes.evicted.append(oldest)
            self._complete = False
        return entry

    def _oldest(self) -> str | None:
        """The oldest that is known, taken from the heap."""
        while self._heap:
            file, offset, receipt = heapq.heappop(self._heap)
            places = self._known.get(receipt)
            if places and places[0][:2] == (file, offset):
                return receipt
        return None

    def _retire(self) -> None:
        """Let go of what was in files that are no longer there. Raises _Other: it is not the folder that it was."""
        found = files(self._folder)
        first = _number(found[0]) if found else 0
        if first < self._first or (found and self._at is not None and _number(found[-1]) < self._at.file):
            raise _Other
        if first > self._first:
            self._first = first
            self._let_go(lambda place: place.file < first)

    def _let_go(self, is_gone: Callable[[Place], bool]) -> None:
        """Some records are no longer there."""
        for receipt, places in tuple(self._known.items()):
            if not any(map(is_gone, places)):
                continue
            self._recent.pop(receipt, None)
            start, left = joined(self._folder, receipt, (place for place in places if not is_gone(place)))
            if is_start(start):
                self._changes.new.append(self._hold(start, left))
            else:
                del self._known[receipt]
                self._changes.gone.append(receipt)

    def _report(self, problem: Problem) -> None:
        text = str(problem)
        # A file that cannot be read is met at every look.
        if text in self._told:
            return
        self._told[text] = None
        if len(self._told) > 10 * PROBLEMS:
            self._told.popitem(last=False)
        if len(self._changes.problems) < PROBLEMS:
            self._changes.problems.append(text)


def _is_behind(end: Position, place: Place) -> bool:
    return (end.file, end.offset) <= (place.file, place.offset)


def _number(path: Path) -> int:
    return file_number(path.name) or 0
