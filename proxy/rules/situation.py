"""All that a verdict depends on besides the rules: values alone, so that a record of them can be judged again.

Enforcement, shadow, explanations, tests and replay make such a situation each in their own way and hand it to the one
evaluator (`evaluate.judge`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.model import Identity, Job
from proxy.privileges import Held, Version
from proxy.rules.subjects import Subject


@dataclass(frozen=True, slots=True)
class Unknown:
    """What could not be found out; `text` says why and what to configure. It denies wherever it would be needed."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceName:
    """A concrete index that the job's source expressions stand for.

    `data_stream` is the stream that it backs, None for any other index; `aliases` are all names that lead to it.
    """

    name: str
    data_stream: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The destination as it is before the start. `name` is the concrete index (behind an alias, its write index); None
    where there is none."""

    name: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A job that is under way, on any replica's word: the cluster was asked. Memory is in bytes."""

    id: str
    analysis: str
    sources: tuple[str, ...]
    destination: str
    model_memory_limit_bytes: int
    owner_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What of the request itself may count. Times are in seconds; texts are as they were sent."""

    peer: str = ""
    forwarded_for: tuple[str, ...] = ()
    user_agent: str = ""
    opaque_id: str = ""
    timeout_s: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One start, as it is judged.

    `held` is what the cluster said each subject holds (authority `cluster` and `both`), the owner's worked out from
    stored grants. `sources`, `target` and `running` are only there where the rules need them (`Rules.needs_resolution`,
    `Rules.needs_running`), else None; `Unknown` where they were needed and could not be had. `now_ms` is milliseconds
    since 1970. `cluster_version` is major and minor, None where nobody may know: role files are then judged as the
    stricter version would. `left_out` names the parts of the job's configuration that a record does not hold
    (see `recorded`).
    """

    caller: Identity
    secondary: Identity | None
    job: Job
    request: Request
    now_ms: int
    held: Mapping[Subject, Held | Unknown] = field(default_factory=dict)
    sources: tuple[SourceName, ...] | Unknown | None = None
    target: Target | Unknown | None = None
    running: tuple[RunningJob, ...] | Unknown | None = None
    cluster_version: Version | None = None
    left_out: tuple[str, ...] = ()
