"""A client's connection and time, most of it on real sockets: those that do nothing are let go, all others are not."""

import asyncio
import contextlib
import json
import logging
import socket
from typing import cast

import pytest

from proxy.edge.client import ClientConnection
from proxy.edge.exchange import Exchange
from proxy.edge.refusals import Reason
from proxy.edge.sweep import NEVER
from proxy.settings import EdgeLimits
from proxy.tasks import spawn
from tests.edge.rig import Rig, Wire, alone, answer, until

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


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
