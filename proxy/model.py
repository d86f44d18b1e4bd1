"""The small frozen records that cross borders between packages. No behaviour beyond what the record itself knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who somebody is, in the cluster's own words (`GET _security/_authenticate`).

    `realm` names the realm that authenticated; `lookup_realm` the one that the effective user comes from. The two
    differ exactly when the request runs as somebody else. `roles` is empty for API keys and service accounts.
    """

    username: str
    roles: tuple[str, ...] = ()
    realm: str = ""
    realm_type: str = ""
    lookup_realm: str = ""
    authentication_type: str = "realm"
    api_key_id: str | None = None
    api_key_name: str | None = None
    asked_to_run_as: bool = False

    @property
    def runs_as(self) -> bool:
        """Whether somebody else's credentials were presented for this user (`es-security-runas-user`).

        `asked_to_run_as` says that the request had that header: where both users are of one realm, the cluster's
        answer does not tell.
        """
        return self.asked_to_run_as or (bool(self.lookup_realm) and self.lookup_realm != self.realm)


class OwnerKind(StrEnum):
    """What the cluster tells about whose stored credentials a job runs with."""

    ROLES = "roles"
    API_KEY = "api_key"
    SERVICE_ACCOUNT = "service_account"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The `authorization` part of a job's configuration: never a user name.

    Exactly one of `roles`, `api_key_id`, `service_account` means something, as `kind` says; none for `UNKNOWN`.
    """

    kind: OwnerKind
    roles: tuple[str, ...] = ()
    api_key_id: str | None = None
    api_key_name: str | None = None
    service_account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFilter:
    """`source._source` of a job: which fields are copied. Excludes are tested first; no includes means all."""

    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A data frame analytics job as the cluster holds it.

    `create_time` is in milliseconds since 1970; `version` is the configuration's own version text; `analysis` is the
    name of the analysis and `analysis_settings` what is set under it; `config` is the whole as it came.
    """

    id: str
    create_time: int
    version: str
    sources: tuple[str, ...]
    source_filter: SourceFilter
    runtime_mappings: Mapping[str, Any]
    destination: str
    results_field: str
    analysis: str
    analysis_settings: Mapping[str, Any]
    owner: Owner
    config: Mapping[str, Any] = field(repr=False)


class Stage(StrEnum):
    """What a start of a job would do next, told from `_stats` (`TransportStartDataFrameAnalyticsAction`)."""

    FIRST_TIME = "first_time"
    RESUMING_REINDEXING = "resuming_reindexing"
    RESUMING_ANALYZING = "resuming_analyzing"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a job has done so far, by its `_stats`; None, or empty, where those do not tell.

    `progress` is how far each phase came, in percent. Of documents `training` are those that are learnt from, or looked
    at; `test` are kept to test what was learnt.
    """

    progress: tuple[tuple[str, int], ...] = ()
    training: int | None = None
    test: int | None = None
    skipped: int | None = None
    peak_memory_bytes: int | None = None
    memory_status: str | None = None
    node: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobState:
    """`_stats` of a job: `state` as the cluster names it, and what a start would do next. Two are equal whatever `work`
    was done."""

    state: str
    stage: Stage
    failure_reason: str | None = None
    work: Work = field(default_factory=Work, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIndex:
    """One concrete source index: `settings` flat (`index.number_of_shards` → "2"), explicitly set ones only;
    `mappings` as `GET _mapping` gives them, empty where the index has none."""

    name: str
    settings: Mapping[str, Any] = field(repr=False)
    mappings: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What is presented to the cluster to act as somebody: `headers` are sent as they are, `whose` is for records.

    Never shown: the values are secrets.
    """

    whose: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One HTTP answer, whole: `headers` in order with duplicates, hop-by-hop ones left out."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
