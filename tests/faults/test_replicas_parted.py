"""Replicas, cluster and clients in network namespaces of their own: partitions that nobody is told of, a plug that is
pulled while a replica restarts, and a wire that loses one direction, or is slow and loses some of all."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from proxy.edge.sockets import watch_node
from proxy.embedded.app import Cluster, serve_embedded
from proxy.journal.entry import Phase
from proxy.journal.verify import verify
from tests.faults.crashing import until
from tests.faults.relay import Relay
from tests.faults.replicas import DOCUMENTS, Replica, Site, ended, sources
from tests.faults.replicas_hold import Held, Point
from tests.faults.replicas_means import followed, nothing_open
from tests.faults.replicas_spaces import Space, Wire, spaces, unable
from tests.journal.checking import check_journal
from tests.stack import Replied

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]

CLUSTER_PORT = 9200
PATIENCE_S = 120
JOBS = "/_ml/data_frame/analytics"
# Long enough for a busy machine to answer within; where nothing comes through, each is waited for.
GATE = "cluster_call_s: 8, forward_grace_s: 8"
EDGE = "upstream_connect_s: 3"


@pytest.fixture(scope="module")
def wired() -> Iterator[tuple[Wire, list[Space]]]:
    """Four spaces: of the cluster, of clients, and of two replicas."""
    why = unable()
    if why:
        assert os.environ.get("STARTGATE_REQUIRE_REAL") != "1", why
        pytest.skip(why)
    with spaces(4) as found:
        yield found


class Door(Relay):
    """Where the cluster is found in its space."""

    def __init__(self, cluster: Cluster, space: Space) -> None:
        super().__init__(cluster.port)
        self._space = space

    @property
    def url(self) -> str:
        """As a node's base address."""
        return f"http://{self._space.host}:{CLUSTER_PORT}"

    async def start(self) -> "Door":
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, sock=self._space.listener(CLUSTER_PORT))
        return self


@asynccontextmanager
async def listening(space: Space) -> AsyncIterator[None]:
    """Somebody who reads and says nothing."""
    listener = space.listener(CLUSTER_PORT)
    accepted: list[asyncio.StreamWriter] = []

    async def read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        with suppress(ConnectionError):
            await reader.read()

    server = await asyncio.start_server(read, sock=listener)
    try:
        yield
    finally:
        server.close()
        # Nobody tells this side of the end.
        for writer in accepted:
            writer.transport.abort()
        await asyncio.sleep(0.01)


@dataclass(slots=True)
class Parted(Site):
    """A site on a wire: the cluster's space, the clients', and those of the replicas in their order."""

    wire: Wire
    spaces: list[Space]

    def cut(self) -> None:
        """Nothing passes between the cluster and the first replica, and nobody is told."""
        self.wire.part(self.spaces[0], self.spaces[2])

    def lose(self, *, answers: bool) -> None:
        """All that the cluster sends to the first replica is lost, or all that it is sent from there."""
        there, back = self.spaces[2].number, self.spaces[0].number
        self.wire.lost.add((back, there) if answers else (there, back))


@asynccontextmanager
async def parted(folder: Path, wired: tuple[Wire, list[Space]]) -> AsyncIterator[Parted]:
    """Two replicas that serve, in spaces of their own; ended at the end, with nothing open and their journals whole."""
    wire, (node, clients, *others) = wired
    async with AsyncExitStack() as stack:
        stack.enter_context(wire.carrying())
        cluster = await stack.enter_async_context(serve_embedded())
        own = await stack.enter_async_context(aiohttp.ClientSession())
        connector = aiohttp.TCPConnector(force_close=True, socket_factory=lambda _: clients.socket())
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        door = await Door(cluster, node).start()
        stack.push_async_callback(door.close)
        found = Parted(cluster, own, [], [], wire, [node, clients, *others])
        await sources(found)
        # Before the replicas end: what is under way then has to come through.
        for number, space in enumerate(others):
            replica = Replica(
                folder=folder / f"replica-{number}",
                host=space.host,
                node=door.url,
                authorization=cluster.add_api_key(f"replica-{number}"),
                session=session,
                gate=GATE,
                edge=EDGE,
                prefix=space.prefix,
            )
            replica.configure()
            found.replicas.append(replica)
            stack.push_async_callback(ended, replica)
        stack.callback(wire.heal)
        await asyncio.gather(*(replica.begin() for replica in found.replicas))
        yield found
        for replica in found.replicas:
            await nothing_open(replica)
    for replica in found.replicas:
        check_journal(replica.journal)
        assert verify(replica.journal).whole


