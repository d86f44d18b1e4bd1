"""Guards in their modes, and what becomes of those that cannot be told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from proxy.rules.cel import compile_condition
from proxy.rules.compiled import Guard, GuardFailed, Mode, Origin, Rules
from proxy.rules.evaluate import judge
from proxy.rules.situation import RunningJob, Situation, Target, Unknown
from proxy.rules.verdict import Outcome, Reason, ReasonKind, Verdict, Warned
from tests.rules.samples import granted, rules, situation

PLACE = Origin("r.yml", 12)


@dataclass(frozen=True)
class Fixed:
    """A condition that is what it is."""

    answer: bool | GuardFailed
    paths: frozenset[str] = frozenset({"job.id"})

    @property
    def mentions(self) -> frozenset[str]:
        return frozenset(name for path in self.paths for name in path.split("."))

    def holds(self, environment: Mapping[str, Any]) -> bool:
        if isinstance(self.answer, GuardFailed):
            raise self.answer
        return self.answer


def guard(answer: bool | GuardFailed | str, mode: Mode = Mode.ENFORCE, id: str = "g") -> Guard:
    """A guard that is what it is, or one with this condition."""
    program = compile_condition(answer) if isinstance(answer, str) else Fixed(answer)
    return Guard(id=id, mode=mode, deny=str(answer), program=program, message="mind", origin=PLACE)


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


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        ("running.size() > 5", "running"),
        ('"x" in job.source.resolved', "job.source.resolved"),
        ("destination.exists", "destination.exists"),
    ],
)
def test_what_it_looks_at_must_be_known(condition: str, path: str) -> None:
    (reason,) = judged(guard(condition)).reasons
    assert reason.text == f"the guard [g] cannot be told: {path} is not known: it was not asked for"
    gone = replace(situation(), running=Unknown("down"), sources=Unknown("down"), target=Unknown("down"))
    (reason,) = judged(guard(condition), of=gone).reasons
    assert reason.text.endswith("is not known: down")
    there = replace(situation(), running=(), sources=(), target=Target())
    assert judged(guard(condition), of=there).allowed


def test_what_a_record_leaves_out_of_the_configuration_is_not_known() -> None:
    partial = replace(situation(), left_out=("source.query",))
    (reason,) = judged(guard("has(job.config.x)"), of=partial).reasons
    assert reason.text.endswith("is not known: the record of the start leaves [source.query] out")
    assert judged(guard("has(job.config.x)")).allowed
    assert judged(guard("job.id == ''"), of=partial).allowed


def test_the_values_that_a_condition_looks_at_are_shown() -> None:
    running = RunningJob(id="other", analysis="regression", sources=("a",), destination="b", model_memory_limit_bytes=7)
    of = replace(situation(), running=(running,), now_ms=1_700_000_000_123)
    one = guard(
        'job.source.index.exists(i, i.startsWith("a")) || now < job.create_time || 2 * gib < 1 '
        "|| running.exists(r, r.model_memory_limit_bytes > 9) || destination.exists",
        Mode.SHADOW,
    )
    (step,) = [step for step in judged(one, of=of).steps if step.kind == "guard"]
    assert step.seen == {
        "job.create_time": "1970-01-01T00:00:00.001+00:00",
        "job.source.index": ["src"],
        "now": "2023-11-14T22:13:20.123+00:00",
        "running.model_memory_limit_bytes": [7],
    }


def test_outcomes_have_the_names_that_records_have() -> None:
    assert [one.value for one in Outcome] == [
        *("passed", "denied", "warned", "shadow_denied", "unknown", "not_reached"),
    ]
