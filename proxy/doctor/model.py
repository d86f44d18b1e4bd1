"""What is found, and which checks there are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from proxy.rules.compiled import Rules
from proxy.settings import AdminPort, EdgeSettings, GateSettings, Listen


class State(StrEnum):
    """How something is. What could not be looked at is skipped, and says why."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: what was seen, and what to do about it (empty: nothing)."""

    check: str
    state: State
    seen: str
    advice: str = ""


# In their order. What each is about stands in docs/doctor.md.
CHECKS: Final = (
    *("configuration", "rules", "intermediaries"),
    *("nodes", "versions", "one-cluster", "clock", "licence", "security", "machine-learning", "ml-nodes"),
    *("credential", "credential-privileges", "credential-excess", "credential-expiry"),
    *("bypass", "sniffing", "audit-log"),
    *("journal-folder", "journal-disk", "journal-space", "journal-end"),
    *("descriptors", "backlog", "cpu", "ports"),
    *("certificates", "node-certificates"),
    *("running", "addresses", "replicas", "sinks"),
)

# What a command ends with where something is amiss, by the worst that was found.
_STATUS: Final = {State.FAIL: 2, State.WARN: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was found."""

    findings: tuple[Finding, ...]

    @property
    def exit_status(self) -> int:
        """0 all is well, or could not be looked at; 1 something needs attention; 2 something does not work."""
        return max((_STATUS.get(one.state, 0) for one in self.findings), default=0)

    def counts(self) -> Counter[State]:
        """How many findings there are of each state."""
        return Counter(one.state for one in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The Startgate that is looked at: what its processes are told. `replicas` are base addresses of others' admin
    ports, `replicas_ca` a PEM file with the authorities of their certificates."""

    listens: tuple[Listen, ...]
    workers: int
    edge: EdgeSettings
    gate: GateSettings
    rules: Rules | None
    admin: AdminPort | None = None
    replicas: tuple[str, ...] = ()
    replicas_ca: str | None = None


def ok(check: str, seen: str, advice: str = "") -> Finding:
    """All is well; advice is then only a hint."""
    return Finding(check=check, state=State.OK, seen=seen, advice=advice)


def warn(check: str, seen: str, advice: str) -> Finding:
    """It works, and will not always, or not safely."""
    return Finding(check=check, state=State.WARN, seen=seen, advice=advice)


def fail(check: str, seen: str, advice: str) -> Finding:
    """Something does not work."""
    return Finding(check=check, state=State.FAIL, seen=seen, advice=advice)


def skip(check: str, why: str, advice: str = "") -> Finding:
    """It could not be looked at, and why."""
    return Finding(check=check, state=State.SKIP, seen=why, advice=advice)


def day(seconds: float) -> str:
    """A time in seconds since 1970 as a date, UTC. What never ends may name one beyond all calendars."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "a day beyond all calendars"


def without(findings: Sequence[Finding], unwanted: Sequence[str]) -> list[Finding]:
    """The findings, those of `unwanted` checks as skipped: somebody knows of them and has decided."""
    return [skip(one.check, "skipped as asked") if one.check in unwanted else one for one in findings]
