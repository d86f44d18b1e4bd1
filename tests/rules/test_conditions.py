"""Guards in their modes, and what becomes of those that cannot be told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from proxy.rules.compiled import Guard, GuardFailed, Mode, Origin, Rules
from proxy.rules.conditions import seen_by
from proxy.rules.evaluate import judge
from proxy.rules.situation import Situation, Target, Unknown
from proxy.rules.verdict import Outcome, Reason, ReasonKind, Verdict, Warned
from tests.rules.samples import granted, rules, situation

PLACE = Origin("r.yml", 12)


@dataclass(frozen=True)
class Fixed:
    """A condition that is what it is."""

    answer: bool | GuardFailed
    mentions: frozenset[str] = frozenset()

    def holds(self, environment: Mapping[str, Any]) -> bool:
        if isinstance(self.answer, GuardFailed):
            raise self.answer
        return self.answer


def guard(answer: bool | GuardFailed, mode: Mode = Mode.ENFORCE, id: str = "g", *mentions: str) -> Guard:
    program = Fixed(answer, frozenset(mentions))
    return Guard(id=id, mode=mode, deny="job.id == ''", program=program, message="mind", origin=PLACE)


def guarded(*guards: Guard) -> Rules:
    return replace(rules(), guards=guards)


def judged(*guards: Guard, of: Situation | None = None) -> Verdict:
    start = of or situation()
    return judge(guarded(*guards), replace(start, held=granted(rules(), start)))


def outcomes(verdict: Verdict) -> list[str]:
    return [step.outcome.value for step in verdict.steps if step.kind == "guard"]


def test_a_guard_that_is_not_true_passes() -> None:
    verdict = judged(guard(False), guard(False, Mode.WARN), guard(False, Mode.SHADOW))
    assert verdict.allowed
    assert (verdict.warnings, verdict.shadowed) == ((), ())
    assert outcomes(verdict) == ["passed"] * 3
    assert verdict.steps[-1].text == "the guard [g] does not speak against the start"


def test_one_that_is_true_denies_warns_or_is_only_noted() -> None:
    verdict = judged(guard(True), guard(True, Mode.WARN, "w"), guard(True, Mode.SHADOW, "s"))
    assert verdict.reasons == (
        Reason(kind=ReasonKind.GUARD, text="the guard [g] denies it: mind", origin=PLACE, id="g"),
    )
    assert verdict.warnings == (Warned("w", "mind", PLACE),)
    assert verdict.shadowed == (Warned("s", "mind", PLACE),)
    assert outcomes(verdict) == ["denied", "warned", "shadow_denied"]
    assert judged(guard(True, Mode.WARN), guard(True, Mode.SHADOW)).allowed


def test_all_guards_are_asked_and_not_the_first_only() -> None:
    assert [reason.id for reason in judged(guard(True, id="a"), guard(True, id="b")).reasons] == ["a", "b"]


def test_one_that_cannot_be_told_denies_and_says_so_in_other_modes() -> None:
    failed = GuardFailed("no such field")
    verdict = judged(guard(failed), guard(failed, Mode.WARN, "w"), guard(failed, Mode.SHADOW, "s"))
    assert [reason.text for reason in verdict.reasons] == ["the guard [g] cannot be told: no such field"]
    assert verdict.warnings == (Warned("w", "the guard [w] cannot be told: no such field", PLACE),)
    assert [one.id for one in verdict.shadowed] == ["s"]
    assert outcomes(verdict) == ["unknown"] * 3


@pytest.mark.parametrize("mentioned", ["running", "resolved", "destination"])
def test_what_it_looks_at_must_be_known(mentioned: str) -> None:
    (reason,) = judged(guard(False, Mode.ENFORCE, "g", mentioned)).reasons
    assert reason.text == f"the guard [g] cannot be told: [{mentioned}] is not known: nobody looked"
    gone = replace(situation(), running=Unknown("down"), sources=Unknown("down"), target=Unknown("down"))
    (reason,) = judged(guard(False, Mode.ENFORCE, "g", mentioned), of=gone).reasons
    assert reason.text.endswith("is not known: down")
    there = replace(situation(), running=(), sources=(), target=Target())
    assert judged(guard(False, Mode.ENFORCE, "g", mentioned), of=there).allowed


def test_what_a_record_leaves_out_of_the_configuration_is_not_known() -> None:
    partial = replace(situation(), left_out=("source.query",))
    (reason,) = judged(guard(False, Mode.ENFORCE, "g", "config"), of=partial).reasons
    assert reason.text.endswith("[job.config] is not known as a whole: the record leaves out [source.query]")
    assert judged(guard(False), of=partial).allowed


@pytest.mark.parametrize(
    ("expression", "seen"),
    [
        ("job.id == 'x'", {"job.id": "outliers"}),
        ("job.source.index.exists(i, i.startsWith('a'))", {"job.source.index": ["a"]}),
        ("size(job.source.index) > 1 && !(now < later)", {"job.source.index": ["a"], "now": 3}),
        ("other.thing", {}),
        ("'job.id' == \"job.id\"", {}),
    ],
)
def test_the_values_that_an_expression_names_are_shown(expression: str, seen: dict[str, object]) -> None:
    environment = {"job": {"id": "outliers", "source": {"index": ["a"]}}, "now": 3}
    assert seen_by(expression, environment) == seen


def test_outcomes_have_the_names_that_records_have() -> None:
    assert [one.value for one in Outcome] == [
        *("passed", "denied", "warned", "shadow_denied", "unknown", "not_reached"),
    ]
