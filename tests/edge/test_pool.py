"""Nodes: who is next, what happens when one is down, and what the client is told when all are."""

import asyncio
import json
import logging
import select
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from proxy.edge.node import Node
from proxy.edge.nodes import Address, ProtocolFactory
from proxy.edge.pool import Pool
from proxy.edge.refusals import Reason
from proxy.edge.sweep import Sweep
from proxy.edge.upstream import UpstreamConnection
from proxy.settings import EdgeLimits
from tests.edge.rig import PATIENCE_S, Rig, Wire, answer, echo, until, unused_port

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


async def waits(wire: Wire) -> None:
    """Answers each request after a while."""
    while True:
        await wire.message()
        await asyncio.sleep(0.2)
        await wire.send(answer(b"{}"))


async def test_the_least_busy_node_is_next(rig: Rig) -> None:
    nodes = [await rig.upstream(waits) for _ in range(3)]
    edge = await rig.edge(*nodes)
    clients = [await edge.connect() for _ in range(9)]
    for client in clients:
        await client.send(GET)
        await asyncio.sleep(0.01)
    for client in clients:
        assert (await client.message()).status == 200
    assert [len(node.requests) for node in nodes] == [3, 3, 3]


async def test_a_node_that_is_stuck_gets_no_more_than_its_share(rig: Rig) -> None:
    async def stuck(wire: Wire) -> None:
        await wire.ended()

    edge = await rig.edge(await rig.upstream(stuck), await rig.upstream(echo))
    waiting = 0
    for _ in range(8):
        client = await edge.connect()
        await client.send(GET)
        waiting += await client.quiet(0.1)
    assert waiting == 1


