"""Where the records of starts are in a file, found without decoding them, and the records at such places."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Final

from proxy.admin.views.row import Place
from proxy.journal.entry import Phase
from proxy.journal.folder import file_name
from proxy.journal.lines import Batch, Position, Problem, Report, lines_at, one_file
from proxy.journal.query import Kind
from proxy.journal.read import decode
from proxy.journal.scan import receipt_in
from proxy.journal.start import Start

# A start has three records. Whoever can write the folder could give it a million.
PLACES_HELD: Final = 16

_END: Final = b'"phase":"end"'

Places = tuple[Place, ...]


@dataclass(slots=True)
class Swept:
    """The starts of files, by receipt, with the places of their records, and `ends` whose starts are to be found in
    older files. Files are swept from the newest back, each from its beginning; at most `kept` starts are held of one,
    its newest: `dropped` says whether there were more."""

    kept: int
    dropped: bool = False
    starts: dict[str, Places] = field(default_factory=dict)
    ends: dict[str, Places] = field(default_factory=dict)
    _file: dict[str, Places] = field(default_factory=dict)

    def note(self, receipt: str, place: Place, *, ends: bool) -> None:
        """A record in the file that is being swept."""
        before = self._file.get(receipt)
        if before is None and ends:
            self.note_end(receipt, place)
            return
        self._file[receipt] = bounded((*(before or ()), place))
        if len(self._file) > self.kept:
            del self._file[next(iter(self._file))]
            self.dropped = True

    def note_end(self, receipt: str, place: Place) -> None:
        """The end of a start that began in an older file."""
        if receipt in self.starts:
            self.starts[receipt] = bounded((*self.starts[receipt], place))
            return
        self.ends[receipt] = bounded((*self.ends.get(receipt, ()), place))
        if len(self.ends) > self.kept:
            del self.ends[next(iter(self.ends))]

    def close(self) -> None:
        """The file is swept. What was found in it comes before what newer files have of the same starts."""
        for receipt, places in self._file.items():
            later = self.starts.get(receipt, ()) + self.ends.pop(receipt, ())
            self.starts[receipt] = bounded((*places, *sorted(later)))
        self._file.clear()


def bounded(places: Places) -> Places:
    """The first, and the last of too many."""
    return places if len(places) <= PLACES_HELD else (places[0], *places[1 - PLACES_HELD :])


def sweep(path: Path, swept: Swept, report: Report) -> Iterator[Position]:
    """Find all starts of a file; gives the place behind each block of it, for others to go on meanwhile."""
    for batch in one_file(path, report):
        for place, line in placed(batch):
            receipt = receipt_in(line)
            if receipt:
                swept.note(receipt.decode(errors="replace"), place, ends=_END in line)
        yield batch.end


def placed(batch: Batch) -> Iterator[tuple[Place, bytes]]:
    """The lines of a batch with their places."""
    offset = batch.end.offset - sum(map(len, batch.lines)) - len(batch.lines)
    for line in batch.lines:
        yield Place(batch.end.file, offset, len(line)), line
        offset += len(line) + 1


def ignore(_problem: Problem) -> None:
    """Told before, by whoever reads the file in its order."""


def joined(folder: Path, receipt: str, places: Iterable[Place], report: Report = ignore) -> tuple[Start, Places]:
    """The start whose records are at these places, and those places at which they are indeed. What is no record of it
    is told, and left out."""
    start, left = Start(receipt), []
    for file, group in groupby(places, key=attrgetter("file")):
        path, of_file = folder / file_name(file), list(group)
        try:
            lines = lines_at(path, [(place.offset, place.size) for place in of_file])
        except OSError as failure:
            if not isinstance(failure, FileNotFoundError):
                report(Problem(path, 0, f"cannot be read: {failure.strerror or failure}"))
            continue
        for place, line in zip(of_file, lines, strict=True):
            why = _add(start, line)
            if why:
                report(Problem(path, 0, f"is no record at byte {place.offset}: {why}"))
            else:
                left.append(place)
    return start, tuple(left)


def _add(start: Start, line: bytes) -> str:
    """Take in a record; why it is none of the start, empty where it is one."""
    try:
        kind, record = decode(line)
    except ValueError as failure:
        return str(failure)
    if kind is not Kind.START or record["startgate"]["receipt"] != start.receipt:
        return f"it is not of the start {start.receipt}"
    start.records[record["startgate"]["phase"]] = record
    return ""


def is_start(start: Start) -> bool:
    """Whether more than the end is there: by that alone nobody knows whose it was."""
    return bool(start.records.keys() - {Phase.END})
