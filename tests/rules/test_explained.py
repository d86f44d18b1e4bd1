"""A verdict as plain values, in full and in short."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proxy.privileges import Held
from proxy.rules.cel import compile_condition
from proxy.rules.compiled import Authority, BreakGlass, Guard, Mode, Origin
from proxy.rules.evaluate import judge
from proxy.rules.explained import STEPS_RECORDED, explanation, in_short, reason_of
from proxy.rules.situation import Unknown
from proxy.rules.subjects import Subject, subjects_of
from proxy.rules.verdict import Outcome, Reason, ReasonKind, Step, StepKind, Verdict, Warned
from tests.rules.samples import granted, rules, situation

PLACE = Origin("r.yml", 7)
CONDITION = 'job.dest.index == "dest"'
GUARD = Guard(
    id="g", mode=Mode.ENFORCE, deny=CONDITION, program=compile_condition(CONDITION), message="Not there.", origin=PLACE
)
FIRE = BreakGlass(
    id="fire",
    from_ms=1,
    until_ms=2**45,
    users=("ann",),
    jobs=("*",),
    reason="outage",
    signed_by="carol",
    signature="s",
    origin=PLACE,
)


def cut(text: str) -> str:
    return text[:8]


def step(
    outcome: Outcome = Outcome.PASSED, text: str = "a step that is told", seen: Mapping[str, Any] | None = None
) -> Step:
    return Step(kind=StepKind.GUARD, outcome=outcome, text=text, seen=seen or {}, origin=PLACE, id="g")


def test_an_explanation_tells_all() -> None:
    wanted = replace(rules(), guards=(GUARD, replace(GUARD, id="w", mode=Mode.WARN)))
    of = situation()
    of = replace(of, held=granted(wanted, of))
    verdict = judge(wanted, of)
    told = explanation(wanted, of, subjects_of(wanted, of.caller, None, of.job.owner), verdict)
    assert {key: told[key] for key in ("version", "explain_only", "allowed", "exception")} == {
        "version": 1,
        "explain_only": True,
        "allowed": False,
        "exception": None,
    }
    assert told["rules"] == {"revision": wanted.revision, "files": ["r.yml"], "authority": "cluster"}
    assert told["subjects"] == {"data": "caller", "asked": ["caller"], "intermediary": False}
    assert told["reasons"] == [
        {"kind": "guard", "text": "the guard [g] denies it: Not there.", "id": "g", "rule": "r.yml:7"}
    ]
    assert told["warnings"] == [{"id": "w", "message": "Not there.", "rule": "r.yml:7"}]
    assert len(told["steps"]) == len(verdict.steps)
    assert told["steps"][-2] == {
        "kind": "guard",
        "outcome": "denied",
        "text": "the guard [g] denies it: Not there.",
        "id": "g",
        "rule": "r.yml:7",
        "seen": {"job.dest.index": "dest"},
    }
    assert told["steps"][3] == {
        "kind": "requirement",
        "outcome": "passed",
        "text": "the caller holds the cluster privilege [manage_ml]",
        "subject": "caller",
        "rule": "r.yml:4",
        "seen": {"privilege": "manage_ml", "cluster": True},
    }
    assert json.loads(json.dumps(told)) == told


def test_a_record_has_it_in_short() -> None:
    reason = Reason(
        subject=Subject.CALLER,
        kind=ReasonKind.SOURCE,
        text="it lacks something",
        index="an-index-name",
        privilege="read",
        origin=PLACE,
        by=(Authority.CLUSTER, Authority.ROLES),
    )
    warned = Warned("w", "a message that is long", PLACE)
    verdict = Verdict(
        reasons=(reason,) * 3, steps=(step(),), warnings=(warned,) * 3, shadowed=(warned,) * 3, exception=FIRE
    )
    told = in_short(verdict, 2, cut)
    assert (
        told["reasons"]
        == [
            {
                "kind": "source",
                "text": "it lacks",
                "subject": "caller",
                "index": "an-index",
                "privilege": "read",
                "by": ["cluster", "roles"],
                "rule": "r.yml:7",
            }
        ]
        * 2
    )
    assert told["warnings"] == told["shadowed"] == [{"id": "w", "message": "a messag", "rule": "r.yml:7"}] * 2
    assert told["exception"] == {
        "id": "fire",
        "reason": "outage",
        "signed_by": "carol",
        "from_ms": 1,
        "until_ms": 2**45,
        "rule": "r.yml:7",
    }
    assert told["steps"] == [{"kind": "guard", "outcome": "passed", "text": "a step t", "id": "g", "rule": "r.yml:7"}]
    assert in_short(Verdict(), 2, cut) == {"allowed": True, "reasons": [], "steps": []}


def test_values_are_one_bounded_text_and_never_the_whole_configuration() -> None:
    seen = {"job.config": {"secret": 1}, "job.config.source.query": "secret", "job.id": "x" * 1000, "now": "é"}
    (told,) = in_short(Verdict(steps=(step(seen=seen),)), 9, str)["steps"]
    values = json.loads(told["seen"])
    assert values["job.config"] == values["job.config.source.query"] == "…"
    assert values["job.id"] == '"' + "x" * 255 + "…[1002 characters]"
    assert values["now"] == "é"
    assert "secret" not in told["seen"]
    known = Step(kind=StepKind.IDENTITY, outcome=Outcome.PASSED, text="t", seen={"a": 1})
    assert "seen" not in in_short(Verdict(steps=(known,)), 9, str)["steps"][0]


def test_of_many_steps_those_that_did_not_pass_stay() -> None:
    passed = tuple(step(text=f"p{number}") for number in range(STEPS_RECORDED))
    verdict = Verdict(steps=(*passed, step(Outcome.DENIED, "no"), step(Outcome.UNKNOWN, "perhaps")))
    told = in_short(verdict, 9, str)
    assert len(told["steps"]) == STEPS_RECORDED
    assert [one["text"] for one in told["steps"]][-3:] == ["p97", "no", "perhaps"]
    assert told["steps_left_out"] == 2


def test_a_reason_without_a_place_is_told_without() -> None:
    told = reason_of(Reason(kind=ReasonKind.FLOW, text="no flow"), cut)
    assert set(told) == {"kind", "text"}


def test_an_explanation_tells_warnings_shadows_and_exceptions_in_full() -> None:
    of = situation()
    verdict = Verdict(
        reasons=(),
        steps=(),
        warnings=(Warned("w", "a message", PLACE),),
        shadowed=(Warned("s", "another", PLACE),),
        exception=FIRE,
    )
    told = explanation(rules(), of, subjects_of(rules(), of.caller, None, of.job.owner), verdict)
    assert told["warnings"] == [{"id": "w", "message": "a message", "rule": "r.yml:7"}]
    assert told["shadowed"] == [{"id": "s", "message": "another", "rule": "r.yml:7"}]
    assert (told["exception"]["id"], told["exception"]["reason"]) == ("fire", "outage")


def test_what_the_owner_holds_stands_beside() -> None:
    of = situation()
    of = replace(of, held=granted(rules(), of))
    verdict = judge(rules(), of)
    subjects = subjects_of(rules(), of.caller, None, of.job.owner)
    assert "owner" not in explanation(rules(), of, subjects, verdict)
    held = Held(index={"a": {"read": True, "index": False}})
    assert explanation(rules(), of, subjects, verdict, held)["owner"] == {"indices": {"a": dict(held.index["a"])}}
    assert explanation(rules(), of, subjects, verdict, Unknown("no"))["owner"] == {"unknown": "no"}
