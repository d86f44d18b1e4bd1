"""Starts are counted by what came of them, as the record tells it, and by how long their steps took."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.gate import record
from proxy.gate.flight import Flight
from proxy.gate.tally import Starts, kind_of, verdict_of
from proxy.journal.entry import Phase
from proxy.journal.query import result
from proxy.journal.start import Start
from proxy.metrics.snapshot import Telling
from proxy.rules import Reason, ReasonKind, Subject, Verdict
from tests.gate.fakes import answer, arrived
from tests.gate.samples import FIRE

DENIED = Verdict(reasons=(Reason(subject=Subject.CALLER, kind=ReasonKind.UNKNOWN, text="not known"),))
PLAN = replace(arrived(), plan=("only",))
EXPLAIN = replace(arrived(), explain=("only",))
CASES: list[tuple[dict[str, Any], int, str]] = [
    ({"cluster_answer": answer(200), "intended": True}, 200, "granted"),
    ({"cluster_answer": answer(409), "intended": True}, 409, "refused"),
    ({"cluster_answer": answer(503), "intended": True}, 503, "unknown"),
    ({"intended": True}, 503, "unknown"),
    ({"verdict": DENIED}, 403, "denied"),
    ({"verdict": Verdict()}, 400, "refused"),
    ({}, 401, "refused"),
    ({}, 503, "refused"),
    ({"arrived": PLAN}, 200, "planned"),
    ({"arrived": PLAN, "verdict": DENIED}, 403, "denied"),
    ({"arrived": EXPLAIN}, 200, "explained"),
    ({"arrived": EXPLAIN}, 404, "refused"),
]


def flight(**changes: Any) -> Flight:
    """A start under way."""
    fields: dict[str, Any] = {"arrived": arrived(), "revision": "abc", "begun_ms": 1_000_000, "begun_s": 5.0}
    return Flight(**fields | changes)


def told(starts: Starts) -> dict[tuple[str, ...], float]:
    """All values by name and labels; of histograms, their sums in milliseconds."""
    telling = Telling()
    starts.tell(telling)
    values = {(one.family, *one.labels): one.value for one in telling.values}
    return values | {(many.family, *many.labels): round(many.total * 1000, 3) for many in telling.buckets}


@pytest.mark.parametrize(("changes", "status", "verdict"), CASES)
def test_what_came_of_it_is_told_as_the_record_tells_it(changes: dict[str, Any], status: int, verdict: str) -> None:
    one = flight(**changes)
    assert verdict_of(one, answer(status)) == verdict
    recorded = record.outcome(one, answer(status), 2_000_000)
    assert result(Start(receipt="r1", records={Phase.OUTCOME: recorded})) == verdict


@pytest.mark.parametrize(("start", "kind"), [(arrived(), "start"), (PLAN, "plan"), (EXPLAIN, "explain")])
def test_plans_are_no_starts(start: Any, kind: str) -> None:
    one = flight(arrived=start)
    assert kind_of(one) == kind
    starts = Starts()
    one.mark("answered", 5.5)
    starts.note(one, answer(404))
    found = told(starts)
    assert found["startgate_starts", kind, "refused"] == 1
    assert (("startgate_start_duration_seconds", "refused") in found) == (kind == "start")


def test_steps_take_what_lies_between_their_marks() -> None:
    one = flight(cluster_answer=answer(200))
    # The second judgement comes after a wait for the turn: what counts is the order in time.
    for step, at_s in (("judged", 5.01), ("planned", 5.02), ("identified", 5.1), ("judged", 5.4), ("answered", 5.5)):
        one.mark(step, at_s)
    starts = Starts()
    starts.note(one, answer(200))
    found = told(starts)
    steps = {key[1]: value for key, value in found.items() if key[0] == "startgate_start_step_duration_seconds"}
    assert steps == {"planned": 20.0, "identified": 80.0, "judged": 300.0, "answered": 100.0}
    assert found["startgate_start_duration_seconds", "granted"] == 500.0


def test_exceptions_count_where_they_let_a_start_pass() -> None:
    starts = Starts()
    starts.note(flight(verdict=Verdict(exception=FIRE), cluster_answer=answer(200)), answer(200))
    starts.note(flight(verdict=Verdict(exception=FIRE)), answer(400))
    starts.note(flight(verdict=Verdict(), cluster_answer=answer(200)), answer(200))
    assert told(starts)["startgate_exceptions_used",] == 1


def test_common_counters_are_there_from_the_beginning() -> None:
    found = told(Starts())
    assert {key[2] for key in found if key[0] == "startgate_starts"} == {"granted", "denied", "refused", "unknown"}
    assert set(found.values()) == {0}
