"""All calls to the cluster behind one face: what the gate's steps need (`gate.ports.Cluster`)."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.cluster import beforehand, indices, jobs, removal, resolution, running, security, templates
from proxy.cluster.forward import Forwarder
from proxy.cluster.transport import Transport
from proxy.errors import PassedOn
from proxy.gate.ports import Facts, Foretold, Given, Grants, Idle, IndexState
from proxy.model import Answer, Credential, Identity, Job, JobState, Owner
from proxy.privileges import Asked, Held
from proxy.rules import RunningJob, SourceName, Target, Unknown
from proxy.settings import ClusterTls, GateLimits

# A cluster is upgraded node by node over minutes; asking again costs a call beside others, not a round trip.
VERSION_KEPT_S = 60.0


class Gateway:
    """The cluster. `service` is the credential for what nobody else's credentials can or may do."""

    def __init__(
        self,
        nodes: Sequence[str],
        *,
        tls: ClusterTls,
        service: Credential | None,
        call_timeout_s: float,
        limits: GateLimits | None = None,
    ) -> None:
        self.service = service
        self._transport = Transport(nodes, tls, call_timeout_s, limits)
        self._forwarder = Forwarder(nodes, tls)
        self._version: tuple[float, str] | None = None

    async def identify(self, credential: Credential) -> Identity:
        """See `security.identify`."""
        return await security.identify(self._transport, credential)

    async def job(self, job_id: str, credential: Credential) -> Job:
        """See `jobs.job`."""
        return await jobs.job(self._transport, job_id, credential)

    async def job_state(self, job_id: str, credential: Credential) -> JobState:
        """See `jobs.job_state`."""
        return await jobs.job_state(self._transport, job_id, credential)

    async def job_states(self, job_ids: Sequence[str], credential: Credential) -> dict[str, JobState]:
        """See `jobs.job_states`."""
        return await jobs.job_states(self._transport, job_ids, credential)

    async def version(self, credential: Credential) -> str | None:
        """The version number of `GET /`, kept for a minute; None where this credential may not know."""
        now = time.monotonic()
        if self._version is None or now - self._version[0] > VERSION_KEPT_S:
            try:
                content = await self._transport.ask("GET", "/", credential)
            except PassedOn:
                return None
            try:
                self._version = (now, str(content["version"]["number"]))
            except (KeyError, TypeError):
                return None
        return self._version[1]

    async def held(self, asked: Asked, credential: Credential) -> Held:
        """See `security.held`."""
        return await security.held(self._transport, asked, credential)

    async def grants(self, owner: Owner) -> Grants:
        """See `security.grants`."""
        return await security.grants(self._transport, owner, self.service)

    async def facts(self, sources: Sequence[str], destination: str, credential: Credential) -> Facts:
        """See `indices.facts`."""
        return await indices.facts(self._transport, sources, destination, credential)

    async def resolution(
        self, sources: Sequence[str], destination: str, credential: Credential
    ) -> tuple[tuple[SourceName, ...] | Unknown, Target | Unknown]:
        """See `resolution.resolution`."""
        return await resolution.resolution(self._transport, sources, destination, credential)

    async def running(self, credential: Credential) -> tuple[RunningJob, ...]:
        """See `running.running`."""
        return await running.running(self._transport, credential)

    async def index(self, name: str, credential: Credential) -> IndexState | None:
        """See `indices.index`."""
        return await indices.index(self._transport, name, credential)

    async def given(self, name: str, credential: Credential) -> Given | None:
        """See `templates.given`."""
        return await templates.given(self._transport, name, credential)

    async def foretell(self, name: str, body: Mapping[str, Any], credential: Credential, *, settings: bool) -> Foretold:
        """See `beforehand.foretell`."""
        return await beforehand.foretell(self._transport, name, body, credential, settings=settings)

    async def documents(self, name: str, credential: Credential) -> int:
        """See `indices.documents`."""
        return await indices.documents(self._transport, name, credential)

    async def create(self, name: str, body: Mapping[str, Any], credential: Credential) -> bool:
        """See `indices.create`."""
        return await indices.create(self._transport, name, body, credential)

    async def remove_if_empty(
        self, name: str, made: Mapping[str, Any], credential: Credential, idle: Idle, *, left: bool = False
    ) -> str:
        """See `removal.remove_if_empty`."""
        return await removal.remove_if_empty(self._transport, name, made, credential, idle, left=left)

    async def left_blocked(self, name: str, made: Mapping[str, Any], credential: Credential) -> bool:
        """See `removal.left_blocked`."""
        return await removal.left_blocked(self._transport, name, made, credential)

    async def allow_writes(self, name: str, credential: Credential) -> str:
        """See `removal.allow_writes`."""
        return await removal.allow_writes(self._transport, name, credential)

    async def forward(self, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float) -> Answer:
        """See `forward.Forwarder.forward`."""
        return await self._forwarder.forward(target, headers, body, timeout_s)

    async def stop(self, job_id: str, credential: Credential) -> None:
        """See `jobs.stop`."""
        await jobs.stop(self._transport, job_id, credential)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()
        await self._forwarder.close()
