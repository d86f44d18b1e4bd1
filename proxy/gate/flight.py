"""What is known of one start while it is under way. Steps fill it in; `record` turns it into the journal's records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from proxy.errors import PassedOn, Refusal
from proxy.gate.request import Arrived
from proxy.model import Answer, Credential, Identity, Job, JobState
from proxy.rules import Rules, Situation, Subjects, Verdict


class Destination(StrEnum):
    """What a start does about its destination."""

    CREATE = "create"
    EXISTING = "existing"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be done about the destination, and why; `body` is the create-index body where it is created.

    `overrides` says which settings of the body the rules have set, each with the place (`file:line`) in a rule file.
    `problem`: what the job fails with if the destination that exists is empty; else the cluster says that it is not.
    `effective`: `settings`, `mappings` and `aliases` that the index really gets, index templates included; None where
    those are not known. `origins`: how many settings, fields and runtime fields of the body there are of each kind of
    origin.
    """

    step: Destination
    why: str
    body: Mapping[str, Any] | None = None
    sources: tuple[str, ...] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)
    problem: Refusal | None = None
    effective: Mapping[str, Any] | None = None
    origins: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who asks for which job, as the cluster says. `version` is the cluster's, None where nobody may know."""

    caller: Identity
    secondary: Identity | None
    job: Job
    state: JobState
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whose credentials are at hand: the caller's always, the others where sent or configured."""

    caller: Credential
    secondary: Credential | None
    service: Credential | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenJob:
    """The caller is known, and was not shown the job: `refusal` is what the cluster said."""

    caller: Identity
    secondary: Identity | None
    refusal: PassedOn


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a start is decided and carried out with, once it is known who asks for what."""

    rules: Rules
    credentials: Credentials
    known: Known
    subjects: Subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a start was judged by and over, to be judged again when its job runs. `reading` is as whom its names are
    looked up, None where nobody can."""

    rules: Rules
    situation: Situation = field(repr=False)
    reading: Credential | None


@dataclass(slots=True, kw_only=True)
class Flight:
    """One start under way. `begun_s` and `marks_ms` are ticks of the clock that never goes back. `vouched`: the cluster
    knows who asks, and refused them before it told. `owner_seen` is what
    the journal knows of who made or last changed the job; `sources` are the indices that its sources stand for, as far
    as they were read for the plan, `LIST_LIMIT` at most. `may_be_intended`: its intent was not durable in time, so that
    nothing was done, and may yet come onto the disk."""

    arrived: Arrived
    revision: str
    begun_ms: int
    begun_s: float
    job_id: str | None = None
    caller: Identity | None = None
    vouched: bool = False
    secondary: Identity | None = None
    known: Known | None = None
    owner_seen: Mapping[str, Any] | None = None
    subjects: Subjects | None = None
    verdict: Verdict | None = None
    situation: Situation | None = None
    sources: tuple[str, ...] | None = None
    plan: Plan | None = None
    intended: bool = False
    may_be_intended: bool = False
    created: bool = False
    created_as: str | None = None
    removal: str | None = None
    cluster_answer: Answer | None = None
    problem: str | None = None
    marks_ms: dict[str, float] = field(default_factory=dict)

    def mark(self, step: str, now_s: float) -> None:
        """Note that a step ended now; kept as milliseconds since the start began."""
        self.marks_ms[step] = round((now_s - self.begun_s) * 1000, 3)
