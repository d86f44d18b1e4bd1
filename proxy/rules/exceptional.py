"""Break-glass: an exception that lets somebody start a job although the rules say no, for a time.

Its entries were verified when the rules were loaded. See docs/decisions/087-whom-an-exception-helps.md.
"""

from collections.abc import Iterator

from proxy.privileges import Undecidable
from proxy.privileges.patterns import matches
from proxy.rules.compiled import BreakGlass, Rules
from proxy.rules.situation import Situation
from proxy.rules.subjects import is_trusted
from proxy.rules.verdict import Outcome, Step, StepKind


def exception_for(rules: Rules, situation: Situation) -> BreakGlass | None:
    """The first exception that helps this caller with this job now; None where none does."""
    return next((entry for entry in rules.break_glass if not _against(rules, entry, situation)), None)


def exception_steps(rules: Rules, situation: Situation, used: BreakGlass | None, *, needed: bool) -> Iterator[Step]:
    """A step for each exception; `needed` says whether anything speaks against the start."""
    for entry in rules.break_glass:
        against = _against(rules, entry, situation)
        if not needed:
            outcome, text = Outcome.NOT_REACHED, "it is not needed"
        elif entry is used:
            outcome, text = Outcome.PASSED, f"it lets the start pass: {entry.reason}"
        else:
            outcome, text = (Outcome.DENIED, against) if against else (Outcome.NOT_REACHED, "another helps already")
        yield Step(
            kind=StepKind.EXCEPTION,
            outcome=outcome,
            text=f"break-glass [{entry.id}]: {text}",
            seen={
                "from_ms": entry.from_ms,
                "until_ms": entry.until_ms,
                "now_ms": situation.now_ms,
                "signed_by": entry.signed_by,
            },
            origin=entry.origin,
            id=entry.id,
        )


def _against(rules: Rules, entry: BreakGlass, situation: Situation) -> str:
    """Why an exception does not help; empty where it does."""
    caller = situation.caller
    if not entry.in_force(situation.now_ms):
        return "it has run out" if situation.now_ms >= entry.until_ms else "it is not in force yet"
    if caller.api_key_id is not None:
        return "it helps people, and the caller is an API key"
    try:
        if not matches(entry.jobs, situation.job.id):
            return "it is for other jobs"
        # A pattern means people who came themselves; whoever may be many, or nobody, is to be named in full.
        many = caller.runs_as or caller.authentication_type == "anonymous" or is_trusted(rules, caller)
        if caller.username not in entry.users and (many or not matches(entry.users, caller.username)):
            return "it is for other users"
    except Undecidable as failure:
        return f"its patterns cannot be compared exactly: {failure}"
    return ""
