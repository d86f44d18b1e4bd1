"""Stand-ins for what the gate needs of the world. All note their calls, in order, in one list."""

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from proxy.cluster.jobs import job_of
from proxy.errors import JournalError, JournalLate, PassedOn, Refusal, error_body
from proxy.gate import flow
from proxy.gate.flight import Credentials, Judged, Known
from proxy.gate.owed import Owed
from proxy.gate.ports import Facts, Foretold, Given, Grants, Idle, IndexState
from proxy.gate.request import Arrived
from proxy.model import Answer, Credential, Identity, Job, JobState, Owner, SourceIndex, Stage
from proxy.privileges import Asked, Held, role_from_json
from proxy.rules import Rules, RunningJob, SourceName, Target, Unknown, load
from proxy.settings import GateLimits
from tests.journal.checking import checked

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
RULES = load(ROOT / "rules" / "start.yml")
CONFIG: dict[str, Any] = {
    "id": "outliers",
    "create_time": 1_700_000_000_000,
    "version": "12.0.0",
    "authorization": {"roles": ["analyst"]},
    "description": "",
    "source": {"index": ["flights"], "query": {"match_all": {}}},
    "dest": {"index": "flights-out", "results_field": "ml"},
    "analysis": {"outlier_detection": {"compute_feature_influence": True}},
    "model_memory_limit": "1gb",
    "allow_lazy_start": False,
    "max_num_threads": 1,
}
TARGET = "/_ml/data_frame/analytics/outliers/_start"
STOPPED = JobState(state="stopped", stage=Stage.FIRST_TIME)
STARTED = Answer(
    status=200,
    headers=(("X-elastic-product", "Elasticsearch"), ("content-type", "application/json")),
    body=b'{"acknowledged":true,"node":"n1"}',
)
FLIGHTS = SourceIndex(
    name="flights",
    settings={"index.number_of_shards": "2", "index.number_of_replicas": "0"},
    mappings={"properties": {"distance": {"type": "double"}, "carrier": {"type": "keyword"}}},
)
ANN = Identity(username="ann", roles=("analyst",), realm="native1", realm_type="native", lookup_realm="native1")
BOB = Identity(username="bob", roles=("data",), realm="native1", realm_type="native", lookup_realm="native1")
KIBANA = Identity(
    username="kibana_system",
    roles=("kibana_system",),
    realm="reserved",
    realm_type="reserved",
    lookup_realm="reserved",
)
ANALYST = {
    "indices": [
        {"names": ["flights"], "privileges": ["read", "view_index_metadata"]},
        {"names": ["flights-out"], "privileges": ["all"]},
    ]
}


def tried(read: Callable[[], T]) -> T | Refusal:
    """What `read` gives, or the Refusal that it raises."""
    try:
        return read()
    except Refusal as refusal:
        return refusal


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds; after 5 s it is a failure."""
    for _ in range(2500):
        if holds():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never came to hold")


def made(**changes: Any) -> Job:
    """The job of these tests with other values at the top of its configuration."""
    return job_of(copy.deepcopy(CONFIG) | changes)


def known(job: Job | None = None, state: JobState = STOPPED, version: str | None = "8.15.3") -> Known:
    """What the first round trip tells."""
    return Known(caller=ANN, secondary=None, job=job or made(), state=state, version=version)


def arrived(
    *headers: tuple[str, str], target: str = TARGET, body: bytes = b"", peer: str = "10.1.2.3:4567", receipt: str = "r1"
) -> Arrived:
    """A start over the wire."""
    return Arrived(target=target, headers=headers, body=body, peer=peer, receipt=receipt)


def refused_by_cluster(status: int, type: str = "security_exception", reason: str = "no") -> PassedOn:
    """A refusal in the cluster's words."""
    return PassedOn(status, error_body(status, type, reason))


def answer(status: int, body: bytes = b'{"error":"no"}') -> Answer:
    """The cluster's answer to a start."""
    return Answer(status=status, headers=(("content-type", "application/json"),), body=body)


def grants(*roles: Mapping[str, Any], limited_by: Sequence[Mapping[str, Any]] | None = None) -> Grants:
    """An owner's grants from role definitions."""
    return Grants(
        roles=tuple(role_from_json("analyst", role) for role in roles),
        limited_by=None if limited_by is None else tuple(role_from_json("limit", role) for role in limited_by),
    )


