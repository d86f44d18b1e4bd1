"""Options of sockets, read back from the system."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.edge.sockets import accepted, readable, reset_on_close, watch_node, watch_peer
from tests.edge.rig import Wire

_UNHEARD = (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


async def pair(act: Callable[[asyncio.BaseTransport], None]) -> Wire:
    """A connection whose other end had `act` done to it and was then closed."""
    acted = asyncio.Event()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        act(writer.transport)
        writer.transport.abort()
        acted.set()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await acted.wait()
    server.close()
    return Wire(reader, writer)


async def test_peers_are_probed() -> None:
    seen: dict[str, int] = {}

    def act(transport: asyncio.BaseTransport) -> None:
        watch_peer(transport)
        raw = transport.get_extra_info("socket")
        seen["on"] = raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        seen["idle"] = raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)

    wire = await pair(act)
    assert await wire.ended() == b""
    assert (seen["on"], seen["idle"]) == (1, 60)
    await wire.close()


@pytest.mark.parametrize(("watch", "unheard_ms"), [(watch_node, 120_000), (watch_peer, 0)])
async def test_only_nodes_are_given_up_that_acknowledge_nothing(
    watch: Callable[[asyncio.BaseTransport], None], unheard_ms: int
) -> None:
    seen: list[int] = []

    def act(transport: asyncio.BaseTransport) -> None:
        watch(transport)
        raw = transport.get_extra_info("socket")
        seen.extend(raw.getsockopt(*option) for option in ((socket.SOL_SOCKET, socket.SO_KEEPALIVE), _UNHEARD))

    wire = await pair(act)
    assert await wire.ended() == b""
    assert seen == [1, unheard_ms]
    await wire.close()


async def test_a_close_becomes_a_reset() -> None:
    wire = await pair(reset_on_close)
    assert await wire.ended() == b"reset"
    await wire.close()


async def test_unix_sockets_and_closing_transports_are_left_alone(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), tmp_path / "s.sock")
    _, writer = await asyncio.open_unix_connection(tmp_path / "s.sock")
    watch_node(writer.transport)
    writer.transport.close()
    reset_on_close(writer.transport)
    await asyncio.sleep(0.01)
    server.close()


@pytest.mark.parametrize("act", [watch_node, watch_peer, reset_on_close])
async def test_transports_without_a_socket_are_left_alone(act: Callable[[asyncio.BaseTransport], None]) -> None:
    act(asyncio.Transport())


async def test_what_can_be_read_stays_there() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        waiting = asyncio.ensure_future(readable(near))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        far.sendall(b"ab")
        await asyncio.wait_for(waiting, 5)
        assert near.recv(9) == b"ab"
        far.shutdown(socket.SHUT_WR)
        await asyncio.wait_for(readable(near), 5)


async def test_whoever_waits_no_longer_is_not_called() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        waiting = asyncio.ensure_future(readable(near))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
        assert not asyncio.get_running_loop().remove_reader(near)


def test_what_waits_to_be_accepted_is_taken_and_no_more_than_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as stack:
        listener.setblocking(False)
        assert accepted(listener) == []
        clients = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(5)]
        taken = [stack.enter_context(one) for one in accepted(listener, 3)]
        assert len(taken) == 3
        taken += [stack.enter_context(one) for one in accepted(listener)]
        assert [one.getpeername() for one in taken] == [one.getsockname() for one in clients]
        assert all(one.gettimeout() == 0 for one in taken)
        assert all(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in taken)
        assert accepted(listener) == []
    assert accepted(listener) == [], "a closed one has nothing"
