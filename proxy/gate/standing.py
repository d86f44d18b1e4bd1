"""How the rules stand: what is in force, since when, and what came of the last attempt to read them again.

Values for the control API, the log and the journal. Times are RFC 3339 in UTC, as in the journal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from proxy.errors import Fault
from proxy.journal.entry import timestamp
from proxy.rules.compiled import BreakGlass


class Trigger(StrEnum):
    """Why rules were read."""

    BOOT = "boot"
    WATCH = "watch"
    SIGNAL = "signal"
    CONTROL = "control"


class Outcome(StrEnum):
    """What came of reading them: rules that mean something else, the same again, or a refusal."""

    LOADED = "loaded"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class CasesRun:
    """How many cases were run that lie beside the rules, and how many of them failed."""

    run: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One reading of the rules. `before` and `after` are revisions in force; `by` says who asked, where it is known."""

    at: str
    trigger: Trigger
    outcome: Outcome
    before: str
    after: str
    by: str = ""
    faults: tuple[Fault, ...] = ()
    cases: CasesRun | None = None

    @property
    def refused(self) -> bool:
        """Whether what lies on the disk is not what is in force."""
        return self.outcome is Outcome.REFUSED


class ExceptionState(StrEnum):
    """Whether a break-glass entry counts now."""

    WAITING = "waiting"
    IN_FORCE = "in force"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excepted:
    """A break-glass entry of the rules in force. `since` and `until` bound it; `rule` is where it is written."""

    id: str
    state: ExceptionState
    since: str
    until: str
    users: tuple[str, ...]
    jobs: tuple[str, ...]
    reason: str
    signed_by: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All of it. `age_s` is how long the rules have been in force, in seconds; `watched` says whether a change of the
    files is noticed without being told; `files` is what was read; `attempts` are the last ones, the newest first;
    `reloads` counts those since the process began, by their outcome."""

    revision: str
    loaded_at: str
    age_s: float
    path: str
    files: tuple[str, ...]
    watched: bool
    last_attempt: Attempt
    break_glass: tuple[Excepted, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    reloads: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleText:
    """A file of the rules in force, as it was read. `left_out`: all files together were too long to be kept, so that
    there is no text of this one."""

    path: str
    text: str
    left_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTexts:
    """The files of the rules in force: rule files, then the role files that they name."""

    revision: str
    files: tuple[RuleText, ...]


def excepted(entry: BreakGlass, now_ms: int) -> Excepted:
    """A break-glass entry as it is told at this moment."""
    if entry.in_force(now_ms):
        state = ExceptionState.IN_FORCE
    else:
        state = ExceptionState.WAITING if now_ms < entry.from_ms else ExceptionState.OVER
    return Excepted(
        id=entry.id,
        state=state,
        since=timestamp(entry.from_ms),
        until=timestamp(entry.until_ms),
        users=entry.users,
        jobs=entry.jobs,
        reason=entry.reason,
        signed_by=entry.signed_by,
        rule=str(entry.origin),
    )
