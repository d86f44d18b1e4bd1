"""Judges recorded starts again by other rules, with the same evaluator: which verdicts would change?

A record holds what was asked then. Other rules may ask more: where the answer would decide, it cannot be told, and that
is said instead of a guess.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from proxy.journal.entry import Phase
from proxy.privileges import Asked, Held
from proxy.rules import Authority, Rules, Subject, Verdict, asked_of, judge, subjects_of
from proxy.rules.recorded import NotRecorded, from_record
from proxy.rules.situation import Situation, Unknown


class Change(StrEnum):
    """What other rules make of a recorded start."""

    SAME = "same"
    ALLOWED_NOW = "allowed now"
    DENIED_NOW = "denied now"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One recorded start: what was decided then (`allowed`), and what the other rules say.

    `reasons` are what speaks against it by those; `why` says why it cannot be told. `at` is the record's time.
    """

    receipt: str
    at: str
    user: str
    job: str
    allowed: bool
    change: Change
    reasons: tuple[str, ...] = ()
    why: str = ""


def _always(_at: str) -> bool:
    return True


def replay(
    records: Iterable[Mapping[str, Any]], rules: Rules, within: Callable[[str], bool] = _always
) -> Iterator[Replayed]:
    """Each start that was judged at a time for which `within` says yes, in the order of the records. Plans and
    explanations are left out: nobody was started or turned away by them.

    Only intents without an outcome are kept in memory.
    """
    intents: dict[str, Mapping[str, Any]] = {}
    for record in records:
        ours = record["startgate"]
        phase, receipt = ours.get("phase"), ours.get("receipt")
        if phase == Phase.INTENT:
            intents[receipt] = record
        elif phase == Phase.OUTCOME:
            intent = intents.pop(receipt, None)
            # The outcome of a start that a crash interrupted tells what was found; its intent, what was decided.
            judged = record if "verdict" in ours else intent
            if judged is None or "verdict" not in judged["startgate"] or _asked_only(ours):
                continue
            if within(str(judged.get("@timestamp", ""))):
                yield _replayed(judged, rules)


def _asked_only(ours: Mapping[str, Any]) -> bool:
    return bool(ours.get("plan_only") or ours.get("explain_only"))


def _replayed(record: Mapping[str, Any], rules: Rules) -> Replayed:
    ours = record["startgate"]
    allowed = ours["verdict"].get("allowed") is True
    try:
        verdict, why = again(from_record(ours.get("situation", {})), rules)
    except NotRecorded as failure:
        verdict, why = None, f"cannot be judged again: {failure}"
    if verdict is None:
        change = Change.CANNOT_TELL
    elif verdict.allowed is allowed:
        change = Change.SAME
    else:
        change = Change.ALLOWED_NOW if verdict.allowed else Change.DENIED_NOW
    return Replayed(
        receipt=str(ours["receipt"]),
        at=str(record.get("@timestamp", "")),
        user=str(record.get("user", {}).get("name", "")),
        job=str(ours.get("job", {}).get("id", "")),
        allowed=allowed,
        change=change,
        reasons=() if verdict is None else tuple(reason.text for reason in verdict.reasons),
        why=why,
    )


def again(situation: Situation, rules: Rules) -> tuple[Verdict | None, str]:
    """The verdict of `rules` over a recorded situation; None, and why, where it hangs on what was not asked then.

    Whatever was not asked is once taken for held and once for not held: only where both come to the same is it told.
    """
    best, missing = _answered(situation, rules)
    missing += _facts_missing(situation, rules)
    if not missing:
        return judge(rules, situation), ""
    verdict = judge(rules, situation)
    # Flows and guards without their facts speak against a start, which they might not with them.
    most = judge(rules if not _facts_missing(situation, rules) else replace(rules, flows=None, guards=()), best)
    if verdict.allowed is most.allowed:
        return verdict, ""
    return None, "not asked when it was recorded: " + ", ".join(missing)


def _facts_missing(situation: Situation, rules: Rules) -> list[str]:
    found = []
    if rules.needs_resolution and (situation.sources is None or situation.target is None):
        found.append("which indices the names stand for")
    if rules.needs_running and situation.running is None:
        found.append("which jobs are running")
    return found


def _answered(situation: Situation, rules: Rules) -> tuple[Situation, list[str]]:
    """The situation with every privilege held that was not asked about, and those privileges."""
    if rules.authority is Authority.ROLES:
        return situation, []
    subjects = subjects_of(rules, situation.caller, situation.secondary, situation.job.owner)
    held: dict[Subject, Held | Unknown] = dict(situation.held)
    missing: list[str] = []
    for subject, asked in asked_of(rules, situation.job, subjects).items():
        answer = situation.held.get(subject, Held())
        if isinstance(answer, Held):
            held[subject], lacking = _filled(answer, asked)
            missing += [f"[{privilege}]{place} of the {subject}" for privilege, place in lacking]
    return replace(situation, held=held), missing


def _filled(answer: Held, asked: Asked) -> tuple[Held, list[tuple[str, str]]]:
    lacking = [(privilege, "") for privilege in asked.cluster if privilege not in answer.cluster]
    cluster = {**dict.fromkeys(asked.cluster, True), **answer.cluster}
    index = {name: dict(privileges) for name, privileges in answer.index.items()}
    for entry in asked.index:
        for name in entry.names:
            known = index.setdefault(name, {})
            lacking += [(privilege, f" on [{name}]") for privilege in entry.privileges if privilege not in known]
            index[name] = {**dict.fromkeys(entry.privileges, True), **known}
    return Held(cluster=cluster, index=index), lacking
