"""A file of cases as values that never change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from proxy.model import Identity, Job, JobState
from proxy.privileges import Role
from proxy.rules.compiled import Origin
from proxy.rules.situation import RunningJob

# When a case says nothing of the time. Chosen once, so that no verdict depends on the day on which a case is run.
DEFAULT_NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
DEFAULT_VERSION = "8.15.3"


class Wanted(StrEnum):
    """What the rules must say."""

    ALLOWED = "allowed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index of the case's cluster: flat `settings`, its mapping, the names that lead to it."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mappings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    aliases: tuple[str, ...] = ()
    data_stream: str | None = None
    documents: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseJob:
    """A job of the case's cluster and the state that it is in."""

    job: Job
    state: JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The cluster of all cases of a file, by name. `roles` are those that the cluster itself would know."""

    version: str = DEFAULT_VERSION
    service: bool = True
    identities: Mapping[str, Identity] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    jobs: Mapping[str, CaseJob] = field(default_factory=dict)
    indices: Mapping[str, Index] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of a case; None means that it is not looked at.

    `reasons` are all that speak against the start, each by a part of its text; `warnings` and `shadowed` are ids of
    guards. `plan` and each of `journal` need only be contained in what came, in the order of the records.
    """

    verdict: Wanted
    status: int | None = None
    error: str | None = None
    reasons: tuple[str, ...] | None = None
    warnings: tuple[str, ...] | None = None
    shadowed: tuple[str, ...] | None = None
    plan: Mapping[str, Any] | None = None
    journal: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One start and what must come of it. `skip` is the reason why it is not run, `cluster_status` and `cluster_error`
    what the cluster answers to the start once it is forwarded."""

    name: str
    origin: Origin
    caller: str
    secondary: str | None
    job: str
    expected: Expected
    now_ms: int = DEFAULT_NOW_MS
    peer: str = "192.0.2.1:50000"
    headers: tuple[tuple[str, str], ...] = ()
    timeout: str | None = None
    running: tuple[RunningJob, ...] = ()
    cluster_status: int = 200
    cluster_error: str = ""
    skip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """All that one file holds. `rules` is the path of what it tests, as written, None for the folder that it is in."""

    path: str
    setting: Setting
    cases: tuple[Case, ...]
    rules: str | None = None
