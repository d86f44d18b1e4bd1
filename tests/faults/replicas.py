"""Replicas for tests: `startgate serve` in processes of its own, each on an address of the loopback network and with a
journal of its own, all in front of one embedded cluster, and each behind a relay that can cut it off."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from bench.chaos.place import port_to_keep
from bench.chaos.vitals import named
from proxy.embedded.app import Cluster, serve_embedded
from proxy.journal.read import Start, start, starts
from proxy.rules import load
from proxy.rules.seal import sealed
from tests.faults.relay import Relay
from tests.journal.checking import check_journal
from tests.stack import SHIPPED_RULES, Replied

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
DOCUMENTS = 20
REPLICAS = 2
# What the ways lead to: something before the cluster, and its port.
Node = Callable[[Cluster], AbstractAsyncContextManager[int]]
NOBODY_LISTENS = (ConnectionRefusedError, aiohttp.ClientConnectorError)


class Way(Relay):
    """A replica's way to the cluster."""

    async def cut(self) -> None:
        """From now on nobody can connect, and what was connected is reset."""
        self._kept = self.port
        self._server.close()
        self.reset_all()

    async def heal(self) -> None:
        """As before, at the same address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._kept)


@dataclass(slots=True)
class Replica:
    """One Startgate. `node` is where it finds the cluster; `more` are further lines of its configuration, `gate` and
    `edge` further limits, `env` further variables of its environment, and `prefix` is what its command is run by."""

    folder: Path
    host: str
    node: str
    authorization: str
    session: aiohttp.ClientSession
    more: str = ""
    gate: str = ""
    edge: str = ""
    prefix: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=port_to_keep)
    admin_port: int = field(default_factory=port_to_keep)
    process: Process | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{self.host}:{self.port}"

    @property
    def admin(self) -> str:
        """Its admin port."""
        return f"http://{self.host}:{self.admin_port}"

    @property
    def journal(self) -> Path:
        """The journal's folder."""
        return self.folder / "journal"

    @property
    def rules(self) -> Path:
        """Its file of rules."""
        return self.folder / "rules" / "start.yml"

    def configure(self) -> None:
        """Write its files."""
        (self.folder / "rules").mkdir(parents=True)
        self.rules.write_text((SHIPPED_RULES / "start.yml").read_text())
        secret = self.folder / "service"
        secret.touch(mode=0o600)
        secret.write_text(self.authorization)
        (self.folder / "startgate.yml").write_text(
            f"listen: {self.host}:{self.port}\n"
            f"cluster: {{nodes: ['{self.node}'], service: {{api_key_file: service}}}}\n"
            "rules: rules\n"
            "rules_watch: {enabled: false}\n"
            f"admin: {{listen: '{self.host}:{self.admin_port}', unsafe_plain: true}}\n"
            "limits:\n"
            f"  gate: {{follow_up_poll_s: 0.1, drain_s: 5, {self.gate}}}\n"
            f"  edge: {{drain_s: 5, upstream_eject_longest_s: 0.2, {self.edge}}}\n"
            "  ship: {poll_s: 0.05, retry_s: 0.05, retry_longest_s: 0.1}\n" + self.more
        )

    async def begin(self, *words: str) -> None:
        """Start it, and wait until it judges starts; `words` are further ones of the command."""
        command = [sys.executable, "-m", "proxy", "serve", "--config", str(self.folder / "startgate.yml"), *words]
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.prefix,
                *command,
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
            )
        async with asyncio.timeout(PATIENCE_S):
            while not await self._judges():
                assert self.process.returncode is None, (self.folder / "log").read_text()
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        """Have it stop in order, and wait until it has."""
        if self.process is not None:
            if self.process.returncode is None:
                self.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(self.process.wait(), PATIENCE_S) == 0, (self.folder / "log").read_text()
            self.process = None

    async def taken_over(self) -> None:
        """Have a new process take over, and wait until the old one is gone and the new one judges starts."""
        old = self.process
        assert old is not None
        try:
            await self.begin("--takeover")
        except BaseException:
            if old.returncode is None:
                old.kill()
            raise
        assert await asyncio.wait_for(old.wait(), PATIENCE_S) == 0, (self.folder / "log").read_text()
        # While the old gate finished, the new workers asked that one.
        async with asyncio.timeout(PATIENCE_S):
            while not await self._judges():  # noqa: ASYNC110 -- another process
                await asyncio.sleep(0.05)

    def reload(self) -> None:
        """Have it read its rules again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def kill_gate(self, number: int) -> None:
        """Send a signal to its gate."""
        assert self.process is not None
        os.kill(named(self.process.pid)["gate"], number)

    async def call(self, method: str, target: str, auth: str, body: object = None) -> Replied:
        """One call through it, over a connection of its own where the session says so."""
        headers, data = {"authorization": auth}, None
        if body is not None:
            headers["content-type"] = "application/json"
            data = body if isinstance(body, str) else json.dumps(body)
        url = URL(self.url + target, encoded=True)
        async with self.session.request(method, url, data=data, headers=headers) as answer:
            return Replied(answer.status, answer.headers, await answer.read())

    async def start(self, job: str, auth: str) -> Replied:
        """Start a job through it."""
        return await self.call("POST", f"/_ml/data_frame/analytics/{job}/_start", auth)

    async def told(self, path: str, auth: str = "") -> tuple[int, str]:
        """What its admin port answers."""
        async with self.session.get(self.admin + path, headers={"authorization": auth} if auth else {}) as answer:
            return answer.status, await answer.text()

    def recorded(self, answer: Replied) -> Start:
        """The records of a start in its journal."""
        found = start(self.journal, answer.receipt)
        assert found is not None, f"{answer.receipt} is not in {self.journal}"
        return found

    def all_recorded(self) -> list[Start]:
        """All starts in its journal."""
        return starts(self.journal)

    async def _judges(self) -> bool:
        try:
            answer = await self.start("no-such-job", "Basic ZWxhc3RpYzpjaGFuZ2VtZQ==")
            # The admin process comes last, and may come later than the gate.
            return answer.status in (401, 404) and (await self.told("/health/live"))[0] == 200
        except aiohttp.ClientError:
            return False


@dataclass(slots=True)
class Site:
    """A cluster and its replicas; `ways` lead to the cluster, one for each."""

    cluster: Cluster
    session: aiohttp.ClientSession
    replicas: list[Replica]
    ways: list[Way]

    async def ok(self, method: str, target: str, body: object = None) -> Any:
        """A call to the cluster itself that must succeed; its decoded answer."""
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        headers = {"authorization": self.cluster.superuser, "content-type": "application/json"}
        url = URL(self.cluster.url + target, encoded=True)
        async with self.session.request(method, url, data=data, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def job(self, name: str, source: str = "src") -> None:
        """A job whose destination is `out-` and its name."""
        body = {"source": {"index": [source]}, "dest": {"index": f"out-{name}"}, "analysis": {"outlier_detection": {}}}
        await self.ok("PUT", f"/_ml/data_frame/analytics/{name}", body)

    async def ended(self, name: str) -> str:
        """The state of a job once it stands still."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                [stats] = (await self.ok("GET", f"/_ml/data_frame/analytics/{name}/_stats"))["data_frame_analytics"]
                if stats["state"] in ("stopped", "failed"):
                    return str(stats["state"])
                await asyncio.sleep(0.02)


