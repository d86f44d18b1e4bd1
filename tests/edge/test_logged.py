"""Requests through a real worker with an access log: what is told of each, and that nothing else changes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.edge.access import Access, Request
from proxy.edge.client import ClientConnection
from proxy.edge.logged import CountingTransport, LoggedConnection, kind_of_connection
from proxy.logs.settings import AccessLog
from tests.edge.rig import Edge, Rig, Script, Wire, answer, echo, make_limits, sends
from tests.edge.test_meter import context_of

GET = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Opaque-Id: me\r\n\r\n"


class Kept:
    """A queue that keeps."""

    def __init__(self) -> None:
        self.told: list[Request] = []

    def put(self, item: Request) -> None:
        """Keep it."""
        self.told.append(item)


class Place:
    """Starts workers with an access log."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.kept = Kept()
        lines: Any = self.kept
        self.access = Access(AccessLog(), lines)

    async def edge(self, script: Script = echo, **limits: float) -> Edge:
        """A worker in front of one node."""
        upstream = await self.rig.upstream(script)
        return await self.rig.edge(upstream, limits=make_limits(**limits), access=self.access)

    async def asked(self) -> None:
        """Returns once the node has a request."""
        async with asyncio.timeout(10):
            while not self.rig._upstreams[0].requests:  # noqa: ASYNC110 -- as below
                await asyncio.sleep(0.01)

    async def told(self, count: int = 1) -> list[Request]:
        """So many requests that were told, and no more."""
        async with asyncio.timeout(10):
            while len(self.kept.told) < count:  # noqa: ASYNC110 -- what is waited for happens in the worker
                await asyncio.sleep(0.01)
        assert len(self.kept.told) == count
        return self.kept.told


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A rig whose workers tell."""
    rig = Rig(tmp_path)
    yield Place(rig)
    await rig.close()


async def test_a_request_is_told_when_its_answer_is_out(place: Place) -> None:
    edge = await place.edge(sends(answer(b"12345")))
    client = await edge.connect()
    await client.send(GET)
    message = await client.message()
    (one,) = await place.told()
    assert (one.method, one.target, one.query, one.status) == ("GET", "/a", "", 200)
    assert one.bytes == len(message.head) + len(message.body)
    assert one.opaque_id == "me"
    assert one.peer == "{}:{}".format(*client.writer.get_extra_info("sockname"))
    assert one.node == f"http://127.0.0.1:{place.rig._upstreams[0].port}"
    assert one.node_s is not None
    assert 0 <= one.node_s <= one.total_s
    assert (one.why, one.receipt) == ("", "")


async def test_every_request_of_a_connection_is_told_once(place: Place) -> None:
    edge = await place.edge()
    client = await edge.connect()
    await client.send(GET + b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + GET)
    for _ in range(3):
        await client.message()
    assert [one.target for one in await place.told(3)] == ["/a", "/b", "/a"]
    await client.close()
    await edge.shut()
    await place.told(3)


async def test_bodies_in_pieces_are_counted(place: Place) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3\r\nabc\r\n", b"0\r\n\r\n"
    edge = await place.edge(sends(*chunked, pause_s=0.01))
    client = await edge.connect()
    await client.send(GET)
    await client.message()
    (one,) = await place.told()
    assert one.bytes > len(b"".join(chunked)) - 20
    assert one.status == 200


async def test_an_interim_answer_is_not_the_answer(place: Place) -> None:
    edge = await place.edge(sends(b"HTTP/1.1 103 Early Hints\r\n\r\n", answer(b"{}", "201 Created")))
    client = await edge.connect()
    await client.send(GET)
    await client.head()
    await client.message()
    (one,) = await place.told()
    assert one.status == 201


async def hangs_up(wire: Wire) -> None:
    """Reads a request and closes."""
    await wire.message()
    await wire.close()


async def cuts(wire: Wire) -> None:
    """Begins an answer and resets."""
    await wire.message()
    await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    await asyncio.sleep(0.05)
    await wire.reset()


@pytest.mark.parametrize(
    ("script", "request_", "status", "why"),
    [
        (hangs_up, GET, 502, "broken"),
        (cuts, GET, 200, "broken"),
        (echo, b"GET / HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n", 400, "malformed"),
        (echo, b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n", 400, "malformed"),
    ],
)
async def test_failures_are_told_with_their_reason(
    place: Place, script: Script, request_: bytes, status: int, why: str
) -> None:
    edge = await place.edge(script)
    client = await edge.connect()
    await client.send(request_)
    (one,) = await place.told()
    assert (one.status, one.why, one.told_for) == (status, why, "error")
    if script is not echo:
        assert one.node.startswith("http://127.0.0.1:"), "whoever broke it is named"


async def test_a_node_that_is_down_is_told(place: Place) -> None:
    edge = await place.rig.edge("http://127.0.0.1:1", access=place.access)
    message = await edge.ask(GET)
    (one,) = await place.told()
    assert (message.status, one.status, one.why, one.node, one.node_s) == (503, 503, "unreachable", "", None)


async def test_a_client_that_goes_is_told(place: Place) -> None:
    edge = await place.edge(sends(then="wait"))
    client = await edge.connect()
    await client.send(GET)
    await place.asked()
    await client.reset()
    (one,) = await place.told()
    assert (one.status, one.bytes, one.why) == (0, 0, "client_gone")


async def test_starts_are_told_with_their_receipt(place: Place) -> None:
    gate = await place.rig.gate(sends(answer()))
    edge = await place.edge()
    await edge.ask(b"POST /_ml/data_frame/analytics/j/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    (one,) = await place.told()
    (request,) = gate.requests
    assert [one.receipt.encode()] == request.values(b"x-startgate-receipt")
    assert (one.node, one.target) == ("gate", "/_ml/data_frame/analytics/j/_start")


async def test_one_request_too_many_is_told(place: Place) -> None:
    edge = await place.edge(sends(then="wait"), requests_in_flight=1, requests_in_flight_per_address=1)
    first, second = await edge.connect(), await edge.connect()
    await first.send(GET)
    await place.asked()
    await second.send(GET)
    status = (await second.message()).status
    (one,) = await place.told()
    assert one.status == status
    assert one.why in {"requests", "requests_of_address"}
    assert one.target == "/a"


async def test_a_connection_too_many_is_told_once_it_asks(place: Place) -> None:
    edge = await place.edge(client_connections=1, client_connections_per_address=1)
    first = await edge.connect()
    await first.send(GET)
    await first.message()
    second = await edge.connect()
    await second.send(GET)
    await second.message()
    _, one = await place.told(2)
    assert one.why in {"connections", "connections_of_address"}
    assert one.status in {429, 503}


async def test_the_kind_is_chosen_once() -> None:
    context = context_of([])
    assert kind_of_connection(context) is ClientConnection
    lines: Any = Kept()
    context.access = Access(AccessLog(), lines)
    assert kind_of_connection(context) is LoggedConnection


class Inner(asyncio.Transport):
    """A transport that says which method was called."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[object, ...]]] = []

    def __getattribute__(self, name: str) -> Any:
        if name in {"calls", "__class__", "__dict__"}:
            return super().__getattribute__(name)

        def call(*arguments: object) -> str:
            self.calls.append((name, arguments))
            return name

        return call


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("write_eof", ()),
        ("can_write_eof", ()),
        ("abort", ()),
        ("close", ()),
        ("is_closing", ()),
        ("is_reading", ()),
        ("pause_reading", ()),
        ("resume_reading", ()),
        ("set_write_buffer_limits", (7, 3)),
        ("get_write_buffer_size", ()),
        ("get_extra_info", ("socket", None)),
    ],
)
def test_the_transport_passes_on_what_it_does_not_count(name: str, arguments: tuple[object, ...]) -> None:
    inner, told = Inner(), LoggedConnection.__new__(LoggedConnection)
    getattr(CountingTransport(inner, told), name)(*arguments)
    assert inner.calls == [(name, arguments)]


def test_the_transport_counts_what_is_written() -> None:
    class Told:
        seen = b""

        def wrote(self, data: bytes) -> None:
            self.seen += data

    told: Any = Told()
    inner = Inner()
    transport = CountingTransport(inner, told)
    transport.write(b"ab")
    transport.writelines([b"c", bytearray(b"d")])
    assert told.seen == b"abcd"
    assert [name for name, _ in inner.calls] == ["write", "write"]
