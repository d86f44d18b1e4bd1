"""What the gate needs of the world: the cluster, the journal, the time. `app` supplies them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from proxy.errors import Refusal
from proxy.model import Answer, Credential, Identity, Job, JobState, Owner, SourceIndex
from proxy.privileges import Asked, Held, Role
from proxy.rules import RunningJob, SourceName, Target, Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What an owner's stored credentials amount to: `roles`, narrowed by `limited_by` where they are an API key's."""

    roles: tuple[Role, ...]
    limited_by: tuple[Role, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """An index that exists: `name` is the concrete one, which differs from what was asked where that is an alias.

    `shards`: how many primary shards it has, 0 where that is not known. `blocked`: it takes no writes
    (`index.blocks.write`). `no_write_index`: what was asked for is an alias of which no index is the one to write to.
    `in_data_stream`: what was asked for is a data stream, and this backs it.
    """

    name: str
    uuid: str
    mappings: Mapping[str, Any] = field(repr=False)
    shards: int = 0
    blocked: bool = False
    no_write_index: bool = False
    in_data_stream: bool = False

    def is_made(self, name: str, made: Mapping[str, Any]) -> bool:
        """Whether it is the index that was made under this name with this `_meta`, and no alias of another."""
        return self.name == name and _holds(self.mappings.get("_meta"), made)


def _holds(found: Any, made: Any) -> bool:  # noqa: ANN401 -- any JSON values
    """Whether all that was sent is there: what index templates say is merged into a mapping's `_meta`."""
    if isinstance(made, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(name), value) for name, value in made.items())
    return bool(found == made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What index templates give to a new index: flat settings, a mapping, the names of aliases.

    `legacy`: they are legacy ones, which are merged with a request in another way (`destination.legacy`).
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    legacy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """What the cluster says of a creation beforehand: its refusal, and why it did not look at the settings, empty where
    it did."""

    problem: Refusal | None = None
    unchecked: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a plan is made of: the sources in order of name, and the destination, None where it is missing.

    `given` is what index templates would give the destination, None where that is not known.
    """

    sources: tuple[SourceIndex, ...]
    destination: IndexState | None
    given: Given | None = None


# Whether nothing uses an index, or is about to, as of now. Raises what the cluster's calls raise.
Idle = Callable[[], Awaitable[bool]]


class Cluster(Protocol):
    """The calls to Elasticsearch.

    All of them raise `PassedOn` where the cluster refuses with 4xx, and `ClusterUnreachable` where no usable answer
    came. `opaque` headers (`X-Opaque-Id`, `traceparent`) ride along within the credential.
    """

    async def identify(self, credential: Credential) -> Identity:
        """`GET _security/_authenticate`. Raises Refusal 403 where the cluster has no security."""

    async def job(self, job_id: str, credential: Credential) -> Job:
        """The configuration of one job, by its exact id."""

    async def job_state(self, job_id: str, credential: Credential) -> JobState:
        """`_stats` of one job."""

    async def version(self, credential: Credential) -> str | None:
        """The cluster's version number; None where this credential may not know."""

    async def held(self, asked: Asked, credential: Credential) -> Held:
        """`_has_privileges`."""

    async def grants(self, owner: Owner) -> Grants:
        """What an owner holds, found out with the service credential. Raises Refusal where that can't be told."""

    async def facts(self, sources: Sequence[str], destination: str, credential: Credential) -> Facts:
        """Sources and destination, read at the same time."""

    async def resolution(
        self, sources: Sequence[str], destination: str, credential: Credential
    ) -> tuple[tuple[SourceName, ...] | Unknown, Target | Unknown]:
        """What the names of a job stand for; each Unknown where the cluster refuses to tell. Raises no `PassedOn`."""

    async def running(self, credential: Credential) -> tuple[RunningJob, ...]:
        """All jobs that are under way. Raises Refusal where not all of them can be listed."""

    async def index(self, name: str, credential: Credential) -> IndexState | None:
        """One index, or the one behind an alias; None where there is none."""

    async def given(self, name: str, credential: Credential) -> Given | None:
        """What index templates give to an index of this name; None where that cannot be told. Raises nothing."""

    async def foretell(self, name: str, body: Mapping[str, Any], credential: Credential, *, settings: bool) -> Foretold:
        """What the cluster would say of creating this index, where it tells beforehand; `settings`: also of those.
        Nothing is made. Raises nothing."""

    async def documents(self, name: str, credential: Credential) -> int:
        """How many documents an index, or those behind an alias, show to this credential."""

    async def create(self, name: str, body: Mapping[str, Any], credential: Credential) -> bool:
        """Create an index; False where one of that name exists already."""

    async def remove_if_empty(
        self, name: str, made: Mapping[str, Any], credential: Credential, idle: Idle, *, left: bool = False
    ) -> str:
        """Remove an index only if its `_meta` is still `made`, nothing was ever written to it, and its job is
        `idle`; `left`: a process that is gone has begun to, and may have left it blocked.

        Answers what was done: `removed`, or why it was kept.
        """

    async def forward(self, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float) -> Answer:
        """The start itself, untouched; any answer of the cluster is returned as it is. Raises ClusterUnreachable."""

    async def stop(self, job_id: str, credential: Credential) -> None:
        """Stop a job."""


class Followable(Cluster, Protocol):
    """What is asked besides about jobs that are followed to their end."""

    async def job_states(self, job_ids: Sequence[str], credential: Credential) -> Mapping[str, JobState]:
        """`_stats` of many jobs, by id; those that do not exist are left out, and are no refusal."""


class Identities(Protocol):
    """Startgate's own word on who asks, for a cluster that has none."""

    @property
    def kept_back(self) -> frozenset[str]:
        """The headers of a start, in lower case, that the cluster must not get."""

    async def identify(
        self, headers: Sequence[tuple[str, str]], *, peer: str, certificate: str, target: str
    ) -> tuple[Identity, Identity | None]:
        """Caller and secondary. Raises Refusal where nobody is named, or in a way that is not allowed."""


class AfterCrash(Cluster, Protocol):
    """What is asked besides at start-up, about what an earlier process left."""

    async def left_blocked(self, name: str, made: Mapping[str, Any], credential: Credential) -> bool:
        """Whether an index has `_meta` `made` and takes no writes: its removal was begun and not finished."""

    async def allow_writes(self, name: str, credential: Credential) -> str:
        """Lift such a block; answers what was done, in words."""


class Journal(Protocol):
    """The audit record."""

    async def append(self, entry: Mapping[str, Any]) -> None:
        """Durable when it returns. Raises JournalError."""


class Clock(Protocol):
    """The time."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""

    def ticks_s(self) -> float:
        """Seconds of a clock that never goes back."""
