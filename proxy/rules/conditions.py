"""Guards: conditions that speak against a start where they are true, and where they cannot be told."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proxy.rules.cel.environment import Environment, environment_of
from proxy.rules.cel.variables import CONSTANTS
from proxy.rules.compiled import Guard, GuardFailed, Mode, Rules
from proxy.rules.situation import Situation
from proxy.rules.subjects import Subjects
from proxy.rules.verdict import Finding, Outcome, Reason, ReasonKind, Step, StepKind, Warned

_MODES = {Mode.WARN: Outcome.WARNED, Mode.SHADOW: Outcome.SHADOW_DENIED}


def judge_guards(rules: Rules, situation: Situation, subjects: Subjects) -> Iterator[Finding]:
    """A finding for each guard, in the order of the rules."""
    if not rules.guards:
        return
    environment = environment_of(rules, situation, subjects)
    if situation.left_out:
        missing = ", ".join(situation.left_out)
        environment.unknown["job.config"] = f"the record of the start leaves [{missing}] out"
    for guard in rules.guards:
        yield _judged(guard, environment)


def _judged(guard: Guard, environment: Environment) -> Finding:
    seen = seen_by(guard.program.paths, environment)
    try:
        denies = guard.program.holds(environment)
    except GuardFailed as failure:
        return _speaks(guard, f"the guard [{guard.id}] cannot be told: {failure}", Outcome.UNKNOWN, seen)
    if denies:
        return _speaks(guard, guard.message, _MODES.get(guard.mode, Outcome.DENIED), seen)
    text = f"the guard [{guard.id}] does not speak against the start"
    return Finding(step=_step(guard, Outcome.PASSED, text, seen))


def _speaks(guard: Guard, text: str, outcome: Outcome, seen: Mapping[str, Any]) -> Finding:
    """The guard is against the start; what follows of that is for its mode to say."""
    whole = text if outcome is Outcome.UNKNOWN else f"the guard [{guard.id}] denies it: {text}"
    step = _step(guard, outcome, whole, seen)
    if guard.mode is Mode.ENFORCE:
        return Finding(step=step, reason=Reason(kind=ReasonKind.GUARD, text=whole, origin=guard.origin, id=guard.id))
    return Finding(step=step, warned=Warned(guard.id, text, guard.origin), mode=_MODES[guard.mode])


def _step(guard: Guard, outcome: Outcome, text: str, seen: Mapping[str, Any]) -> Step:
    return Step(kind=StepKind.GUARD, outcome=outcome, text=text, seen=seen, origin=guard.origin, id=guard.id)


def seen_by(paths: Iterable[str], environment: Environment) -> dict[str, Any]:
    """The values that a condition looks at, by their dotted names, in order of name; what is not known is left out, and
    so is the whole of what it looks into."""
    looked_at = sorted(paths)
    into = {path for path in looked_at for other in looked_at if other.startswith(f"{path}.")}
    return {
        path: _found(environment, path)
        for path in looked_at
        if path not in CONSTANTS and path not in into and environment.reason_not_known(path) is None
    }


def _found(environment: Environment, path: str) -> Any:  # noqa: ANN401 -- variables are of many types
    """The value of a dotted name; of a field of a list's elements, the values of all."""
    value: Any = environment
    for name in path.split("."):
        if isinstance(value, list):
            value = [one.get(name) for one in value if isinstance(one, Mapping)]
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value
