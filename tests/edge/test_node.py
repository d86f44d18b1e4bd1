"""One node: what it counts, whom it hands its connections to, and when it is ejected."""

import asyncio
import errno
import itertools
import logging
import select
import socket

import pytest

from proxy.edge.node import Node, own_trouble
from proxy.edge.nodes import Address, ProtocolFactory
from proxy.edge.sweep import NEVER, TICK_S, Sweep
from proxy.edge.upstream import UpstreamConnection
from tests.edge.rig import PATIENCE_S, Rig, Upstream, Wire, answer, echo, make_limits, until


class Bench:
    """A node on a scripted server; `released` notes what it lets go of, and says whether somebody takes it."""

    def __init__(self, upstream: Upstream | None, **limits: float) -> None:
        self.sweep = Sweep(asyncio.get_running_loop())
        self.released: list[UpstreamConnection | None] = []
        self.refused = 0
        self.unasked: list[str] = []
        self.wanted = False
        self.error: OSError | None = None
        self._port = upstream.port if upstream is not None else 0
        address = Address("http://node:1", self._open)
        self.node = Node(
            address,
            make_limits(**limits),
            self.sweep,
            released=self._note,
            refused=self._refuse,
            unasked=self.unasked.append,
        )

    def _note(self, connection: UpstreamConnection | None) -> bool:
        self.released.append(connection)
        return self.wanted

    def _refuse(self) -> None:
        self.refused += 1

    async def _open(self, factory: ProtocolFactory) -> object:
        if self.error is not None:
            raise self.error
        return await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", self._port)

    async def close(self) -> None:
        self.node.close()
        self.sweep.stop()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "own"),
    [
        (errno.EMFILE, True),
        (errno.ENFILE, True),
        (errno.EADDRNOTAVAIL, True),
        (errno.EAGAIN, True),
        (errno.ECONNREFUSED, False),
        (errno.EHOSTUNREACH, False),
        (errno.ETIMEDOUT, False),
    ],
)
async def test_our_own_trouble_is_not_the_nodes_fault(number: int, own: bool, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(None)
    bench.error = OSError(number, "no")
    with pytest.raises(OSError, match="no"):
        await bench.node.open()
    assert own_trouble(bench.error) is own
    assert bench.node.health.troubled is not own
    assert ("for want of" in caplog.text) is own
    assert (bench.node.busy, bench.released, bench.refused) == (0, [], 1)
    await bench.close()


async def test_a_connection_that_somebody_waits_for_is_handed_on(rig: Rig) -> None:
    bench = Bench(await rig.upstream(echo))
    connection = await bench.node.open()
    bench.wanted = True
    bench.node.give_back(connection)
    assert (bench.released, bench.node.idle) == ([connection], 0)
    bench.node.hand_on(connection)
    assert (connection.reused, bench.node.busy) == (True, 1)
    bench.wanted = False
    bench.node.give_back(connection)
    assert (bench.node.busy, bench.node.idle) == (0, 1)
    await bench.close()


async def test_whatever_ends_a_connection_makes_room(rig: Rig) -> None:
    bench = Bench(await rig.upstream(echo), upstream_connections=1)
    node = bench.node
    node.drop(await node.open())
    assert bench.released == [None]
    closing = await node.open()
    assert node.full
    closing.transport.close()
    node.give_back(closing)
    assert (bench.released, node.busy) == ([None, None], 0)
    await bench.close()


async def test_what_is_idle_counts_too_where_a_new_one_is_asked_for(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    bench = Bench(upstream, upstream_connections=2)
    kept, other = await bench.node.open(), await bench.node.open()
    bench.node.give_back(kept)
    fresh = await bench.node.open()
    assert (bench.node.busy, bench.node.idle, kept.transport.is_closing()) == (2, 0, True)
    for connection in (other, fresh):
        bench.node.drop(connection)
    await bench.close()


async def test_broken_answers_in_a_row_are_told_once(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(None, upstream_eject_failures=3)
    with caplog.at_level(logging.WARNING, "proxy.edge.node"):
        for _ in range(2):
            bench.node.blame()
        bench.node.worked()
        for _ in range(4):
            bench.node.blame()
    assert bench.node.health.ejected(bench.sweep.now)
    assert [record.getMessage() for record in caplog.records] == [
        "http://node:1 broke off 3 answers in a row: others are asked first"
    ]
    await bench.close()


async def test_a_retired_node_keeps_nothing(rig: Rig) -> None:
    bench = Bench(await rig.upstream(echo))
    idle, busy = await bench.node.open(), await bench.node.open()
    bench.node.give_back(idle)
    bench.node.retire()
    assert idle.transport.is_closing()
    assert not busy.transport.is_closing()
    bench.node.give_back(busy)
    assert busy.transport.is_closing()
    await bench.close()


class TestAge:
    """A connection serves no request once it is as old as it may be."""

    async def test_at_the_limit_and_not_before(self, rig: Rig) -> None:
        bench = Bench(await rig.upstream(echo), upstream_age_s=100, upstream_idle_s=1000)
        bench.sweep.stop()
        node, sweep = bench.node, bench.sweep
        connection = await node.open()
        assert connection.until == sweep.now + 100
        sweep.now = connection.until - 0.001
        node.give_back(connection)
        assert (node.idle, connection.deadline) == (1, connection.until), "idle, it goes when it is too old"
        assert node.take() is connection
        sweep.now = connection.until
        bench.wanted = True
        node.give_back(connection)
        assert connection.transport.is_closing(), "not even for somebody who waits"
        assert (bench.released[-1], node.idle, node.busy) == (None, 0, 0)
        await bench.close()

    async def test_those_that_were_opened_together_do_not_end_together(self, rig: Rig) -> None:
        bench = Bench(await rig.upstream(echo), upstream_age_s=100)
        bench.sweep.stop()
        opened = [await bench.node.open() for _ in range(8)]
        ends = sorted(one.until - bench.sweep.now for one in opened)
        assert ends[0] >= 90
        assert ends[-1] == 100
        assert all(after - before > 0.5 for before, after in itertools.pairwise(ends))
        for one in opened:
            bench.node.drop(one)
        await bench.close()

    async def test_0_is_no_limit(self, rig: Rig) -> None:
        bench = Bench(await rig.upstream(echo), upstream_age_s=0)
        connection = await bench.node.open()
        assert connection.until == NEVER
        bench.node.drop(connection)
        await bench.close()

    async def test_a_busy_edge_moves_on_and_no_client_sees_it(self, rig: Rig) -> None:
        edge, upstream = await rig.simple(echo, upstream_age_s=0.3)
        client = await edge.connect()

        async def answered() -> bool:
            await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            return (await client.message()).status == 200

        async with asyncio.timeout(PATIENCE_S):
            while len(upstream.wires) < 3:
                assert await answered()


@pytest.mark.parametrize("doubtful", [False, True])
async def test_what_waits_to_be_read_is_nobodys_answer(rig: Rig, doubtful: bool) -> None:
    """Bytes of a node that the event loop has not looked at yet: the connection is not used again."""

    async def script(wire: Wire) -> None:
        await wire.ended()

    upstream = await rig.upstream(script)
    bench = Bench(upstream)
    bench.sweep.stop()
    node = bench.node
    evil, good = await node.open(), await node.open()
    await until(lambda: len(upstream.wires) == 2)
    node.give_back(good)
    node.give_back(evil)
    evil.doubtful = doubtful
    if not doubtful:
        # It has rested for more than a tick.
        bench.sweep.now += TICK_S
    ports = {one.writer.get_extra_info("peername"): one for one in upstream.wires}
    server = ports[evil.transport.get_extra_info("sockname")].writer.get_extra_info("socket").dup()
    # Up to here everything has been awaited; from here on nothing is: the event loop reads nothing.
    server.send(answer(b"evil"))
    assert select.select([evil.transport.get_extra_info("socket").fileno()], [], [], PATIENCE_S)[0]
    assert node.take() is good
    assert (bench.unasked, evil.transport.is_closing()) == (["http://node:1"], True)
    server.close()
    node.drop(good)
    await bench.close()


async def test_what_ended_meanwhile_is_not_used_and_nobodys_fault(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    bench = Bench(upstream)
    bench.sweep.stop()
    connection = await bench.node.open()
    await until(lambda: upstream.wires)
    bench.node.give_back(connection)
    bench.sweep.now += TICK_S
    server = upstream.wires[0].writer.get_extra_info("socket").dup()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    assert select.select([connection.transport.get_extra_info("socket").fileno()], [], [], PATIENCE_S)[0]
    assert bench.node.take() is None
    assert (bench.unasked, connection.transport.is_closing()) == ([], True)
    await bench.close()


async def test_our_own_trouble_is_told_once_until_it_is_over(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(await rig.upstream(echo))
    for lines in (1, 2):
        bench.error = OSError(errno.EMFILE, "no")
        for _ in range(5):
            with pytest.raises(OSError, match="no"):
                await bench.node.open()
        assert caplog.text.count("for want of") == lines
        bench.error = None
        bench.node.drop(await bench.node.open())
    await bench.close()
