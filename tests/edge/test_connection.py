"""How a client's connection ends: told why, and without losing what was said last."""

import asyncio
import logging
import socket

import pytest

from proxy.edge.client import ClientConnection
from proxy.edge.context import FIRST_REQUEST_S
from proxy.settings import EdgeLimits
from tests.edge.rig import Rig, Wire, alone, answer

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


class TestRefusals:
    """An answer of our own, after which nothing is read."""

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


async def connected(limits: EdgeLimits) -> tuple[ClientConnection, socket.socket]:
    """A connection on a socket of its own, and the other end."""
    connection = ClientConnection(alone(limits))
    ours, theirs = socket.socketpair()
    await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, ours)
    theirs.setblocking(False)
    return connection, theirs


class TestDraining:
    """What becomes of a connection when the worker is to stop."""

    async def test_one_that_was_never_used_has_a_moment_left(self) -> None:
        connection, theirs = await connected(EdgeLimits())
        connection.drain()
        assert connection.deadline == connection._context.sweep.now + FIRST_REQUEST_S
        assert not connection.transport.is_closing()
        connection.abort()
        theirs.close()

    async def test_one_that_waits_for_less_than_that_waits_no_longer(self) -> None:
        connection, theirs = await connected(EdgeLimits(client_idle_s=1.0))
        connection.drain()
        assert connection.deadline == connection._context.sweep.now + 1.0
        connection.abort()
        theirs.close()

    async def test_one_with_half_a_head_may_send_the_rest(self) -> None:
        connection, theirs = await connected(EdgeLimits())
        connection.data_received(GET[:10])
        connection.drain()
        assert not connection.transport.is_closing()
        connection.abort()
        theirs.close()

    async def test_one_that_is_forsaken_is_told_of_and_reset(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "proxy.edge.refusals")
        connection, theirs = await connected(EdgeLimits())
        connection.forsake()
        assert "[drain]: it was still there" in caplog.text
        await asyncio.sleep(0)
        assert connection.transport.is_closing()
        theirs.close()

    async def test_a_refused_one_lingers_for_its_time(self) -> None:
        connection, theirs = await connected(EdgeLimits(client_linger_s=7.0))
        connection.data_received(b"nonsense\r\n\r\n")
        assert connection.deadline == connection._context.sweep.now + 7.0
        connection.data_received(GET)
        await asyncio.sleep(0.01)
        said = theirs.recv(65536)
        assert (said.count(b"HTTP/1.1"), said[:12]) == (1, b"HTTP/1.1 400"), "what came behind it is not served"
        connection.abort()
        theirs.close()
