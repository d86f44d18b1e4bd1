"""A verdict as plain values: in full for explanations, in short for records.

The document's shape is told in docs/explain.md; VERSION changes whenever something in it is renamed, removed, or means
something else.
"""

import json
from collections.abc import Callable
from typing import Any

from proxy.privileges import Held
from proxy.rules.compiled import BreakGlass, Rules
from proxy.rules.situation import Situation, Unknown
from proxy.rules.subjects import Subjects
from proxy.rules.verdict import Outcome, Reason, Step, StepKind, Verdict, Warned

VERSION = 1
# Of a record: a job with a thousand sources has thousands of steps.
STEPS_RECORDED = 100
# Of one value in a record, as JSON.
VALUE_CHARS = 256
# A condition may look into a job's whole configuration, which may hold data.
_NOT_RECORDED = "job.config"
# Steps whose values stand in their texts, and elsewhere in the record.
_SAY_IT_ALL = frozenset({StepKind.IDENTITY, StepKind.REQUIREMENT})


def explanation(
    rules: Rules, situation: Situation, subjects: Subjects, verdict: Verdict, owner: Held | Unknown | None = None
) -> dict[str, Any]:
    """The whole document about one decision, for whoever is shown the job. `owner` is what the job's owner holds where
    that is not part of the verdict, None where it is, or nobody looked."""
    job = situation.job
    return {
        "version": VERSION,
        "explain_only": True,
        "allowed": verdict.allowed,
        "job": {"id": job.id, "analysis": job.analysis, "sources": list(job.sources), "destination": job.destination},
        "rules": {"revision": rules.revision, "files": list(rules.files), "authority": rules.authority.value},
        "subjects": {
            "data": subjects.data.value,
            "asked": [subject.value for subject in subjects.asked],
            "intermediary": subjects.intermediary,
        },
        "reasons": [reason_of(one, str) for one in verdict.reasons],
        "steps": [_step(one, dict(one.seen), str) for one in verdict.steps],
        "warnings": [_warned(one, str) for one in verdict.warnings],
        "shadowed": [_warned(one, str) for one in verdict.shadowed],
        "exception": None if verdict.exception is None else _exception(verdict.exception, str),
    } | ({} if owner is None else {"owner": _beside(owner)})


def _beside(owner: Held | Unknown) -> dict[str, Any]:
    """What the owner holds, by index and privilege; or why that is not known."""
    if isinstance(owner, Unknown):
        return {"unknown": owner.text}
    return {"indices": {index: dict(held) for index, held in owner.index.items()}}


def in_short(verdict: Verdict, limit: int, cut: Callable[[str], str]) -> dict[str, Any]:
    """A verdict for a record: at most `limit` reasons and as many guards of a mode, each text bounded by `cut`.

    Of more steps than a record may have those that did not pass go before those that did; their order stays.
    """
    told: dict[str, Any] = {
        "allowed": verdict.allowed,
        "reasons": [reason_of(one, cut) for one in verdict.reasons[:limit]],
        "steps": [_step(one, _bounded(one), cut) for one in _most_telling(verdict.steps)],
    }
    if len(verdict.steps) > STEPS_RECORDED:
        told["steps_left_out"] = len(verdict.steps) - STEPS_RECORDED
    if verdict.warnings:
        told["warnings"] = [_warned(one, cut) for one in verdict.warnings[:limit]]
    if verdict.shadowed:
        told["shadowed"] = [_warned(one, cut) for one in verdict.shadowed[:limit]]
    if verdict.exception is not None:
        told["exception"] = _exception(verdict.exception, cut)
    return told


def _most_telling(steps: tuple[Step, ...]) -> list[Step]:
    telling = sorted(range(len(steps)), key=lambda at: (steps[at].outcome is Outcome.PASSED, at))[:STEPS_RECORDED]
    return [steps[at] for at in sorted(telling)]


def reason_of(reason: Reason, cut: Callable[[str], str]) -> dict[str, Any]:
    """One reason as plain values; texts are bounded by `cut`."""
    told: dict[str, Any] = {"kind": reason.kind.value, "text": cut(reason.text)}
    if reason.subject is not None:
        told["subject"] = reason.subject.value
    if reason.index is not None:
        told["index"] = cut(reason.index)
    if reason.privilege is not None:
        told["privilege"] = reason.privilege
    if reason.by:
        told["by"] = [one.value for one in reason.by]
    if reason.id is not None:
        told["id"] = reason.id
    if reason.origin is not None:
        told["rule"] = str(reason.origin)
    return told


def _step(step: Step, seen: dict[str, Any] | str, cut: Callable[[str], str]) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": step.kind.value, "outcome": step.outcome.value, "text": cut(step.text)}
    if step.subject is not None:
        told["subject"] = step.subject.value
    if step.id is not None:
        told["id"] = step.id
    if step.origin is not None:
        told["rule"] = str(step.origin)
    if seen:
        told["seen"] = seen
    return told


def _bounded(step: Step) -> str:
    """Values as one JSON text: as fields they would be others in each record. Empty where the text says it all."""
    if not step.seen or step.kind in _SAY_IT_ALL:
        return ""
    values = {name: "…" if name.startswith(_NOT_RECORDED) else _value(value) for name, value in step.seen.items()}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _value(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return value if len(text) <= VALUE_CHARS else f"{text[:VALUE_CHARS]}…[{len(text)} characters]"


def _warned(one: Warned, cut: Callable[[str], str]) -> dict[str, Any]:
    return {"id": one.id, "message": cut(one.message), "rule": str(one.origin)}


def _exception(entry: BreakGlass, cut: Callable[[str], str]) -> dict[str, Any]:
    return {
        "id": entry.id,
        "reason": cut(entry.reason),
        "signed_by": entry.signed_by,
        "from_ms": entry.from_ms,
        "until_ms": entry.until_ms,
        "rule": str(entry.origin),
    }
