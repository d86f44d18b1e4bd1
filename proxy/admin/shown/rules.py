"""The rules in force, what they did, and trying them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.admin.shown.starts import Judgement
from proxy.gate.standing import Attempt, Excepted


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCount:
    """What one rule did since the gate began. `kind` is `required`, `flow`, `guard` or `exception`; `rule` where it
    stands; `mode` is `enforce`, `warn` or `shadow`; `would_deny` counts starts that it would have denied were it
    enforced, `denied` those that it denied (with others or alone); `last` is the time of the last of either, or
    empty."""

    id: str
    kind: str
    rule: str
    mode: str
    judged: int
    denied: int
    would_deny: int
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A file of the rules in force, as it was read: its text, and whether the one on the disk is another by now."""

    path: str
    text: str
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All of it; the first fields are `gate.standing.Standing`'s. `counts_since` is when counting began."""

    revision: str
    loaded_at: str
    age_s: float
    path: str
    files: tuple[RuleFile, ...]
    watched: bool
    last_attempt: Attempt
    attempts: tuple[Attempt, ...]
    break_glass: tuple[Excepted, ...]
    counts: tuple[RuleCount, ...]
    counts_since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TryCase:
    """A case in YAML, as `startgate test` reads it (docs/cases.md), to be judged by the rules in force."""

    case: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it: the verdict, every step, what would be created, and how it differs from what the case wants
    (empty where it does not). `revision` is that of the rules that judged."""

    revision: str
    verdict: str
    status: int
    reason: str
    judgements: tuple[Judgement, ...]
    plan: Mapping[str, Any]
    differences: tuple[str, ...]
