"""A cluster, a journal and a clock that are made of a case alone: what the gate needs of the world, without one."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.cases.model import Case, CaseJob, Index, Setting
from proxy.cases.names import behind, names_of, resolved
from proxy.cases.parts import built_in
from proxy.errors import PassedOn, Refusal, error_body
from proxy.gate.ports import Facts, Foretold, Given, Grants, Idle, IndexState
from proxy.model import Answer, Credential, Identity, Job, JobState, Owner, OwnerKind, SourceIndex
from proxy.privileges import Asked, Held, Role, allows_cluster, check
from proxy.rules import described
from proxy.rules.situation import RunningJob, SourceName, Target

# How a case's identities show themselves to its cluster. Nobody else can read it as anything.
SCHEME = "Case "
GET_ACTION = "cluster:monitor/xpack/ml/data_frame/analytics/get"
NODE = "case-node"


def authorization(name: str) -> str:
    """The value of the header with which an identity of the file shows itself."""
    return f"{SCHEME}{name}"


class CaseCluster:
    """The cluster of one case. `created` is what was made, name → body."""

    def __init__(self, setting: Setting, case: Case) -> None:
        self._setting = setting
        self._case = case
        self.created: dict[str, Mapping[str, Any]] = {}

    def _name(self, credential: Credential) -> str | None:
        """The identity behind a credential; None for the service credential, which may do all that the gate needs."""
        value = dict(credential.headers).get("authorization", "")
        return value.removeprefix(SCHEME) if value.startswith(SCHEME) else None

    def _roles(self, names: Sequence[str]) -> tuple[Role, ...]:
        """Their definitions; a name that nobody has defined grants nothing, as in Elasticsearch."""
        found = (self._setting.roles.get(name) or built_in(name) for name in names)
        return tuple(role for role in found if role is not None)

    async def identify(self, credential: Credential) -> Identity:
        """As the file says; keys and service accounts have privileges and no roles of their own."""
        name = self._name(credential)
        known = self._setting.identities[name or ""]
        if known.api_key_id is None and known.realm_type != "_service_account":
            return known
        return Identity(
            username=known.username,
            realm=known.realm,
            realm_type=known.realm_type,
            lookup_realm=known.lookup_realm,
            authentication_type=known.authentication_type,
            api_key_id=known.api_key_id,
            api_key_name=known.api_key_name,
            asked_to_run_as=known.asked_to_run_as,
        )

    def _held_by(self, credential: Credential) -> tuple[Role, ...]:
        return self._roles(self._setting.identities[self._name(credential) or ""].roles)

    def _seen(self, job_id: str, credential: Credential) -> CaseJob:
        """A job, for those who may look at jobs. Raises PassedOn in the cluster's words."""
        name = self._name(credential)
        if name is not None and not allows_cluster(self._held_by(credential), GET_ACTION):
            text = f"action [{GET_ACTION}] is unauthorized for {described(self._setting.identities[name])}"
            raise PassedOn(403, error_body(403, "security_exception", text))
        found = self._setting.jobs.get(job_id)
        if found is None:
            text = f"No known job with id '{job_id}'"
            raise PassedOn(404, error_body(404, "resource_not_found_exception", text))
        return found

    async def job(self, job_id: str, credential: Credential) -> Job:
        """A job of the file."""
        return self._seen(job_id, credential).job

    async def job_state(self, job_id: str, credential: Credential) -> JobState:
        """The state that the file gives the job."""
        return self._seen(job_id, credential).state

    async def version(self, credential: Credential) -> str | None:
        """The version that the file gives the cluster."""
        return self._setting.version

    async def held(self, asked: Asked, credential: Credential) -> Held:
        """What the roles of the file grant, as `_has_privileges` answers it."""
        return check(self._held_by(credential), asked)

    async def grants(self, owner: Owner) -> Grants:
        """What the owner's roles grant. Raises Refusal where the file does not tell."""
        if not self._setting.service:
            raise Refusal(403, "security_exception", "no service credential is configured")
        if owner.kind is OwnerKind.UNKNOWN:
            raise Refusal(403, "security_exception", "the cluster does not tell whose credentials the job runs with")
        if owner.kind is OwnerKind.ROLES:
            missing = [name for name in owner.roles if not self._roles([name])]
            if missing:
                text = f"the owner's roles {missing} do not exist any more"
                raise Refusal(403, "security_exception", text)
            return Grants(roles=self._roles(owner.roles))
        for one in self._setting.identities.values():
            if one.api_key_id == owner.api_key_id and owner.kind is OwnerKind.API_KEY:
                return Grants(roles=self._roles(one.roles))
            if one.username == owner.service_account and one.realm_type == "_service_account":
                return Grants(roles=self._roles(one.roles))
        raise Refusal(403, "security_exception", f"the owner's {owner.kind.value} does not exist any more")

    async def facts(self, sources: Sequence[str], destination: str, credential: Credential) -> Facts:
        """The indices of the file that the expressions stand for."""
        found, missing = resolved(sources, self._setting.indices)
        if missing:
            text = f"Validation Failed: 1: no such index [{missing[0]}];"
            raise Refusal(400, "validation_exception", text)
        read = tuple(SourceIndex(name=one.name, settings=one.settings, mappings=one.mappings) for one in found)
        return Facts(sources=read, destination=await self.index(destination, credential))

    async def index(self, name: str, credential: Credential) -> IndexState | None:
        """An index of the file, or the first behind an alias."""
        found = behind(name, self._setting.indices)
        return None if not found else _state(found[0])

    async def given(self, name: str, credential: Credential) -> Given | None:
        """Cases have no index templates."""
        return None

    async def foretell(self, name: str, body: Mapping[str, Any], credential: Credential, *, settings: bool) -> Foretold:
        """Cases have no cluster that could say more."""
        return Foretold(unchecked="a case asks no cluster" if settings else "")

    async def documents(self, name: str, credential: Credential) -> int:
        """As many as the file says."""
        return sum(one.documents for one in behind(name, self._setting.indices))

    async def create(self, name: str, body: Mapping[str, Any], credential: Credential) -> bool:
        """Keeps the body."""
        self.created[name] = body
        return True

    async def remove_if_empty(
        self, name: str, made: Mapping[str, Any], credential: Credential, idle: Idle, *, left: bool = False
    ) -> str:
        """What the case had created holds nothing."""
        return "removed"

    async def forward(self, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float) -> Answer:
        """The answer that the case gives the cluster."""
        status = self._case.cluster_status
        content = (
            {"acknowledged": True, "node": NODE}
            if status < 300
            else error_body(status, "status_exception", self._case.cluster_error or "the case says so")
        )
        return Answer(status=status, headers=(("content-type", "application/json"),), body=json.dumps(content).encode())

    async def stop(self, job_id: str, credential: Credential) -> None:
        """A case has nothing to stop."""

    async def resolution(
        self, sources: Sequence[str], destination: str, credential: Credential
    ) -> tuple[tuple[SourceName, ...], Target]:
        """What the names of the job stand for."""
        found, _ = resolved(sources, self._setting.indices)
        named = tuple(SourceName(name=one.name, data_stream=one.data_stream, aliases=one.aliases) for one in found)
        target = behind(destination, self._setting.indices)
        if not target:
            return named, Target()
        return named, Target(name=target[0].name, aliases=names_of(target[0])[1:])

    async def running(self, credential: Credential) -> tuple[RunningJob, ...]:
        """The jobs that the case says are under way."""
        return self._case.running


def _state(index: Index) -> IndexState:
    return IndexState(name=index.name, uuid=f"uuid-of-{index.name}", mappings=index.mappings)


class CaseJournal:
    """Keeps the records."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, Any]] = []

    async def append(self, entry: Mapping[str, Any]) -> None:
        """As durable as a case needs it."""
        self.records.append(json.loads(json.dumps(entry)))


class CaseClock:
    """The time of the case; it stands still."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self._now_ms

    def ticks_s(self) -> float:
        """Seconds of a clock that never goes back."""
        return 0.0