async def _started(found: Site, replica: Replica, job: str) -> Replied:
    await found.job(job)
    return await replica.start(job, found.cluster.superuser)


async def _granted(found: Site, replica: Replica, job: str) -> None:
    answer = await _started(found, replica, job)
    assert answer.status == 200, answer.body
    await followed(replica, answer)
    assert (await found.ok("GET", f"/out-{job}/_count"))["count"] == DOCUMENTS


async def _is_ready(replica: Replica, wanted: int) -> bool:
    return (await replica.told("/health/ready"))[0] == wanted


async def test_a_partition_in_silence_and_a_plug_that_is_pulled_while_a_replica_restarts(
    tmp_path: Path, wired: tuple[Wire, list[Space]]
) -> None:
    async with parted(tmp_path, wired) as two:
        cut, other = two.replicas
        two.cut()
        refused, passed, _ = await asyncio.gather(
            _started(two, cut, "one"),
            cut.call("GET", "/src/_count", two.cluster.superuser),
            _granted(two, other, "meanwhile"),
        )
        assert refused.status == 503, refused.body
        assert passed.status in (502, 503, 504), passed.body
        assert cut.recorded(refused).records[Phase.OUTCOME]["event"]["outcome"] == "failure"
        assert two.wire.dropped[two.spaces[2].number, two.spaces[0].number], "else nothing was lost"
        await until(partial(_is_ready, cut, 503))
        answer = await other.start("one", two.cluster.superuser)
        assert answer.status == 200, answer.body
        two.wire.heal()
        await until(partial(_is_ready, cut, 200))
        await _granted(two, cut, "healed")
        # Nobody reaches it, nor it anybody; it is stopped and started again meanwhile.
        two.wire.link(two.spaces[2], "down")
        await cut.end()
        beginning = asyncio.ensure_future(cut.begin("--wait-for-cluster", str(PATIENCE_S)))
        await _granted(two, other, "alone")
        assert not beginning.done()
        two.wire.link(two.spaces[2], "up")
        await beginning
        await _granted(two, cut, "back")


async def test_a_request_on_its_way_into_a_silence_is_given_up(wired: tuple[Wire, list[Space]]) -> None:
    """As between the edge and a node: without that, the system tries for a quarter of an hour."""
    wire, (node, clients, *_) = wired
    with wire.carrying():
        async with listening(node):
            sock = clients.socket()
            await asyncio.get_running_loop().sock_connect(sock, (node.host, CLUSTER_PORT))
            reader, writer = await asyncio.open_connection(sock=sock)
            watch_node(writer.transport, unheard_s=1)
            wire.part(node, clients)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(TimeoutError, match="timed out"):
                await asyncio.wait_for(reader.read(), PATIENCE_S)
            writer.close()


async def test_one_direction_is_lost_and_all_is_slow_and_some_is_lost(
    tmp_path: Path, wired: tuple[Wire, list[Space]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.embedded.app.Front", Held)
    async with parted(tmp_path, wired) as two:
        cut, other = two.replicas
        # What is asked comes through, and no answer: the job starts, and the replica cannot know.
        await two.job("unknown")
        point = Held.point = Point(f"POST {JOBS}/unknown/_start", done=True)
        starting = asyncio.ensure_future(cut.call("POST", f"{JOBS}/unknown/_start?timeout=1s", two.cluster.superuser))
        await asyncio.wait_for(point.reached.wait(), PATIENCE_S)
        two.lose(answers=True)
        point.go_on.set()
        unknown = await starting
        assert unknown.status in (503, 504), unknown.body
        assert await two.ended("unknown") == "stopped"
        assert cut.recorded(unknown).records[Phase.OUTCOME]["event"]["outcome"] == "unknown"
        assert (await other.start("unknown", two.cluster.superuser)).status == 400
        two.wire.heal()
        await followed(cut, unknown)
        # Nothing that is asked comes through: nobody has begun anything.
        two.lose(answers=False)
        refused = await _started(two, cut, "never")
        assert refused.status == 503, refused.body
        assert Phase.INTENT not in cut.recorded(refused).records
        two.wire.heal()
        await until(partial(_is_ready, cut, 200))
        # Slow, and one frame of twenty is lost: TCP sends again, and all is as ever.
        two.wire.delay_s, two.wire.one_in = 0.01, 20
        for number, replica in enumerate((cut, other, cut)):
            await _granted(two, replica, f"slow-{number}")
        assert sum(two.wire.dropped.values())