def seal(replica: Replica, text: str) -> None:
    """Write rules that deny more than the shipped ones, with their seal."""
    replica.rules.write_text(text)
    replica.rules.write_text(sealed(text, load(replica.rules, draft=True).seal))


@asynccontextmanager
async def the_cluster(cluster: Cluster) -> AsyncIterator[int]:
    """No node but the embedded cluster itself; its port."""
    yield cluster.port


@asynccontextmanager
async def site(
    folder: Path,
    *,
    more: str = "",
    envs: Mapping[int, Mapping[str, str]] | None = None,
    node: Node = the_cluster,
    prepare: Callable[[Replica], None] = lambda _: None,
    job_pace_s: float = 0.0,
) -> AsyncIterator[Site]:
    """Two replicas, each of them serving; ended at the end, and their journals checked. `more` is for the configuration
    of both, `envs` for the environment of the replica of that number, `node` is what stands for a node before the
    cluster, and `prepare` is called with each before it begins. Jobs wait `job_pace_s` at every step."""
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(serve_embedded(job_pace_s=job_pace_s))
        connector = aiohttp.TCPConnector(force_close=True)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        found = Site(cluster, session, [], [])
        await sources(found)
        port = await stack.enter_async_context(node(cluster))
        for number in range(REPLICAS):
            way = Way(port)
            await way.start()
            stack.push_async_callback(way.close)
            found.ways.append(way)
            replica = Replica(
                folder=folder / f"replica-{number}",
                host=f"127.0.0.{number + 2}",
                node=way.url,
                authorization=cluster.add_api_key(f"replica-{number}"),
                session=session,
                more=more,
                env=(envs or {}).get(number, {}),
            )
            replica.configure()
            prepare(replica)
            found.replicas.append(replica)
            stack.push_async_callback(ended, replica)
        await asyncio.gather(*(replica.begin() for replica in found.replicas))
        yield found
    for replica in found.replicas:
        check_journal(replica.journal)


async def sources(found: Site) -> None:
    """`src` with documents, and `void` without."""
    for name in ("src", "void"):
        await found.ok("PUT", f"/{name}", {"mappings": {"properties": {"n": {"type": "long"}}}})
    lines = [part for n in range(DOCUMENTS) for part in ({"index": {"_id": str(n)}}, {"n": n % 7})]
    await found.ok("POST", "/src/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))


async def ended(replica: Replica) -> None:
    """However the test went: in order, or at once."""
    try:
        await replica.end()
    finally:
        if replica.process is not None and replica.process.returncode is None:
            replica.process.kill()
            await replica.process.wait()
