"""Recorded starts judged again by other rules."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from proxy.model import Identity
from proxy.privileges import Held
from proxy.replay import Change, again, replay
from proxy.rules import Authority, Rules, Subject, judge
from proxy.rules.compiled import Flow, Origin
from proxy.rules.recorded import to_record
from proxy.rules.situation import Request, Situation, SourceName, Target
from tests.rules.samples import job, required, rules

RULES = rules()
ALL = Held(
    cluster={"manage_ml": True},
    index={
        "src": {"read": True, "view_index_metadata": True},
        "dest": {"read": True, "create_index": True, "manage": True, "index": True},
    },
)
ADA = Identity(username="ada", realm="native1", realm_type="native", lookup_realm="native1")


def situation(held: Held = ALL, **changes: Any) -> Situation:
    made = Situation(caller=ADA, secondary=None, job=job(), request=Request(), now_ms=1, held={Subject.CALLER: held})
    return replace(made, **changes)


def without(held: Held, name: str, privilege: str) -> Held:
    """The same, with one privilege not held."""
    return Held(cluster=held.cluster, index={**held.index, name: {**held.index[name], privilege: False}})


def record(one: Situation, by: Rules = RULES, **ours: Any) -> Mapping[str, Any]:
    """The outcome of a start that was judged so."""
    verdict = {"allowed": judge(by, one).allowed}
    return {
        "@timestamp": "2026-01-01T00:00:00.000Z",
        "user": {"name": "ada"},
        "startgate": {
            "phase": "outcome",
            "receipt": "r1",
            "job": {"id": "job-1"},
            "verdict": verdict,
            "situation": to_record(one),
            **ours,
        },
    }


def flow(*sources: str) -> Rules:
    """The same rules with a flow from these sources."""
    return replace(RULES, flows=(Flow(sources=sources, destinations=("dest",), origin=Origin("r.yml", 20)),))


NAMED: dict[str, Any] = {"sources": (SourceName(name="src"),), "target": Target()}
STRICT = replace(RULES, source=required("read", "view_index_metadata", "monitor"))


@pytest.mark.parametrize(
    ("one", "by", "change"),
    [
        (situation(), RULES, Change.SAME),
        (situation(without(ALL, "src", "read")), RULES, Change.SAME),
        (
            situation(without(ALL, "src", "view_index_metadata")),
            replace(RULES, source=required("read")),
            Change.ALLOWED_NOW,
        ),
        (replace(situation(), **NAMED), flow("src"), Change.SAME),
        (replace(situation(), **NAMED), flow("other"), Change.DENIED_NOW),
        # What the new rules ask was not asked then:
        (situation(), STRICT, Change.CANNOT_TELL),
        (situation(), flow("src"), Change.CANNOT_TELL),
        # and does not matter where something else speaks against the start all the same.
        (situation(without(ALL, "src", "read")), STRICT, Change.SAME),
        (situation(without(ALL, "src", "read")), flow("src"), Change.SAME),
        # A subject that was never asked may hold all or nothing.
        (replace(situation(), held={}), RULES, Change.CANNOT_TELL),
    ],
)
def test_changes(one: Situation, by: Rules, change: Change) -> None:
    (found,) = replay([record(one)], by)
    assert found.change is change
    assert (found.receipt, found.user, found.job, found.at[:4]) == ("r1", "ada", "job-1", "2026")
    assert bool(found.why) is (change is Change.CANNOT_TELL)


def test_what_was_not_asked_is_named() -> None:
    _, why = again(situation(), replace(flow("src"), cluster=required("manage_ml", "monitor"), source=STRICT.source))
    assert why == (
        "not asked when it was recorded: [monitor] of the caller, [monitor] on [src] of the caller, "
        "which indices the names stand for"
    )


def test_role_files_ask_nobody() -> None:
    verdict, why = again(replace(situation(), held={}), replace(RULES, authority=Authority.ROLES))
    assert verdict is not None
    assert not verdict.allowed
    assert why == ""


def test_a_record_without_its_situation_cannot_be_judged_again() -> None:
    old = record(situation())
    del old["startgate"]["situation"]
    (found,) = replay([old], RULES)
    assert found.change is Change.CANNOT_TELL
    assert found.why.startswith("cannot be judged again")


def test_only_starts_that_were_judged_count_and_each_once() -> None:
    one = situation()
    intent = record(one, phase="intent")
    never_judged = record(one)
    del never_judged["startgate"]["verdict"]
    never_judged["startgate"]["receipt"] = "r2"
    crashed = record(one, reconciled=True)
    del crashed["startgate"]["verdict"]
    for records, receipts in (
        ([intent, record(one), record(one, phase="end")], ["r1"]),
        ([never_judged], []),
        ([intent, crashed], ["r1"]),
        ([record(one, plan_only=True), record(one, explain_only=True)], []),
        ([intent], []),
    ):
        assert [found.receipt for found in replay(records, RULES)] == receipts


def test_replaying_with_the_same_rules_changes_nothing() -> None:
    for held in (ALL, *(without(ALL, name, one) for name, many in ALL.index.items() for one in many)):
        (found,) = replay([record(situation(held))], RULES)
        assert found.change is Change.SAME
        assert found.reasons == tuple(reason.text for reason in judge(RULES, situation(held)).reasons)
