"""Whether nodes can be connected to: real sockets, one that is closed, one that speaks no TLS."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from proxy.admin import reach as module
from proxy.admin.reach import NODES_TOLD, Reach
from proxy.settings import ClusterTls


@pytest.fixture
async def node() -> AsyncIterator[str]:
    """A node that accepts and says nothing."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def closed() -> str:
    """An address on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


async def test_one_node_is_enough(node: str) -> None:
    gone = closed()
    check = await Reach((f"http://{gone}", f"http://{node}"), ClusterTls()).look()
    assert check.ok
    assert check.name == "cluster"
    assert check.reason.startswith(f"1 of 2 nodes can be connected to; http://{gone}: ")


async def test_none_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    many = tuple(f"http://{closed()}" for _ in range(NODES_TOLD + 2))
    check = await Reach(many, ClusterTls()).look()
    assert not check.ok
    assert check.reason.startswith(f"0 of {len(many)} nodes can be connected to")
    assert check.reason.endswith("; and 2 more")


async def test_a_handshake_that_does_not_end_is_not_waited_for(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_S", 0.1)
    check = await Reach((f"https://{node}",), ClusterTls(verify="unsafe_none")).look()
    assert not check.ok
    assert "no connection within 0.1 s" in check.reason


async def test_authorities_that_cannot_be_read_are_told(node: str) -> None:
    check = await Reach((f"https://{node}",), ClusterTls(ca="/nowhere/ca.pem")).look()
    assert not check.ok
    assert "/nowhere/ca.pem" in check.reason


async def test_what_was_seen_is_remembered_for_a_while(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reach = Reach((f"http://{node}",), ClusterTls())
    monkeypatch.setattr(module, "FRESH_S", 3600.0)
    first = await reach.look()
    assert await reach.look() is first
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    assert await reach.look() is not first
