"""The rules in force, what they did, and trying them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.admin.shown.starts import Judgement
from proxy.gate.rule_counts import RuleCount
from proxy.gate.standing import Attempt, Excepted


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A file of the rules in force, as it was read: its text, and whether the one on the disk is another by now.
    `left_out`: all files together are too long to be kept, so that the text of this one is not known."""

    path: str
    text: str
    changed: bool
    left_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All of it; the first fields are `gate.standing.Standing`'s, the newest of `attempts` first. `counts_since` is
    when counting began."""

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
    reloads: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TryCase:
    """A case in YAML, as `startgate test` reads it (docs/testing-rules.md), to be judged by the rules in force."""

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
