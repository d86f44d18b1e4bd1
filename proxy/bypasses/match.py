"""Which of the cluster's notifications is of which recorded start. Pure.

Elasticsearch writes `Started analytics` for each start that it took, once, by whatever way it came
(`TransportStartDataFrameAnalyticsAction`). `Starting analytics on node […]` comes with each assignment to a node: with
a start, and again when a job moves, so that it is the word of a start only where the job was at rest before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from proxy.bypasses.model import Meant, Span
from proxy.cluster.heard import Note

STARTED = "Started analytics"
# Also `Starting analytics.`, where nodes are not told.
ASSIGNED = "Starting analytics"
# The cluster goes on with a start whose caller is gone: it estimates the memory first, and may wait for a node.
LATE_MS = 300_000
_FOR_EVER_MS = 1 << 62
# Nothing runs after these, until the job is started. A job that failed, or has finished its analysis, keeps its task.
AT_REST = ("Created analytics", "Stopped analytics", "Deleted analytics")


@dataclass(frozen=True, slots=True)
class Word:
    """A notification that tells of a start, by itself or because the job had been at rest at `rest_ms`."""

    note: Note
    rest_ms: int | None = None

    @property
    def since_ms(self) -> int:
        """The start that it tells of was not before that."""
        return self.note.ms if self.rest_ms is None else self.rest_ms


@dataclass(slots=True)
class Matched:
    """`unexplained` are notifications of starts that no record is of; `heard` the receipts of those that one is of, and
    `explained` the time of each job's last notification that has one."""

    unexplained: list[Word] = field(default_factory=list)
    heard: set[str] = field(default_factory=set)
    explained: dict[str, int] = field(default_factory=dict)

    def take(self, word: Word, start: Meant) -> None:
        """A notification is of this start."""
        self.heard.add(start.receipt)
        self.explained[word.note.job] = max(word.note.ms, self.explained.get(word.note.job, 0))


def matched(notes: Sequence[Note], starts: Sequence[Meant], tolerance_ms: int) -> Matched:
    """Each notification of a start with a start of the same job at the same time, each start for one notification.

    Clocks of nodes and gates may differ by `tolerance_ms`. Among the starts that one may be of, it is taken for that
    which can wait least for another, so that as many as possible find theirs.
    """
    found = Matched()
    recorded = by_job(starts)
    for job, told in _by_job(notes).items():
        words = list(_words(told))
        # What tells of a start by itself comes first: it cannot be of any other time.
        left = _in_time([word for word in words if word.rest_ms is None], recorded.get(job, ()), tolerance_ms, found)
        for word in (word for word in words if word.rest_ms is not None):
            fitting = [one for one in left if _fits(one, word, tolerance_ms)]
            if fitting:
                left.remove(fitting[0])
                found.take(word, fitting[0])
            else:
                found.unexplained.append(word)
    return found


def _in_time(words: Sequence[Word], starts: Iterable[Meant], tolerance_ms: int, found: Matched) -> list[Meant]:
    """Match notifications, in the order of time, with starts whose time they are in; the starts that are left."""
    due = sorted((_span(one, tolerance_ms), number, one) for number, one in enumerate(starts))
    left: list[Meant] = []
    waiting: list[tuple[int, int, Meant]] = []
    place = 0
    for word in words:
        while place < len(due) and due[place][0][0] <= word.note.ms:
            (_, last), number, one = due[place]
            heappush(waiting, (last, number, one))
            place += 1
        while waiting and waiting[0][0] < word.note.ms:
            left.append(heappop(waiting)[2])
        if waiting:
            found.take(word, heappop(waiting)[2])
        else:
            found.unexplained.append(word)
    return [*left, *(one for _, _, one in waiting), *(one for _, _, one in due[place:])]


def _fits(start: Meant, word: Word, tolerance_ms: int) -> bool:
    first, last = _span(start, tolerance_ms)
    if word.rest_ms is not None:
        # The job may have moved, and what was written at its start may be lost: any start fits that it still runs by.
        last = _FOR_EVER_MS if start.ended_ms is None else max(last, start.ended_ms + tolerance_ms)
    return first <= word.note.ms <= last


def _span(start: Meant, tolerance_ms: int) -> Span:
    """When the cluster may have written of a start. One whose outcome is not on record may still be under way."""
    if start.told_ms is None:
        return start.begun_ms - tolerance_ms, _FOR_EVER_MS
    late_ms = 0 if start.granted else LATE_MS
    return start.begun_ms - tolerance_ms, start.told_ms + tolerance_ms + late_ms


def _words(told: Sequence[Note]) -> Iterator[Word]:
    """Of the notifications of one job, in their order, one for each start."""
    assigned: Word | None = None
    rest_ms: int | None = None
    for note in told:
        if note.text == STARTED:
            yield Word(note)
            assigned = rest_ms = None
        elif note.text.startswith(ASSIGNED):
            # `Started analytics` follows where the start was answered; where its caller gave up, nothing does.
            if rest_ms is not None and assigned is None:
                assigned = Word(note, rest_ms)
            rest_ms = None
        elif note.text.startswith(AT_REST):
            if assigned is not None:
                yield assigned
            assigned, rest_ms = None, note.ms
    if assigned is not None:
        yield assigned


def _by_job(notes: Iterable[Note]) -> Mapping[str, list[Note]]:
    found: dict[str, list[Note]] = defaultdict(list)
    for note in sorted(notes, key=lambda one: one.ms):
        found[note.job].append(note)
    return found


def by_job(starts: Iterable[Meant]) -> Mapping[str, list[Meant]]:
    """The starts of each job."""
    found: dict[str, list[Meant]] = defaultdict(list)
    for start in starts:
        found[start.job].append(start)
    return found