async def test_a_node_that_is_down_is_asked_last_for_a_while(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    loop = asyncio.get_running_loop()
    sweep = Sweep(loop)
    tries = 0

    async def fail(factory: ProtocolFactory) -> object:
        nonlocal tries
        tries += 1
        raise OSError("down")

    async def succeed(factory: ProtocolFactory) -> object:
        return await loop.create_connection(factory, "127.0.0.1", upstream.port)

    class Waiting:
        origin = "192.0.2.1"

        def crowded_out(self, why: Reason) -> None:
            raise AssertionError(why)

        def __init__(self) -> None:
            self.got: asyncio.Future[UpstreamConnection] = loop.create_future()

        def connected(self, connection: UpstreamConnection) -> None:
            self.got.set_result(connection)

        def unreachable(self, *, timed_out: bool) -> None:
            raise AssertionError(timed_out)

    pool = Pool([Address("bad", fail), Address("good", succeed)], EdgeLimits(), sweep)
    for _ in range(10):
        waiting = Waiting()
        connection = pool.take(waiting) or await waiting.got
        connection.owner.give_back(connection)
    assert tries == 1
    pool.close()
    sweep.stop()


async def test_nodes_take_turns_when_none_is_busy(rig: Rig) -> None:
    nodes = [await rig.upstream(echo) for _ in range(2)]
    edge = await rig.edge(*nodes)
    for _ in range(10):
        await edge.ask(GET)
    assert [len(node.requests) for node in nodes] == [5, 5]
    assert [len(node.wires) for node in nodes] == [1, 1]


async def test_nodes_take_turns_where_nothing_is_idle(rig: Rig) -> None:
    async def closes(wire: Wire) -> None:
        await wire.message()
        await wire.send(answer(b"{}", "200 OK", "Connection: close"))
        await wire.close()

    nodes = [await rig.upstream(closes) for _ in range(2)]
    client = await (await rig.edge(*nodes)).connect()
    for _ in range(12):
        # Known again from the third on: the pool is then asked first for what is idle, and then for a new one.
        await client.send(GET)
        assert (await client.message()).status == 200
    assert [len(node.wires) for node in nodes] == [6, 6]


async def test_a_node_that_is_down_costs_no_request(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    up = await rig.upstream(echo)
    (port,) = unused_port()
    edge = await rig.edge(up, f"http://127.0.0.1:{port}")
    for _ in range(6):
        assert (await edge.ask(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")).status == 200
    told = [record for record in caplog.records if "cannot connect to" in record.message]
    assert len(told) == 1
    assert f"127.0.0.1:{port}" in told[0].message


async def test_a_node_that_comes_back_is_used_again(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    (port,) = unused_port()
    edge = await rig.edge(f"http://127.0.0.1:{port}")
    assert (await edge.ask(GET)).status == 503
    assert (await edge.ask(GET)).status == 503
    server = await asyncio.start_server(lambda reader, writer: echo(Wire(reader, writer)), "127.0.0.1", port)
    with caplog.at_level(logging.INFO, "proxy.edge.node"):
        assert (await edge.ask(GET)).status == 200
    assert "answers again" in caplog.text
    server.close()


async def test_no_node_is_503(rig: Rig) -> None:
    edge = await rig.edge(*[f"http://127.0.0.1:{port}" for port in unused_port(2)])
    got = await edge.ask(GET)
    assert got.status == 503
    assert json.loads(got.body)["error"]["reason"] == "no node of the cluster can be reached"
    assert "Connection: close" not in got.head.decode()


async def test_a_node_without_an_answer_to_connects_is_a_timeout() -> None:
    sweep = Sweep(asyncio.get_running_loop())

    async def never(factory: ProtocolFactory) -> object:
        await asyncio.sleep(60)
        return factory

    outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    class Waiting:
        origin = "192.0.2.1"

        def crowded_out(self, why: Reason) -> None:
            raise AssertionError(why)

        def connected(self, connection: UpstreamConnection) -> None:
            raise AssertionError

        def unreachable(self, *, timed_out: bool) -> None:
            outcome.set_result(timed_out)

    pool = Pool([Address("far", never)], EdgeLimits(upstream_connect_s=0.05), sweep)
    pool.connect(Waiting())
    assert await outcome is True
    sweep.stop()


async def test_504_reaches_the_client(rig: Rig) -> None:
    # A listener that accepts nothing, with its queue full: a further connect gets no answer at all.
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = listener.getsockname()[1]
    held = [socket.socket() for _ in range(4)]
    for one in held:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    edge = await rig.edge(f"http://127.0.0.1:{port}", limits=EdgeLimits(upstream_connect_s=0.1, drain_s=1))
    got = await edge.ask(GET)
    assert got.status == 504
    assert json.loads(got.body)["error"]["reason"] == "no node of the cluster could be connected to in time"
    for one in (*held, listener):
        one.close()


async def test_an_upload_waits_for_the_connection(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    (dead,) = unused_port()
    edge = await rig.edge(f"http://127.0.0.1:{dead}", upstream)
    client = await edge.connect()
    total = 3_000_000
    client.writer.write(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % total + b"x" * total)
    assert len((await client.message()).body) > total


async def test_idle_connections_are_bounded_and_closed(rig: Rig) -> None:
    edge, upstream = await rig.simple(waits, upstream_idle_connections=2, upstream_idle_s=0.3)
    clients = [await edge.connect() for _ in range(5)]
    for client in clients:
        await client.send(GET)
    for client in clients:
        await client.message()
    await asyncio.sleep(0.05)
    assert sum(not wire.gone for wire in upstream.wires) == 2
    await asyncio.sleep(0.8)
    assert all(wire.gone for wire in upstream.wires)
    assert (await edge.ask(GET)).status == 200


async def test_an_idle_connection_that_the_server_closes_is_forgotten(rig: Rig) -> None:
    async def once(wire: Wire) -> None:
        await wire.message()
        await wire.send(answer(b"{}"))

    edge, upstream = await rig.simple(once)
    for _ in range(3):
        assert (await edge.ask(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")).status == 200
        await asyncio.sleep(0.05)
    assert len(upstream.wires) == 3


async def test_busy_counts_return_to_zero(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    sweep = Sweep(asyncio.get_running_loop())

    async def open_it(factory: ProtocolFactory) -> object:
        return await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", upstream.port)

    async def fail(factory: ProtocolFactory) -> object:
        raise ssl.SSLError(1, "no")

    node = Node(Address("here", open_it), EdgeLimits(), sweep)
    given, dropped = await node.open(), await node.open()
    assert node.busy == 2
    node.give_back(given)
    node.drop(dropped)
    assert node.busy == 0
    assert node.take() is given
    assert (given.reused, node.busy) == (True, 1)
    node.give_back(given)
    given.transport.close()
    assert node.take() is None
    given = await node.open()
    given.transport.close()
    node.give_back(given)
    assert node.busy == 0
    assert node.take() is None
    broken = Node(Address("there", fail), EdgeLimits(), sweep)
    with pytest.raises(OSError, match="no"):
        await broken.open()
    assert broken.busy == 0
    assert broken.health.down_until > sweep.now
    sweep.stop()
    await asyncio.sleep(0.01)


class TestCaps:
    """A node gets only so many connections; others wait, in turns and within bounds."""

    async def test_no_more_connections_than_the_cap(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            while True:
                request = await wire.message()
                await go.wait()
                await wire.send(answer(request.start))

        edge, upstream = await rig.simple(script, upstream_connections=2)
        clients = [await edge.connect() for _ in range(6)]
        for number, client in enumerate(clients):
            await client.send(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number)
        await until(lambda: len(upstream.requests) == 2)
        assert await clients[-1].quiet(0.2)
        assert len(upstream.wires) == 2
        go.set()
        for number, client in enumerate(clients):
            assert (await client.message()).body == b"GET /%d HTTP/1.1" % number
        assert len(upstream.wires) == 2

    async def test_one_beyond_the_queue_is_429(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await go.wait()
                await wire.send(answer(b"{}"))

        edge, upstream = await rig.simple(script, upstream_connections=1, upstream_waiting=1)
        busy, waits, beyond = [await edge.connect() for _ in range(3)]
        await busy.send(GET)
        await until(lambda: len(upstream.requests) == 1)
        await waits.send(GET)
        assert await waits.quiet(0.1)
        await beyond.send(GET)
        got = await beyond.message()
        assert (got.status, got.values(b"retry-after")) == (429, [b"1"])
        assert json.loads(got.body)["error"]["type"] == "es_rejected_execution_exception"
        go.set()
        assert (await busy.message()).status == 200
        assert (await waits.message()).status == 200
        await beyond.send(GET)
        assert (await beyond.message()).status == 200

    async def test_waiting_too_long_is_503(self, rig: Rig) -> None:
        async def stuck(wire: Wire) -> None:
            await wire.ended()

        edge, upstream = await rig.simple(stuck, upstream_connections=1, upstream_wait_s=0.3)
        busy, waits = await edge.connect(), await edge.connect()
        await busy.send(GET)
        await until(lambda: len(upstream.wires) == 1)
        await waits.send(GET)
        got = await waits.message()
        assert (got.status, got.values(b"retry-after")) == (503, [b"1"])
        assert "became free in time" in json.loads(got.body)["error"]["reason"]

    async def test_who_left_the_queue_takes_nobodys_place(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await go.wait()
                await wire.send(answer(b"{}"))

        edge, upstream = await rig.simple(script, upstream_connections=1, upstream_waiting=1)
        busy, leaves, next_one = [await edge.connect() for _ in range(3)]
        await busy.send(GET)
        await until(lambda: len(upstream.requests) == 1)
        await leaves.send(GET)
        assert await leaves.quiet(0.1)
        await leaves.reset()
        await asyncio.sleep(0.1)
        await next_one.send(GET)
        assert await next_one.quiet(0.1)
        go.set()
        assert [(await client.message()).status for client in (busy, next_one)] == [200, 200]
        assert len(upstream.requests) == 2

    async def test_a_connection_that_dies_makes_room_for_who_waits(self, rig: Rig) -> None:
        die = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            if wire.number == 0:
                await die.wait()
                await wire.reset()
            else:
                await wire.send(answer(b"second"))

        edge, upstream = await rig.simple(script, upstream_connections=1)
        first, second = await edge.connect(), await edge.connect()
        await first.send(GET)
        await until(lambda: len(upstream.wires) == 1)
        await second.send(GET)
        assert await second.quiet(0.1)
        die.set()
        assert (await first.message()).status == 502
        assert (await second.message()).body == b"second"

    async def test_a_full_node_leaves_the_rest_to_another(self, rig: Rig) -> None:
        async def stuck(wire: Wire) -> None:
            await wire.ended()

        limits = EdgeLimits(upstream_connections=1, drain_s=1.0)
        edge = await rig.edge(await rig.upstream(stuck), await rig.upstream(echo), limits=limits)
        waiting = 0
        for _ in range(6):
            client = await edge.connect()
            await client.send(GET)
            waiting += await client.quiet(0.1)
        assert waiting == 1

    async def test_the_gate_has_a_cap_of_its_own(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def judge(wire: Wire) -> None:
            while True:
                await wire.message()
                await go.wait()
                await wire.send(answer(b"{}"))

        gate = await rig.gate(judge)
        edge, _ = await rig.simple(echo, gate_connections=2, gate_waiting=3)
        start = b"POST /_ml/data_frame/analytics/a/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        clients = [await edge.connect() for _ in range(5)]
        for client in clients:
            await client.send(start)
        await until(lambda: len(gate.requests) == 2)
        assert await clients[-1].quiet(0.1)
        beyond = await edge.ask(start)
        assert (beyond.status, beyond.values(b"retry-after")) == (429, [b"1"])
        assert "the gate" in json.loads(beyond.body)["error"]["reason"]
        assert beyond.values(b"x-startgate-receipt") == [], "it is in no journal"
        assert (await edge.ask(GET)).status == 200, "traffic flows"
        go.set()
        assert [(await client.message()).status for client in clients] == [200] * 5
        assert len(gate.wires) == 2


async def test_a_node_that_breaks_off_its_answers_is_asked_last(rig: Rig) -> None:
    async def breaks(wire: Wire) -> None:
        await wire.message()
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-le")

    limits = EdgeLimits(upstream_eject_failures=3, upstream_eject_s=30.0, drain_s=1.0)
    edge = await rig.edge(await rig.upstream(breaks), await rig.upstream(echo), limits=limits)
    statuses = [(await edge.ask(GET)).status for _ in range(12)]
    assert (statuses.count(502), statuses.count(200)) == (3, 9)
    assert statuses[-6:] == [200] * 6


async def test_nodes_that_go_and_come(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    loop = asyncio.get_running_loop()
    sweep = Sweep(loop)

    async def open_it(factory: ProtocolFactory) -> object:
        return await loop.create_connection(factory, "127.0.0.1", upstream.port)

    pool = Pool([Address("old", open_it)], EdgeLimits(), sweep)
    (old,) = pool.nodes
    old.give_back(await old.open())
    pool.replace([old], [Address("new", open_it), Address("newer", open_it)])
    assert [node.address.name for node in pool.nodes] == ["new", "newer"]
    assert (old.retired, pool.waiting) == (True, 0)
    pool.close()
    sweep.stop()
    await asyncio.sleep(0.01)


async def test_whoever_waits_is_not_handed_what_waits_to_be_read(rig: Rig) -> None:
    """A node has sent more than its answer, and the event loop has not looked at it yet."""
    upstream = await rig.upstream(waits)
    sweep = Sweep(asyncio.get_running_loop())

    async def serve(factory: ProtocolFactory) -> object:
        return await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", upstream.port)

    unasked: list[str] = []
    pool = Pool([Address("node", serve)], EdgeLimits(upstream_connections=1), sweep, unasked=unasked.append)
    evil = await pool.nodes[0].open()
    await until(lambda: upstream.wires)
    waiting = Hopeful()
    pool.connect(waiting)
    await until(lambda: pool.waiting)
    server = upstream.wires[0].writer.get_extra_info("socket").dup()
    # From here on nothing is awaited: the event loop reads nothing.
    server.send(answer(b"evil"))
    assert select.select([evil.transport.get_extra_info("socket").fileno()], [], [], PATIENCE_S)[0]
    evil.owner.give_back(evil)
    assert (unasked, evil.transport.is_closing(), waiting.got.done()) == (["node"], True, False)
    server.close()
    got = await asyncio.wait_for(waiting.got, PATIENCE_S)
    assert got is not evil
    got.owner.drop(got)
    assert (pool.waiting, pool.nodes[0].busy, pool.nodes[0].idle) == (0, 0, 0)
    pool.close()
    sweep.stop()


class Hopeful:
    """Waits for a connection, and notes what comes of it."""

    origin = "192.0.2.1"

    def __init__(self) -> None:
        self.got: asyncio.Future[UpstreamConnection] = asyncio.get_running_loop().create_future()

    def connected(self, connection: UpstreamConnection) -> None:
        self.got.set_result(connection)

    def unreachable(self, *, timed_out: bool) -> None:
        self.got.set_exception(AssertionError(timed_out))

    def crowded_out(self, why: Reason) -> None:
        self.got.set_exception(AssertionError(why))


class TestWaiting:
    """Two nodes with a connection each: one serves, the other fails as soon as `fails` is set."""

    @pytest.fixture
    async def pool(self, rig: Rig) -> AsyncIterator[Pool]:
        upstream = await rig.upstream(echo)
        loop = asyncio.get_running_loop()
        self.sweep = Sweep(loop)
        self.fails = asyncio.Event()
        self.tries = 0

        async def serve(factory: ProtocolFactory) -> object:
            return await loop.create_connection(factory, "127.0.0.1", upstream.port)

        async def fail(factory: ProtocolFactory) -> object:
            self.tries += 1
            await self.fails.wait()
            raise OSError("down")

        self.good = Address("good", serve)
        pool = Pool([self.good, Address("bad", fail)], EdgeLimits(upstream_connections=1), self.sweep)
        yield pool
        self.fails.set()
        pool.close()
        self.sweep.stop()
        await asyncio.sleep(0.01)

    async def test_who_waits_for_one_is_not_sent_to_another_that_is_down(self, pool: Pool) -> None:
        self.fails.set()
        busy = await pool.nodes[0].open()
        waiting = [Hopeful() for _ in range(3)]
        for one in waiting:
            pool.connect(one)
        for _ in range(200):
            await asyncio.sleep(0)
        assert pool.waiting == 3
        assert self.tries <= 3
        for one in waiting:
            busy.owner.give_back(busy)
            busy = await asyncio.wait_for(one.got, PATIENCE_S)
        busy.owner.give_back(busy)
        assert [node.busy for node in pool.nodes] == [0, 0]

    async def test_room_that_came_while_another_was_tried_is_taken(self, pool: Pool) -> None:
        good, bad = pool.nodes
        busy = await good.open()
        bad.health.refused(self.sweep.now)
        late = Hopeful()
        pool.connect(late)
        await until(lambda: self.tries)
        busy.owner.give_back(busy)
        self.fails.set()
        (await asyncio.wait_for(late.got, PATIENCE_S)).owner.drop(late.got.result())
        assert (pool.waiting, [node.busy for node in pool.nodes]) == (0, [0, 0])

    async def test_whoever_waits_goes_to_a_node_that_is_new(self, pool: Pool) -> None:
        self.fails.set()
        old = pool.nodes
        busy = await old[0].open()
        first, second = Hopeful(), Hopeful()
        pool.connect(first)
        await until(lambda: pool.waiting == 1)
        pool.replace(old, [self.good])
        got = await asyncio.wait_for(first.got, PATIENCE_S)
        pool.connect(second)
        await until(lambda: pool.waiting == 1)
        got.owner.give_back(got)
        got = await asyncio.wait_for(second.got, PATIENCE_S)
        got.owner.give_back(got)
        busy.owner.give_back(busy)
        assert busy.transport.is_closing()
