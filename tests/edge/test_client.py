"""A client's connection: pipelining, refusals, deadlines, and what becomes of bytes that nobody asked for."""

import asyncio
import contextlib
import json
import logging
import socket
from typing import cast

import pytest

from proxy.edge.client import ClientConnection
from proxy.edge.context import Context
from proxy.edge.exchange import Exchange
from proxy.edge.nodes import gate_address
from proxy.edge.notes import Notes
from proxy.edge.pool import Pool
from proxy.edge.refusals import Reason
from proxy.edge.sides import Target
from proxy.edge.sweep import NEVER, Sweep
from proxy.settings import EdgeLimits
from proxy.tasks import spawn
from tests.edge.rig import Rig, Wire, answer, echo, until

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def alone(limits: EdgeLimits) -> Context:
    """What a connection needs, without servers and with a clock that stands still."""
    sweep = Sweep(asyncio.get_running_loop())
    sweep.stop()
    target = Target(Pool([gate_address("/nowhere")], limits, sweep), "down", "slow", "broken")
    return Context(limits=limits, sweep=sweep, cluster=target, gate=target, notes=Notes("/nowhere", limits))


def numbered(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number


class TestPipelining:
    """Requests sent ahead are answered in order, one at a time."""

    async def test_answers_come_in_order(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(b"".join(numbered(number) for number in range(50)))
        for number in range(50):
            assert (await client.message()).body == numbered(number)
        assert len(upstream.wires) == 1

    async def test_the_next_request_waits_for_the_answer(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            await go.wait()
            await wire.send(answer(b"first"))
            await echo(wire)

        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        await client.send(numbered(1) + numbered(2)[:10])
        await asyncio.sleep(0.05)
        await client.send(numbered(2)[10:] + numbered(3))
        await asyncio.sleep(0.05)
        assert len(upstream.requests) == 1
        go.set()
        assert (await client.message()).body == b"first"
        assert (await client.message()).body == numbered(2)
        assert (await client.message()).body == numbered(3)

    async def test_bodies_and_heads_share_packets(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        chunked = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        fixed = b"POST /f HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        stream = chunked + fixed + GET + chunked + chunked + GET
        for size in (len(stream), 11, 50):
            for at in range(0, len(stream), size):
                await client.send(stream[at : at + size])
            starts = [(await client.message()).body.split(b" ")[1] for _ in range(6)]
            assert starts == [b"/c", b"/f", b"/a", b"/c", b"/c", b"/a"]

    async def test_what_is_held_is_bounded(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await asyncio.sleep(10)

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET)
        await client.send_for(GET * 1000, 0.5)
        # What went out by now fills the buffers in between; nothing more is taken.
        assert await client.send_for(GET * 1000, 0.3) == len(GET) * 1000

    async def test_much_held_is_answered_all_the_same(self, rig: Rig) -> None:
        edge, _ = await rig.simple(buffer_bytes=4096)
        client = await edge.connect()
        count = 2000
        client.writer.write(b"".join(numbered(number) for number in range(count)))
        for number in range(count):
            assert (await client.message()).body == numbered(number)

    async def test_a_client_that_does_not_read_is_not_served_ahead(self, rig: Rig) -> None:
        served = 0

        async def script(wire: Wire) -> None:
            nonlocal served
            while True:
                await wire.message()
                served += 1
                await wire.send(answer(b"x" * 200_000))

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        count = 200
        client.writer.write(GET * count)
        await asyncio.sleep(0.3)
        assert served < count
        for _ in range(count):
            assert len((await client.message()).body) == 200_000
        await client.send(GET)
        assert (await client.message()).status == 200

    async def test_requests_that_arrive_while_answers_wait_are_served_later(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await wire.send(answer(b"x" * 100_000))

        edge, upstream = await rig.simple(script)
        client = await edge.connect(limit=1024)
        count = 150
        for _ in range(count):
            await client.send(GET)
            await asyncio.sleep(0.002)
        assert len(upstream.requests) < count
        for _ in range(count):
            assert len((await client.message()).body) == 100_000
        assert len(upstream.requests) == count

    async def test_requests_behind_a_close_are_not_served(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + GET)
        assert (await client.message()).status == 200
        await client.ended()
        assert len(upstream.requests) == 1


class TestRefusals:
    """What the edge answers by itself."""

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"POST _ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 400),
            (b"POST //_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            (b"CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
            (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
            (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 1001 + b"\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: x\r\na: " + b"b" * 70_000 + b"\r\n\r\n", 431),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        ],
    )
    async def test_in_elasticsearchs_shape_then_closed(self, rig: Rig, data: bytes, status: int) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(data + GET)
        got = await client.message()
        assert (got.status, got.values(b"connection")) == (status, [b"close"])
        body = json.loads(got.body)
        assert (body["status"], body["error"]["type"]) == (status, "illegal_argument_exception")
        assert await client.ended() == b""
        assert upstream.wires == []

    async def test_head_gets_no_body_and_malformed_requests_after_head_do(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        await client.send(b"HEAD x HTTP/1.1\r\nHost: x\r\n\r\n")
        got = await client.ended()
        assert got.startswith(b"HTTP/1.1 400")
        assert got.endswith(b"\r\n\r\n")
        client = await edge.connect()
        await client.send(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        await client.message(bodiless=True)
        assert (await client.ended()).endswith(b'"status":400}')

    async def test_they_are_logged_with_peer_and_reason_and_nothing_else(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        edge, _ = await rig.simple()
        with caplog.at_level(logging.INFO, "proxy.edge.refusals"):
            await edge.ask(b"GET /secret HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\n\r\n")
        assert "127.0.0.1:" in caplog.text
        assert "exactly one Host" in caplog.text
        assert "ecret" not in caplog.text
        assert "c2Vjcm" not in caplog.text

    async def test_a_refused_upload_is_read_to_its_end(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST x HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
        async with asyncio.timeout(5):
            for _ in range(20):
                await client.send(b"x" * 1_000_000)
        assert (await client.message()).status == 400

    async def test_one_empty_line_before_a_request_is_forgiven(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        for size in (100, 1):
            data = b"\r\n" + GET
            for at in range(0, len(data), size):
                await client.send(data[at : at + size])
                await asyncio.sleep(0.001)
            assert (await client.message()).body == GET


class TestDeadlines:
    """Clients that do nothing are let go."""

    async def test_idle_connections_are_closed_silently(self, rig: Rig) -> None:
        edge, _ = await rig.simple(client_idle_s=0.1)
        fresh, used = await edge.connect(), await edge.connect()
        await used.send(GET)
        await used.message()
        assert await fresh.ended() == b""
        assert await used.ended() == b""

    @pytest.mark.parametrize(("begin", "drip"), [(b"G", b"G"), (b"GET / HTTP/1.1\r\n", b"a: b\r\n")])
    async def test_a_slow_head_is_answered_with_408(self, rig: Rig, begin: bytes, drip: bytes) -> None:
        # Longer than a tick of the sweep, or the deadline would pass however often it is put off.
        edge, _ = await rig.simple(client_head_s=0.4)
        client = await edge.connect()
        await client.send(begin)
        dripping = spawn(client.send_for(drip, 3.0, pause_s=0.02), name="dripping")
        async with asyncio.timeout(1.5):
            got = await client.message()
        dripping.cancel()
        assert (got.status, got.values(b"connection")) == (408, [b"close"])

    async def test_a_long_search_has_no_deadline(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await asyncio.sleep(1.0)
            await wire.send(answer(b"late"))

        edge, _ = await rig.simple(
            script,
            client_idle_s=0.1,
            client_head_s=0.1,
            client_stall_s=0.1,
            upstream_idle_s=0.1,
            upstream_connect_s=0.1,
        )
        assert (await edge.ask(GET)).body == b"late"

    async def test_a_long_answer_to_an_upload_has_no_deadline(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await asyncio.sleep(1.0)
            await wire.send(answer(b"late"))

        edge, _ = await rig.simple(script, client_stall_s=0.2)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        await asyncio.sleep(0.05)
        await client.send(b"cd")
        assert (await client.message()).body == b"late"

    async def test_a_stalled_upload_is_cut(self, rig: Rig) -> None:
        edge, upstream = await rig.simple(client_stall_s=0.2)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab")
        assert await client.ended() == b"reset"
        assert upstream.requests == []

    async def test_one_that_reads_no_answers_is_told_of(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await wire.send(answer(b"x" * 30_000))

        caplog.set_level(logging.INFO, "proxy.edge.refusals")
        edge, _ = await rig.simple(script, client_idle_s=0.3, client_stall_s=0.3, client_linger_s=0.3)
        with socket.create_connection(("127.0.0.1", edge.port)) as client:
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(2000):
                    client.send(GET)
            await until(lambda: "[stalled]: " in caplog.text)
        assert "slow_head" not in caplog.text

    async def test_one_that_does_not_read_the_end_of_its_last_answer(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "proxy.edge.refusals")
        context = alone(EdgeLimits())
        connection = ClientConnection(context)
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, ours)
        connection.transport.write(b"x" * 1_000_000)
        connection.finished(keep_alive=False, request_done=True)
        connection.expire()
        assert "refused unknown [stalled]: did not read the end of its answer" in caplog.text
        theirs.close()
        await asyncio.sleep(0.01)

    async def test_a_body_that_drips_is_refused(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        edge, upstream = await rig.simple(client_body_bytes_per_s=1000, client_body_window_s=0.5, client_linger_s=0.3)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        with caplog.at_level(logging.INFO, "proxy.edge.refusals"):
            for _ in range(3):
                await client.send(b"x")
                await asyncio.sleep(0.05)
            got = await client.message()
        assert (got.status, json.loads(got.body)["error"]["reason"]) == (408, "the request body did not arrive in time")
        assert "[slow_body]" in caplog.text
        assert upstream.requests == []

    async def test_a_body_that_waits_for_the_node_is_not_the_clients_fault(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.head()
            await asyncio.sleep(1.5)
            await wire.reader.readexactly(30_000_000)
            await wire.send(answer(b"all"))

        edge, _ = await rig.simple(script, client_body_bytes_per_s=1_000_000, client_body_window_s=0.3)
        client = await edge.connect()
        client.writer.write(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n" + b"x" * 30_000_000)
        assert (await client.message()).body == b"all"

    async def test_the_time_of_a_request_in_all(self, rig: Rig) -> None:
        async def never(wire: Wire) -> None:
            await wire.message()
            await wire.ended()

        edge, upstream = await rig.simple(never, client_request_s=0.3)
        client = await edge.connect()
        await client.send(GET)
        got = await client.message()
        assert (got.status, json.loads(got.body)["error"]["type"]) == (504, "receive_timeout_transport_exception")
        await until(lambda: upstream.wires[0].gone)

    async def test_an_answer_that_takes_longer_than_that_is_visibly_cut(self, rig: Rig) -> None:
        async def drips(wire: Wire) -> None:
            await wire.message()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
            await wire.send_for(b"x", 5.0, pause_s=0.1, at_most=900)

        edge, _ = await rig.simple(drips, client_request_s=0.5)
        client = await edge.connect()
        await client.send(GET)
        assert (await client.ended()).endswith(b"reset")

    async def test_starts_are_the_gates_to_time(self, rig: Rig) -> None:
        async def slow(wire: Wire) -> None:
            await wire.message()
            await asyncio.sleep(1.0)
            await wire.send(answer(b"judged"))

        await rig.gate(slow)
        edge, _ = await rig.simple(client_request_s=0.2)
        start = b"POST /_ml/data_frame/analytics/a/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
        assert (await edge.ask(start)).body == b"judged"

    async def test_a_stalled_download_is_cut(self, rig: Rig) -> None:
        told = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            try:
                await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
                while True:
                    await wire.send(b"x" * 100_000)
            finally:
                told.set()

        edge, _ = await rig.simple(script, client_stall_s=0.2)
        client = await edge.connect()
        await client.send(GET)
        async with asyncio.timeout(3):
            await told.wait()

    async def test_a_slow_upload_that_moves_is_not_cut(self, rig: Rig) -> None:
        edge, _ = await rig.simple(client_stall_s=0.5)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n")
        for _ in range(12):
            await asyncio.sleep(0.1)
            await client.send(b"x")
        assert (await client.message()).status == 200

    @pytest.mark.parametrize("lines", [b"\r\n", b"Connection: close\r\n\r\n"])
    async def test_a_client_that_never_reads_its_last_answer_is_let_go(self, rig: Rig, lines: bytes) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(answer(b"x" * 8_000_000))

        edge, _ = await rig.simple(script, client_idle_s=0.2, client_linger_s=0.2, client_stall_s=0.2)
        client = await edge.connect(limit=1)
        await client.send(GET[:-2] + lines)
        await asyncio.sleep(1.2)
        assert len(await client.ended()) < 8_000_000

    async def test_a_head_that_drips_in_is_bounded(self, rig: Rig) -> None:
        edge, _ = await rig.simple(request_head_bytes=1000)
        client = await edge.connect()
        await client.send(b"GET /")
        with contextlib.suppress(ConnectionError):
            await client.send_for(b"a" * 10, 1.0, at_most=2000)
        assert (await client.message()).status == 431


class StubExchange:
    """An exchange whose request is still coming; notes what it is told."""

    request_done = False

    def __init__(self) -> None:
        self.told: list[Reason] = []

    def request_data(self, data: bytes) -> None:
        """Part of a body."""

    def give_up(self, status: int, reason: str, why: Reason) -> None:
        """Too slow."""
        self.told.append(why)


class StubTransport:
    """Of a peer without an address."""

    def get_extra_info(self, name: str) -> None:
        """Nothing is known."""

    def pause_reading(self) -> None:
        """Accepted."""

    def resume_reading(self) -> None:
        """Accepted."""


async def test_the_rate_of_a_body_is_judged_window_by_window_while_it_is_the_clients_turn() -> None:
    """With a clock of its own: ten bytes a second over windows of two seconds."""
    context = alone(EdgeLimits(client_body_bytes_per_s=10, client_body_window_s=2.0))
    sweep = context.sweep
    client = ClientConnection(context)
    exchange = StubExchange()
    client.transport = cast(asyncio.Transport, StubTransport())
    client._exchange = cast(Exchange, exchange)
    sweep.now = 100.0
    client.data_received(b"x")
    assert client.deadline == 102.0
    client.data_received(b"x" * 19)
    sweep.now = 102.0
    client.expire()
    assert (exchange.told, client.deadline) == ([], 104.0), "twenty bytes: a new window"
    client.pause_reading()
    assert client.deadline == NEVER, "not its turn"
    sweep.now = 200.0
    client.resume_reading()
    assert client.deadline == 202.0
    client.data_received(b"x" * 19)
    sweep.now = 202.0
    client.expire()
    assert exchange.told == [Reason.SLOW_BODY], "nineteen bytes: one too few"
