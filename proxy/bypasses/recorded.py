"""The starts of a journal that the cluster may have taken, and from when on it tells of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.bypasses.model import Beginning, Meant, Recorded, Span
from proxy.journal.entry import Phase, time_ms
from proxy.journal.events import events
from proxy.journal.lines import Report
from proxy.journal.marks import Mark
from proxy.journal.query import Kind, Query, at

# States in which a job does nothing any more by itself.
_AT_REST = frozenset({"stopped", "failed"})


@dataclass(slots=True)
class _Start:
    """What is known so far. Only this is held: of a million starts, the records would not fit."""

    job: str = ""
    create_time: int | None = None
    begun_ms: int | None = None
    told_ms: int | None = None
    ended_ms: int | None = None
    intended: bool = False
    refused: bool = False
    granted: bool = False


@dataclass(slots=True)
class Gathering:
    """Takes records in one by one, of however many journals and in whatever order; each may come more than once."""

    _starts: dict[str, _Start] = field(default_factory=dict)
    _lost: set[Span] = field(default_factory=set)
    _beginnings: dict[str, tuple[int, int]] = field(default_factory=dict)

    def begins(self, journal: str, seq: int, ms: int) -> None:
        """A source has records of a journal from the number `seq` on, 0 for one without a chain. Of two sources the one
        that reaches further back counts."""
        known = self._beginnings.get(journal)
        self._beginnings[journal] = min((seq, ms), known) if known else (seq, ms)

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in one record of any kind; what has no time that can be read says nothing here."""
        ms = record_ms(record)
        if ms is None:
            return
        # Only with `journal.on_full: unsafe_continue`: the cluster took these starts, and their records are gone.
        if at(record, "event", "action") == Mark.LOST:
            self._lost.add((_ms(at(record, "startgate", "admin", "journal", "since"), ms), ms))
        phase, receipt = at(record, "startgate", "phase"), at(record, "startgate", "receipt")
        if isinstance(receipt, str) and phase in iter(Phase):
            self._take(self._starts.setdefault(receipt, _Start()), phase, record, ms)
            one = self._starts[receipt]
            # Denied starts have no effects, and may be most of a journal.
            if phase == Phase.OUTCOME and not one.intended and not one.granted:
                del self._starts[receipt]

    def _take(self, start: _Start, phase: str, record: Mapping[str, Any], ms: int) -> None:
        start.job = start.job or str(at(record, "startgate", "job", "id") or "")
        # An end, and the record of a start that could not be put on record whole, have the id alone.
        made = at(record, "startgate", "job", "create_time")
        start.create_time = made if isinstance(made, int) else start.create_time
        if phase == Phase.INTENT:
            start.intended = True
            start.begun_ms = _earlier(start.begun_ms, ms)
        elif phase == Phase.OUTCOME:
            _take_outcome(start, record, ms)
        elif at(record, "startgate", "end", "state") in _AT_REST:
            start.ended_ms = ms

    def recorded(self) -> Recorded:
        """All that was taken in."""
        return Recorded(
            starts=tuple(_meant(receipt, start) for receipt, start in self._starts.items() if _counts(start)),
            lost=tuple(sorted(self._lost)),
            beginnings=tuple(Beginning(ms=ms, first=seq == 1) for seq, ms in self._beginnings.values()),
        )


def _take_outcome(start: _Start, record: Mapping[str, Any], ms: int) -> None:
    start.told_ms = ms
    start.begun_ms = _earlier(start.begun_ms, _ms(at(record, "event", "start"), ms))
    outcome = at(record, "event", "outcome")
    asked_only = at(record, "startgate", "plan_only") is True or at(record, "startgate", "explain_only") is True
    start.granted = outcome == "success" and not asked_only
    # An outcome that nobody knows stays one that the cluster may have taken.
    start.refused = outcome == "failure"


def _counts(start: _Start) -> bool:
    """Whether the cluster may have taken it. A start that was refused explains none of the cluster's notifications:
    else somebody could cover a start past the gate with one that fails."""
    return (start.intended or start.granted) and not start.refused and bool(start.job) and start.begun_ms is not None


def _meant(receipt: str, start: _Start) -> Meant:
    return Meant(
        receipt=receipt,
        job=start.job,
        create_time=start.create_time,
        granted=start.granted,
        begun_ms=start.begun_ms or 0,
        told_ms=start.told_ms,
        ended_ms=start.ended_ms,
    )


def _earlier(known: int | None, ms: int) -> int:
    return ms if known is None else min(known, ms)


def record_ms(record: Mapping[str, Any]) -> int | None:
    """A record's time; None where it has none."""
    ms = _ms(record.get("@timestamp"), -1)
    return None if ms < 0 else ms


def _ms(text: object, otherwise: int) -> int:
    try:
        return time_ms(str(text))
    except (ValueError, OverflowError):
        return otherwise


def read(folder: Path, gathering: Gathering, report: Report) -> int:
    """Take in all of a journal's files; how many records there are.

    Raises:
        JournalError: there is no such folder, or it cannot be read.
    """
    count = 0
    for event in events(folder, Query(), frozenset(Kind), report):
        ms = record_ms(event.record)
        if not count and ms is not None:
            seq, journal = (at(event.record, "startgate", "chain", name) for name in ("seq", "journal"))
            # One that begins before the chain has no name yet.
            gathering.begins(str(journal or folder), seq if isinstance(seq, int) else 0, ms)
        gathering.add(event.record)
        count += 1
    return count
