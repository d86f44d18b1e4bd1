"""Counts starts by what came of them, and how long each of their steps took."""

from collections import Counter
from enum import StrEnum

from proxy.gate.flight import Flight
from proxy.metrics.snapshot import Telling
from proxy.metrics.spread import START_S, Spread
from proxy.model import Answer
from proxy.notes import UNCERTAIN


class Verdict(StrEnum):
    """What came of a start, as a label: those of `startgate audit list`, but for starts that are open."""

    GRANTED = "granted"
    PLANNED = "planned"
    EXPLAINED = "explained"
    DENIED = "denied"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Starts:
    """The counts of one gate."""

    def __init__(self) -> None:
        # Those that are common are told from the first scrape on: a rate needs a 0 to begin from.
        common = (Verdict.GRANTED, Verdict.DENIED, Verdict.REFUSED, Verdict.UNKNOWN)
        self._counts = Counter({("start", verdict): 0 for verdict in common})
        self._durations = {verdict: Spread(START_S) for verdict in Verdict}
        self._steps: dict[str, Spread] = {}
        self._exceptions = 0

    def note(self, flight: Flight, answer: Answer) -> None:
        """A start was answered, on record."""
        verdict = verdict_of(flight, answer)
        self._counts[kind_of(flight), verdict] += 1
        self._exceptions += bool(flight.cluster_answer and flight.verdict and flight.verdict.exception)
        before_ms = 0.0
        # By time: a step that was done again, after waiting for its turn, counts as its last.
        for step, at_ms in sorted(flight.marks_ms.items(), key=lambda mark: mark[1]):
            self._steps.setdefault(step, Spread(START_S)).note((at_ms - before_ms) / 1000)
            before_ms = at_ms
        if kind_of(flight) == "start":
            self._durations[verdict].note(before_ms / 1000)

    def tell(self, telling: Telling) -> None:
        """All of it."""
        for (kind, verdict), count in self._counts.items():
            telling.add("startgate_starts", count, kind, verdict)
        for verdict, spread in self._durations.items():
            telling.spread("startgate_start_duration_seconds", spread, verdict.value)
        for step, spread in self._steps.items():
            telling.spread("startgate_start_step_duration_seconds", spread, step)
        telling.add("startgate_exceptions_used", self._exceptions)


def kind_of(flight: Flight) -> str:
    """What was asked for: `start`, `plan` or `explain`."""
    if flight.arrived.plan_only:
        return "plan"
    return "explain" if flight.arrived.explain_only else "start"


def verdict_of(flight: Flight, answer: Answer) -> Verdict:
    """What came of it, as the record tells it (`record.outcome`)."""
    kind = kind_of(flight)
    answered = flight.cluster_answer is not None or kind != "start"
    if answered and 200 <= answer.status < 300:
        return {"plan": Verdict.PLANNED, "explain": Verdict.EXPLAINED}.get(kind, Verdict.GRANTED)
    if flight.intended and answer.status in UNCERTAIN:
        return Verdict.UNKNOWN
    if flight.verdict is not None and not flight.verdict.allowed:
        return Verdict.DENIED
    return Verdict.REFUSED