@dataclass
class FakeCluster:
    """Answers each call from `answers`, by the call's whole name or its first word; a list is used up one by one, an
    exception is raised, anything callable is awaited. What is not in there gets the answer of a cluster where all is
    well."""

    calls: list[str]
    answers: dict[str, Any] = field(default_factory=dict)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    forwarded: list[tuple[str, tuple[tuple[str, str], ...], bytes, float]] = field(default_factory=list)
    credentials: dict[str, Credential] = field(default_factory=dict)
    idle: Idle | None = None
    asked_states: list[tuple[str, ...]] = field(default_factory=list)

    async def _answer(self, call: str, default: Any) -> Any:
        self.calls.append(call)
        await asyncio.sleep(0)
        found = self.answers.get(call, self.answers.get(call.partition(" ")[0], default))
        if isinstance(found, list):
            found = found.pop(0) if found else default
        if callable(found):
            found = await found()
        if isinstance(found, Exception):
            raise found
        return found

    async def identify(self, credential: Credential) -> Identity:
        self.credentials[credential.whose] = credential
        who: Identity = await self._answer(
            f"identify {credential.whose}", BOB if credential.whose == "secondary" else ANN
        )
        return who

    async def job(self, job_id: str, credential: Credential) -> Job:
        found: Job = await self._answer(f"job {credential.whose}", made())
        return found

    async def job_state(self, job_id: str, credential: Credential) -> JobState:
        found: JobState = await self._answer(f"state {credential.whose}", STOPPED)
        return found

    async def job_states(self, job_ids: Sequence[str], credential: Credential) -> Mapping[str, JobState]:
        self.asked_states.append(tuple(job_ids))
        found: JobState | dict[str, JobState] = await self._answer(f"states {credential.whose}", STOPPED)
        return dict.fromkeys(job_ids, found) if isinstance(found, JobState) else found

    async def version(self, credential: Credential) -> str | None:
        found: str | None = await self._answer(f"version {credential.whose}", "8.15.3")
        return found

    async def held(self, asked: Asked, credential: Credential) -> Held:
        everything = Held(
            cluster=dict.fromkeys(asked.cluster, True),
            index={name: dict.fromkeys(one.privileges, True) for one in asked.index for name in one.names},
        )
        found: Held = await self._answer(f"held {credential.whose}", everything)
        return found

    async def grants(self, owner: Owner) -> Grants:
        found: Grants = await self._answer(f"grants {owner.kind}", grants(ANALYST))
        return found

    async def facts(self, sources: Sequence[str], destination: str, credential: Credential) -> Facts:
        found: Facts = await self._answer(f"facts {credential.whose}", Facts(sources=(FLIGHTS,), destination=None))
        return found

    async def resolution(
        self, sources: Sequence[str], destination: str, credential: Credential
    ) -> tuple[tuple[SourceName, ...] | Unknown, Target | Unknown]:
        found: tuple[tuple[SourceName, ...] | Unknown, Target | Unknown] = await self._answer(
            f"resolution {credential.whose}", (tuple(SourceName(name=name) for name in sources), Target())
        )
        return found

    async def running(self, credential: Credential) -> tuple[RunningJob, ...]:
        found: tuple[RunningJob, ...] = await self._answer(f"running {credential.whose}", ())
        return found

    async def index(self, name: str, credential: Credential) -> IndexState | None:
        found: IndexState | None = await self._answer(f"index {credential.whose}", None)
        return found

    async def given(self, name: str, credential: Credential) -> Given | None:
        found: Given | None = await self._answer(f"given {credential.whose}", None)
        return found

    async def foretell(self, name: str, body: Mapping[str, Any], credential: Credential, *, settings: bool) -> Foretold:
        found: Foretold = await self._answer(f"foretell {credential.whose} {settings}", Foretold())
        return found

    async def documents(self, name: str, credential: Credential) -> int:
        found: int = await self._answer(f"documents {credential.whose}", 0)
        return found

    async def create(self, name: str, body: Mapping[str, Any], credential: Credential) -> bool:
        self.bodies.append(body)
        created: bool = await self._answer(f"create {name} as {credential.whose}", True)
        return created

    async def remove_if_empty(
        self, name: str, made: Mapping[str, Any], credential: Credential, idle: Idle, *, left: bool = False
    ) -> str:
        self.bodies.append(made)
        self.idle = idle
        done: str = await self._answer(f"remove {name} as {credential.whose}", "removed")
        return done

    async def left_blocked(self, name: str, made: Mapping[str, Any], credential: Credential) -> bool:
        self.bodies.append(made)
        blocked: bool = await self._answer(f"blocked {name} as {credential.whose}", False)
        return blocked

    async def allow_writes(self, name: str, credential: Credential) -> str:
        done: str = await self._answer(f"allow {name} as {credential.whose}", "kept")
        return done

    async def forward(self, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float) -> Answer:
        self.forwarded.append((target, tuple(headers), body, timeout_s))
        found: Answer = await self._answer("forward", STARTED)
        return found

    async def stop(self, job_id: str, credential: Credential) -> None:
        await self._answer(f"stop {credential.whose}", None)

    async def close(self) -> None:
        self.calls.append("close")


