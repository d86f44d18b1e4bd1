"""Requests through a real worker with an access log: what is told of each, and that nothing else changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.edge.access import Access, Request
from proxy.edge.client import ClientConnection
from proxy.edge.lane import Lane
from proxy.edge.logged import CountingTransport, LoggedConnection, kind_of_connection
from proxy.edge.upstream import UpstreamConnection
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

    def __init__(self, rig: Rig, settings: AccessLog | None = None) -> None:
        self.rig = rig
        self.kept = Kept()
        lines: Any = self.kept
        self.access = Access(settings or AccessLog(), lines)

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


@pytest.fixture
def lanes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The requests that took the lane."""
    took: list[bytes] = []
    send = Lane.send

    def sent(self: Lane, upstream: UpstreamConnection, message: bytes, framing: int) -> None:
        took.append(message)
        send(self, upstream, message, framing)

    monkeypatch.setattr(Lane, "send", sent)
    return took


def by_path(*, good: bytes, last: Script) -> Script:
    """Answers `good` until somebody asks for `/last`: what then happens is another script's."""

    async def script(wire: Wire) -> None:
        while True:
            message = await wire.message()
            if b"/last" in message.head.split(b"\r\n")[0]:
                await last(wire)
                return
            await wire.send(good)

    return script


def whole(data: bytes) -> Script:
    """Answers with this."""

    async def script(wire: Wire) -> None:
        await wire.send(data)
        await wire.message()

    return script


def pieces(*data: bytes) -> Script:
    """Answers with these, one by one."""

    async def script(wire: Wire) -> None:
        for piece in data:
            await wire.send(piece)
            await asyncio.sleep(0.02)
        await wire.message()

    return script


def again(data: bytes, pause_s: float = 0.0) -> Script:
    """Answers each request with this."""

    async def script(wire: Wire) -> None:
        while True:
            await wire.message()
            await asyncio.sleep(pause_s)
            await wire.send(data)

    return script


async def never(wire: Wire) -> None:
    """Does not answer."""
    await wire.message()


async def ends(wire: Wire) -> None:
    """Closes."""
    await wire.close()


def timeless(one: Request) -> Request:
    """Without times and ports, which differ from one worker to another."""
    return replace(one, ended_s=0.0, total_s=0.0, node_s=None, peer="", node="")


FAILED = answer(b"{}", "503 Service Unavailable")
LAST = GET.replace(b"/a?b=c", b"/last?b")


async def of_the_last(folder: Path, settings: AccessLog, script: Script, *, hangs_up: bool = False) -> Request:
    """What is told of a request that is known again, and that the node answers so."""
    rig = Rig(folder)
    place = Place(rig, settings)
    try:
        edge = await place.edge(by_path(good=FAILED, last=script))
        client = await edge.connect()
        for _ in range(4):
            await client.send(GET)
            assert (await client.message()).status == 503
        await client.send(LAST)
        if hangs_up:
            async with asyncio.timeout(10):
                while len(rig._upstreams[0].requests) < 5:  # noqa: ASYNC110 -- as above
                    await asyncio.sleep(0.01)
            await client.reset()
        return (await place.told(5))[-1]
    finally:
        await rig.close()


@pytest.mark.parametrize(
    ("script", "hangs_up", "status"),
    [
        (whole(FAILED), False, 503),
        (pieces(FAILED[:-1], FAILED[-1:]), False, 503),
        (pieces(FAILED[:9], FAILED[9:]), False, 503),
        (never, True, 0),
        (ends, False, 502),
        (whole(b"no answer\r\n\r\n"), False, 502),
    ],
)
async def test_what_goes_wrong_on_the_lane_is_told_as_it_is_elsewhere(
    tmp_path: Path, lanes: list[bytes], script: Script, hangs_up: bool, status: int
) -> None:
    """The same lines where nothing is in the sample, and the lane is taken, as where all is, and it is not."""
    elsewhere = await of_the_last(tmp_path / "all", AccessLog(), script, hangs_up=hangs_up)
    assert lanes == []
    here = await of_the_last(tmp_path / "none", AccessLog(sample=0.0), script, hangs_up=hangs_up)
    assert len(lanes) >= 2, "some of the first, and the last"
    assert b"/last" in lanes[-1]
    assert (here.status, here.target, here.opaque_id, here.told_for) == (status, "/last", "me", "error")
    assert here.node.startswith("http://127.0.0.1:")
    assert (here.node_s is None) == (elsewhere.node_s is None)
    assert timeless(here) == timeless(elsewhere)


async def test_what_is_slow_on_the_lane_is_told(tmp_path: Path, lanes: list[bytes]) -> None:
    rig = Rig(tmp_path)
    place = Place(rig, AccessLog(sample=0.0, slow_s=0.0001, errors=False))
    edge = await place.edge(again(answer(b"12345"), pause_s=0.01))
    client = await edge.connect()
    for number in range(1, 5):
        await client.send(GET)
        message = await client.message()
        one = (await place.told(number))[-1]
        assert (one.told_for, one.status, one.target) == ("slow", 200, "/a")
        assert one.bytes == len(message.head) + len(message.body)
        assert one.node_s is not None
        assert 0 < one.node_s <= one.total_s
    assert lanes
    await rig.close()


@pytest.mark.parametrize("errors", [True, False])
async def test_of_the_others_nothing_is_told_and_the_lane_is_theirs(
    tmp_path: Path, lanes: list[bytes], errors: bool
) -> None:
    rig = Rig(tmp_path)
    place = Place(rig, AccessLog(sample=0.0, slow_s=0.0, errors=errors))
    edge = await place.edge(again(answer(b"12345")))
    client = await edge.connect()
    for _ in range(6):
        await client.send(GET)
        assert (await client.message()).status == 200
    assert len(lanes) >= 3
    await client.close()
    await edge.shut()
    assert place.kept.told == []
    await rig.close()


async def test_each_request_is_drawn_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    drawn = iter(range(1000))
    place = Place(rig)
    lines: Any = place.kept
    place.access = Access(AccessLog(sample=0.5, errors=False), lines, lambda: 0.0 if next(drawn) % 2 else 0.9)
    edge = await place.edge(again(answer(b"12345")))
    client = await edge.connect()
    for _ in range(10):
        await client.send(GET)
        await client.message()
    assert len(await place.told(5)) == 5
    assert next(drawn) == 10
    await rig.close()


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
