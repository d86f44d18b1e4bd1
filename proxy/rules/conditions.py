"""Guards: conditions that speak against a start where they are true, and where they cannot be told."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.rules.compiled import Guard, GuardFailed, Mode, Rules
from proxy.rules.situation import Situation, Unknown
from proxy.rules.subjects import Subjects
from proxy.rules.verdict import Finding, Outcome, Reason, ReasonKind, Step, StepKind, Warned

_MODES = {Mode.WARN: Outcome.WARNED, Mode.SHADOW: Outcome.SHADOW_DENIED}
# A variable of the environment with the fields below it, as an expression names them. A text in quotes may look like
# one; what is shown then was not looked at, and is true all the same.
_PATH = re.compile(r"(?<![\w.\"'])([a-z]\w*(?:\.[a-z]\w*)*)(?!\w*\()")


def judge_guards(rules: Rules, situation: Situation, subjects: Subjects) -> Iterator[Finding]:
    """A finding for each guard, in the order of the rules."""
    if not rules.guards:
        return
    environment = _environment(rules, situation, subjects)
    for guard in rules.guards:
        yield _judged(guard, situation, environment)


def environment_of(_rules: Rules, _situation: Situation, _subjects: Subjects) -> Mapping[str, Any]:
    """Interim."""
    return {}


def _environment(rules: Rules, situation: Situation, subjects: Subjects) -> Mapping[str, Any] | GuardFailed:
    try:
        return environment_of(rules, situation, subjects)
    except GuardFailed as failure:
        return failure


def _judged(guard: Guard, situation: Situation, environment: Mapping[str, Any] | GuardFailed) -> Finding:
    try:
        _require_known(guard, situation)
        if isinstance(environment, GuardFailed):
            raise environment
        denies = guard.program.holds(environment)
    except GuardFailed as failure:
        text = f"the guard [{guard.id}] cannot be told: {failure}"
        return _speaks(guard, text, Outcome.UNKNOWN, {})
    seen = seen_by(guard.deny, environment)
    if denies:
        return _speaks(guard, guard.message, _MODES.get(guard.mode, Outcome.DENIED), seen)
    text = f"the guard [{guard.id}] does not speak against the start"
    return Finding(step=_step(guard, Outcome.PASSED, text, seen))


def _require_known(guard: Guard, situation: Situation) -> None:
    """Raises GuardFailed where the guard looks at something that could not be found out, or that nobody looked for."""
    needed = {
        "running": situation.running,
        "resolved": situation.sources,
        "destination": situation.target,
    }
    for name, fact in needed.items():
        if name in guard.program.mentions and (fact is None or isinstance(fact, Unknown)):
            why = fact.text if isinstance(fact, Unknown) else "nobody looked"
            raise GuardFailed(f"[{name}] is not known: {why}")
    if "config" in guard.program.mentions and situation.left_out:
        left_out = ", ".join(situation.left_out)
        raise GuardFailed(f"[job.config] is not known as a whole: the record leaves out [{left_out}]")


def _speaks(guard: Guard, text: str, outcome: Outcome, seen: Mapping[str, Any]) -> Finding:
    """The guard is against the start; what follows of that is for its mode to say."""
    whole = text if outcome is Outcome.UNKNOWN else f"the guard [{guard.id}] denies it: {text}"
    step = _step(guard, outcome, whole, seen)
    if guard.mode is Mode.ENFORCE:
        return Finding(step=step, reason=Reason(kind=ReasonKind.GUARD, text=whole, origin=guard.origin, id=guard.id))
    return Finding(step=step, warned=Warned(guard.id, text, guard.origin), mode=_MODES[guard.mode])


def _step(guard: Guard, outcome: Outcome, text: str, seen: Mapping[str, Any]) -> Step:
    return Step(kind=StepKind.GUARD, outcome=outcome, text=text, seen=seen, origin=guard.origin, id=guard.id)


def seen_by(expression: str, environment: Mapping[str, Any]) -> dict[str, Any]:
    """The values that an expression names, by their paths: `job.dest.index` → "out"."""
    seen: dict[str, Any] = {}
    for path in _PATH.findall(expression):
        value: Any = environment
        for name in path.split("."):
            if not isinstance(value, Mapping) or name not in value:
                break  # a variable of the expression's own, as in `exists(i, …)`, or the last piece is a method
            value = value[name]
        else:
            seen[path] = value
    return seen