@dataclass
class FakeJournal:
    """Keeps records; refuses those of the phases in `failing`, and keeps those in `late` all the same."""

    calls: list[str]
    failing: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)
    entries: list[Mapping[str, Any]] = field(default_factory=list)

    async def append(self, entry: Mapping[str, Any]) -> None:
        phase = entry["startgate"]["phase"]
        self.calls.append(phase)
        await asyncio.sleep(0)
        if phase in self.failing:
            raise JournalError("the journal /secret/place cannot be written: No space left on device")
        self.entries.append(checked(copy.deepcopy(entry)))
        if phase in self.late:
            raise JournalLate("the disk has not answered")

    async def close(self) -> None:
        self.calls.append("close")


@dataclass
class FakeClock:
    """A clock that goes on by 10 ms whenever it is read."""

    ms: int = 1_700_000_100_000

    def now_ms(self) -> int:
        self.ms += 10
        return self.ms

    def ticks_s(self) -> float:
        self.ms += 10
        return self.ms / 1000


@dataclass
class Scene:
    """All the world of one start, and what became of it."""

    calls: list[str] = field(default_factory=list)
    followed: list[tuple[Job, Credentials, str]] = field(default_factory=list)
    service: str | None = "ApiKey c2VydmljZQ=="
    limits: GateLimits = field(default_factory=GateLimits)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    # Whether the peer has lately tried without being known.
    repeated: bool = False

    def __post_init__(self) -> None:
        self.cluster = FakeCluster(self.calls)
        self.judged: Judged | None = None
        self.journal = FakeJournal(self.calls)
        self.owed = Owed(self.journal, (0.0,))

    @property
    def records(self) -> list[Mapping[str, Any]]:
        """What was put on record."""
        return self.journal.entries

    @property
    def outcome(self) -> Mapping[str, Any]:
        """The one outcome that was put on record."""
        (found,) = [one for one in self.records if one["startgate"]["phase"] == "outcome"]
        return found

    @property
    def effects(self) -> list[str]:
        """The calls that change something or put something on record, in order."""
        words = {"intent", "outcome", "create", "remove", "forward", "stop", "followed"}
        return [call for call in self.calls if call.partition(" ")[0] in words]

    def world(self) -> flow.World:
        """As `app` puts it together."""
        return flow.World(
            cluster=self.cluster,
            journal=self.journal,
            clock=self.clock,
            limits=self.limits,
            service=self.service,
            started=self._started,
            repeated=lambda _: self.repeated,
            owes=self.owed.later,
        )

    def _started(self, job: Job, credentials: Credentials, receipt: str, judged: Judged | None) -> None:
        self.calls.append("followed")
        self.judged = judged
        self.followed.append((job, credentials, receipt))

    async def run(self, start: Arrived | None = None, rules: Rules = RULES) -> Answer:
        """One start through the whole flow."""
        return await flow.start(start or arrived(), rules, self.world(), self._lock)

    def _lock(self, job_id: str) -> asyncio.Lock:
        return self.locks.setdefault(job_id, asyncio.Lock())
