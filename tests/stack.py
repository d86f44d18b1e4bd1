"""The whole of it in one process, for tests: a cluster, a true gate with the shipped rules, a true edge worker."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from proxy.edge.door import Entrance
from proxy.edge.worker import run as run_edge
from proxy.embedded.app import Cluster, serve_embedded
from proxy.embedded.backend import Backend
from proxy.gate.app import run as run_gate
from proxy.gate.trial import Trials
from proxy.journal.entry import Phase
from proxy.journal.read import Start, start, starts
from proxy.settings import EdgeLimits, EdgeSettings, GateLimits, GateSettings, IdentitySettings, JournalSettings
from proxy.tracing.settings import TracingSettings
from tests.journal.checking import check_journal

TRIAL = (sys.executable, "-m", "proxy.cases.trial")
SHIPPED_RULES = Path(__file__).parent.parent / "rules"


@dataclass(frozen=True, slots=True)
class Replied:
    """An answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """Elasticsearch's text of an error."""
        error = self.json["error"]
        return str(error if isinstance(error, str) else error["reason"])

    @property
    def receipt(self) -> str:
        """What the journal knows this start by."""
        return self.headers["X-Startgate-Receipt"]


@dataclass(slots=True)
class Stack:
    """All running parts. `port` is the proxy's."""

    cluster: Cluster
    port: int
    journal: Path
    session: aiohttp.ClientSession
    gate: asyncio.Task[None]
    reload: asyncio.Event

    async def call(
        self,
        method: str,
        target: str,
        body: object = None,
        *,
        auth: str | None = None,
        direct: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> Replied:
        """One call through the proxy, or directly to the cluster; by default as the superuser. `more` are headers."""
        base = self.cluster.url if direct else f"http://127.0.0.1:{self.port}"
        headers = {"authorization": auth or self.cluster.superuser, **(more or {})}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = body if isinstance(body, str | bytes) else json.dumps(body)
        async with self.session.request(method, URL(base + target, encoded=True), data=data, headers=headers) as answer:
            return Replied(answer.status, answer.headers, await answer.read())

    async def ok(self, method: str, target: str, body: object = None, *, auth: str | None = None) -> Any:
        """As `call`, directly to the cluster, for what must succeed; the decoded body."""
        answer = await self.call(method, target, body, auth=auth, direct=True)
        assert 200 <= answer.status < 300, answer.body
        return answer.json

    async def start(self, job: str, auth: str | None = None, query: str = "", **headers: str) -> Replied:
        """Start a job through the proxy."""
        return await self.call("POST", f"/_ml/data_frame/analytics/{job}/_start{query}", auth=auth, more=headers)

    async def end_of(self, receipt: str, *, within_s: float = 20.0) -> Mapping[str, Any]:
        """The `end` record of a start, once it is there."""
        async with asyncio.timeout(within_s):
            while Phase.END not in self.recorded(receipt).records:  # noqa: ASYNC110 -- the journal is a file
                await asyncio.sleep(0.05)
        return self.recorded(receipt).records[Phase.END]

    async def ended(self, job: str, *, within_s: float = 20.0) -> dict[str, Any]:
        """`_stats` of a job once it stands still."""
        async with asyncio.timeout(within_s):
            while True:
                [stats] = (await self.ok("GET", f"/_ml/data_frame/analytics/{job}/_stats"))["data_frame_analytics"]
                if stats["state"] in ("stopped", "failed"):
                    return dict(stats)
                await asyncio.sleep(0.02)

    def recorded(self, receipt: str) -> Start:
        """The records of one start."""
        found = start(self.journal, receipt)
        assert found is not None
        return found

    def all_recorded(self) -> list[Start]:
        """All starts on record."""
        return starts(self.journal)


@asynccontextmanager
async def whole(
    folder: Path,
    backend: Backend | None = None,
    *,
    rules: Path = SHIPPED_RULES,
    service: bool = True,
    job_pace_s: float = 0.0,
    limits: GateLimits | None = None,
) -> AsyncIterator[Stack]:
    """Run all parts; `folder` holds socket and journal. `service`: the gate has a service credential."""
    async with (
        serve_embedded(backend=backend, job_pace_s=job_pace_s) as cluster,
        in_front_of(cluster, folder, rules=rules, service=service, limits=limits) as stack,
    ):
        yield stack


@asynccontextmanager
async def in_front_of(
    cluster: Cluster,
    folder: Path,
    *,
    rules: Path = SHIPPED_RULES,
    service: bool = True,
    limits: GateLimits | None = None,
    identity: IdentitySettings | None = None,
    journaling: JournalSettings | None = None,
    edge: EdgeLimits | None = None,
    tracing: TracingSettings | None = None,
) -> AsyncIterator[Stack]:
    """Run gate and edge in front of a cluster that is there; `folder` is theirs alone."""
    stop, reload = asyncio.Event(), asyncio.Event()
    async with aiohttp.ClientSession(skip_auto_headers=("Accept-Encoding",)) as session:
        gate_socket = str(folder / "gate.sock")
        gate_settings = GateSettings(
            socket=gate_socket,
            nodes=(cluster.url,),
            rules=str(rules),
            journal=str(folder / "journal"),
            service=cluster.superuser if service else None,
            limits=limits or GateLimits(follow_up_poll_s=0.1, drain_s=5.0),
            control=str(folder / "control.sock"),
            identity=identity,
            journaling=journaling or JournalSettings(),
            tracing=tracing,
        )
        edge_settings = EdgeSettings(
            nodes=(cluster.url,),
            gate_socket=gate_socket,
            limits=edge or EdgeLimits(drain_s=2.0, client_head_s=2.0, observe_wait_s=60.0),
        )
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        ready = [asyncio.Event(), asyncio.Event()]
        parts = [
            asyncio.ensure_future(run_gate(gate_settings, stop, ready[0].set, reload, trials=Trials(TRIAL))),
            asyncio.ensure_future(run_edge(edge_settings, [Entrance(listener)], stop, ready[1].set)),
        ]
        try:
            async with asyncio.timeout(10):
                await asyncio.gather(*(_ready(event, part) for event, part in zip(ready, parts, strict=True)))
            yield Stack(cluster, port, folder / "journal", session, parts[0], reload)
        finally:
            await session.close()
            stop.set()
            await asyncio.gather(*parts)
        check_journal(folder / "journal")


async def _ready(event: asyncio.Event, part: asyncio.Future[None]) -> None:
    """Wait until a part is ready, or say why it never will be."""
    while not event.is_set():
        await asyncio.wait({part}, timeout=0.01)
        if part.done():
            part.result()
