"""The short way of a request: which take it, and that nobody can tell from outside which did."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from proxy.edge.client import ClientConnection
from proxy.edge.exchange import Exchange
from proxy.edge.lane import Lane, LaneClient
from proxy.edge.refusals import Reason
from proxy.edge.sides import Target
from proxy.edge.upstream import UpstreamConnection
from proxy.wire.limits import HeadLimits
from proxy.wire.repeated import AnswerDecoder
from tests.edge.rig import Edge, Message, Rig, Script, Wire, answer, make_limits, reason, until

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc"
# The decoders learn a head the second time and know it the third; a connection to the node is idle by then.
WARM = 3


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done on lanes: `sent` for each request, `left` where it went on as an exchange."""
    told: list[str] = []
    send, leave = Lane.send, Lane._leave

    def sent(self: Lane, upstream: UpstreamConnection, message: bytes, framing: int) -> None:
        told.append("sent")
        send(self, upstream, message, framing)

    def gone(self: Lane, upstream: UpstreamConnection) -> Exchange:
        told.append("left")
        return leave(self, upstream)

    monkeypatch.setattr(Lane, "send", sent)
    monkeypatch.setattr(Lane, "_leave", gone)
    return told


def answers(*in_turn: bytes, pause_s: float = 0.0) -> Script:
    """A script that answers each request with the next of these; after the last, with it again."""

    async def script(wire: Wire) -> None:
        left = list(in_turn)
        while True:
            await wire.message()
            data = left.pop(0) if len(left) > 1 else left[0]
            if pause_s:
                await wire.send(data[:1])
                await asyncio.sleep(pause_s)
                data = data[1:]
            await wire.send(data)

    return script


async def warmed(edge: Edge, request: bytes = GET) -> Wire:
    """A client whose heads, and whose answers' heads, are known."""
    client = await edge.connect()
    for _ in range(WARM):
        await client.send(request)
        assert (await client.message()).status == 200
    return client


class TestWhoTakesIt:
    @pytest.mark.parametrize("request_bytes", [GET, POST, POST.replace(b"3\r\n\r\nabc", b"0\r\n\r\n")])
    async def test_what_is_known_and_whole(self, rig: Rig, left: list[str], request_bytes: bytes) -> None:
        edge, upstream = await rig.simple()
        client = await warmed(edge, request_bytes)
        assert left == ["sent"]
        for _ in range(3):
            await client.send(request_bytes)
            arrived = (await client.message()).body
            assert arrived == request_bytes.replace(b"Connection: keep-alive\r\n", b"")
        assert (left, len(upstream.wires)) == (["sent"] * 4, 1)

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
            b"GET /a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
            b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST /_ML/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PUT /_ml/data_frame/analytics/x HTTP/1.1\r\nHost: x\r\n\r\n",
        ],
    )
    async def test_others_do_not(self, rig: Rig, left: list[str], request_bytes: bytes) -> None:
        edge, _ = await rig.simple()
        for _ in range(WARM):
            await edge.ask(GET)
        client = await warmed(edge)
        del left[:]
        bodiless = request_bytes.startswith(b"HEAD")
        for _ in range(WARM):
            # On one connection as long as it lives: known again at last, and yet not for the lane.
            if client.got[-1].values(b"connection") == [b"close"]:
                client = await edge.connect()
            await client.send(request_bytes)
            await client.message(bodiless=bodiless)
        assert left == []

    @pytest.mark.parametrize("at", [5, len(POST) - 3, len(POST) - 1])
    async def test_what_comes_in_pieces_does_not(self, rig: Rig, left: list[str], at: int) -> None:
        edge, upstream = await rig.simple()
        client = await warmed(edge, POST)
        del left[:]
        await client.send(POST[:at])
        await asyncio.sleep(0.02)
        await client.send(POST[at:])
        assert (await client.message()).status == 200
        # A head in two pieces is put together before it is read; of a body, what is there is sent on at once.
        assert left == (["sent"] if at == 5 else [])
        assert upstream.requests[-1].body == b"abc"

    async def test_one_that_finds_no_connection_idle_gets_one_all_the_same(self, rig: Rig, left: list[str]) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            while True:
                message = await wire.message()
                if message.start.startswith(b"GET /slow"):
                    await go.wait()
                await wire.send(answer(message.start))

        edge, upstream = await rig.simple(script)
        slow, client = await warmed(edge), await warmed(edge)
        del left[:]
        await slow.send(GET.replace(b"/a", b"/slow"))
        await until(lambda: left)
        await client.send(GET)
        assert (await client.message()).body == b"GET /a HTTP/1.1"
        go.set()
        assert (await slow.message()).body == b"GET /slow HTTP/1.1"
        assert (left, len(upstream.wires)) == (["sent"], 2)

    async def test_one_beyond_a_cap_is_refused(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            while True:
                message = await wire.message()
                if message.start.startswith(b"GET /slow"):
                    await go.wait()
                await wire.send(answer())

        upstream = await rig.upstream(script)
        edge = await rig.edge(upstream, limits=make_limits(requests_in_flight_per_address=1))
        slow, client = await warmed(edge), await warmed(edge)
        await slow.send(GET.replace(b"/a", b"/slow"))
        await until(lambda: b"/slow" in upstream.wires[0].got[-1].head)
        await client.send(GET)
        assert (await client.message()).status == 429
        go.set()
        assert (await slow.message()).status == 200
        await client.send(GET)
        assert (await client.message()).status == 200, "it counts no more"

    async def test_a_request_sent_ahead_is_answered_next(self, rig: Rig, left: list[str]) -> None:
        async def script(wire: Wire) -> None:
            while True:
                message = await wire.message()
                await asyncio.sleep(0.02)
                await wire.send(answer(message.start))

        edge, _ = await rig.simple(script)
        client = await warmed(edge)
        await client.send(GET.replace(b"/a", b"/1"))
        await until(lambda: len(left) == 2)
        await client.send(GET.replace(b"/a", b"/2") + GET.replace(b"/a", b"/3"))
        assert [(await client.message()).body for _ in range(3)] == [b"GET /%d HTTP/1.1" % n for n in (1, 2, 3)]


class TestWhatLeavesIt:
    """An answer that is anything but known again and whole goes the long way, from where it is."""

    @pytest.mark.parametrize(
        "other",
        [
            answer(b"x", "404 Not Found"),
            answer(b"no", "400 Bad Request"),
            answer(b"", "204 No Content").replace(b"content-length: 0\r\n", b""),
            answer(b"{}", "200 OK", "Connection: close"),
            answer(b"x" * 200_000),
            b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"{}"),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n12345",
            answer(b"good") + answer(b"evil"),
        ],
    )
    @pytest.mark.parametrize("pause_s", [0.0, 0.02])
    async def test_answers(self, rig: Rig, left: list[str], other: bytes, pause_s: float) -> None:
        edge, _ = await rig.simple(answers(answer(), answer(), answer(), other, answer(), pause_s=pause_s))
        client = await warmed(edge)
        del left[:]
        await client.send(GET)
        first = await client.message()
        if first.status == 103:
            first = await client.message()
        expected = 502 if other.count(b"content-length: ") == 2 and b"evil" not in other else int(other[9:12])
        assert first.status == (200 if expected == 103 else expected)
        assert b"evil" not in first.body
        assert left == ["sent", "left"]
        await client.send(GET)
        assert (await client.message()).body == b"{}", "what comes next is the next answer"

    async def test_an_answer_after_which_a_server_may_read_no_more(
        self, rig: Rig, left: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A connection is ended at the first of them, so that none is ever known again: the lane does not rest on it.
        monkeypatch.setattr("proxy.edge.lane.OUT_OF_STEP", {200})
        edge, _ = await rig.simple()
        client = await warmed(edge)
        assert left == ["sent", "left"]
        await client.close()

    async def test_a_chunked_answer_that_is_known_ends_on_it(self, rig: Rig, left: list[str]) -> None:
        sent = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\na: b\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        edge, _ = await rig.simple(answers(sent))
        client = await edge.connect()
        for _ in range(5):
            await client.send(GET)
            async with asyncio.timeout(5):
                got = await client.reader.readexactly(len(sent))
            assert got == b"HTTP/1.1 200 OK\r\na: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
        assert left == ["sent"] * 3

    async def test_a_connection_that_dies_is_asked_again_by_the_same_rule(self, rig: Rig, left: list[str]) -> None:
        async def script(wire: Wire) -> None:
            for _ in range(WARM if not wire.number else 100):
                await wire.message()
                await wire.send(answer(b"%d" % wire.number))
            await wire.head()
            await wire.reset()

        edge, upstream = await rig.simple(script)
        client = await warmed(edge)
        await client.send(GET)
        got = await client.message()
        assert (got.status, got.body, left) == (200, b"1", ["sent", "sent", "left"])
        assert len(upstream.wires) == 2

    async def test_one_that_is_not_safe_fails_and_is_told_so(self, rig: Rig, left: list[str]) -> None:
        async def script(wire: Wire) -> None:
            for _ in range(WARM):
                await wire.message()
                await wire.send(answer())
            await wire.message()
            await wire.reset()

        edge, upstream = await rig.simple(script)
        client = await warmed(edge, POST)
        await client.send(POST)
        got = await client.message()
        assert (got.status, got.values(b"connection"), left) == (502, [], ["sent", "sent", "left"])
        assert "closed before its answer was complete" in reason(got)
        assert len(upstream.wires) == 1
        await client.send(POST)
        assert (await client.message()).status == 200, "the client's connection is in step"

    async def test_the_time_of_a_request_in_all(self, rig: Rig, left: list[str]) -> None:
        async def script(wire: Wire) -> None:
            for _ in range(WARM):
                await wire.message()
                await wire.send(answer())
            await wire.message()
            assert await wire.ended() == b"reset"

        edge, upstream = await rig.simple(script, client_request_s=0.3)
        client = await warmed(edge)
        await client.send(GET)
        assert (await client.message()).status == 504
        await until(lambda: upstream.wires[0].gone)
        assert left == ["sent", "sent", "left"]

    @pytest.mark.parametrize("how", ["close", "reset", "half"])
    async def test_a_client_that_leaves_takes_its_request_with_it(self, rig: Rig, left: list[str], how: str) -> None:
        told = asyncio.Event()

        async def script(wire: Wire) -> None:
            for _ in range(WARM):
                await wire.message()
                await wire.send(answer())
            await wire.message()
            await wire.ended()
            told.set()

        edge, _ = await rig.simple(script)
        client = await warmed(edge)
        await client.send(GET)
        await until(lambda: len(left) == 2)
        if how == "half":
            client.writer.write_eof()
        else:
            await (client.close() if how == "close" else client.reset())
        async with asyncio.timeout(5):
            await told.wait()
        assert left == ["sent", "sent"]

    async def test_the_last_answer_of_a_worker_that_stops_says_so(self, rig: Rig, left: list[str]) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            for number in range(WARM + 1):
                await wire.message()
                if number == WARM:
                    await go.wait()
                await wire.send(answer())

        edge, _ = await rig.simple(script, drain_s=5.0)
        client = await warmed(edge)
        await client.send(GET)
        await until(lambda: len(left) == 2)
        edge.stop.set()
        await asyncio.sleep(0.05)
        go.set()
        assert (await client.message()).values(b"connection") == [b"close"]
        assert await client.ended() == b""

    async def test_a_slow_reader_stops_nobody_else(self, rig: Rig, left: list[str]) -> None:
        edge, upstream = await rig.simple(answers(answer(b"x" * 30_000)), buffer_bytes=1024)
        slow = await edge.connect(limit=1024)
        for _ in range(300):
            await slow.send(GET)
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        client = await warmed(edge)
        await client.send(GET)
        assert len((await client.message()).body) == 30_000
        for _ in range(300):
            assert len((await slow.message()).body) == 30_000
        assert "sent" in left
        assert len(upstream.wires) <= 2


async def conversation(rig: Rig, script: Script, requests: list[bytes]) -> tuple[list[bytes], list[list[Message]]]:
    """What a client got of an edge of its own, and what its node did."""
    edge, upstream = await rig.simple(script)
    client = await edge.connect()
    got: list[bytes] = []
    for request in requests:
        if client.gone:
            client = await edge.connect()
        await client.send(request)
        got.append(await client.head())
        length = int(got[-1].lower().partition(b"content-length: ")[2].split(b"\r")[0] or b"0")
        if not request.startswith(b"HEAD"):
            got.append(await client.reader.readexactly(length))
        await asyncio.sleep(0.005)
    return got, [wire.got for wire in upstream.wires]


async def test_both_ways_come_to_the_same(rig: Rig, left: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """One conversation, with the lane and without: the same bytes to the client and to the node."""
    statuses = [b"200 OK", b"200 OK", b"200 OK", b"404 Not Found", b"409 Conflict", b"400 Bad Request", b"200 OK"]
    lines = [b"", b"", b"Keep-Alive: x\r\n", b"", b"Warning: 299 a\r\n"]

    async def script(wire: Wire) -> None:
        while True:
            number = len(wire.got)
            request = await wire.message()
            body = b"y" * (number * 7 % 40)
            head = b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n" % (
                statuses[number * 3 % 7], lines[number // 6 % 5], len(body)
            )  # fmt: skip
            await wire.send(head + (b"" if request.start.startswith(b"HEAD") else body))

    kinds = [GET, GET, POST, POST, POST.replace(b": 3\r\n\r\nabc", b": 5\r\n\r\nabcde"), GET.replace(b"GET", b"HEAD")]
    requests = [kinds[number // 4 % 6].replace(b"/a", b"/a%d" % number) for number in range(96)]
    with_lane = await conversation(rig, script, requests)
    assert left.count("sent") > 30
    assert "left" in left
    monkeypatch.setattr(ClientConnection, "_by_lane", lambda *_: False)
    del left[:]
    assert await conversation(rig, script, requests) == with_lane
    assert left == []


def test_a_lane_without_a_request_hears_nothing() -> None:
    """Calls that come late, as those of a transport that is being closed, change nothing."""
    lane = Lane(cast(LaneClient, None), cast(Target, None), HeadLimits())
    lane.pause_request()
    lane.resume_request()
    lane.request_data(b"x")
    lane.pause_answer()
    lane.resume_answer()
    lane.give_up(504, "late", Reason.REQUEST_TIME)
    lane.client_lost()
    lane.upstream_lost(clean=True)
    assert lane.request_done


class Side:
    """A transport that only remembers: what was written, and whether it reads. `unwritten` bytes wait in it."""

    def __init__(self, unwritten: int = 0) -> None:
        self.unwritten = unwritten
        self.reading = True
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unwritten

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Gone(Exception):
    """The request left the lane."""


class Both:
    """A request on the lane, between a client and a connection to a node whose answers are known."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, unwritten: int = 0, write_paused: bool = False) -> None:
        self.told: list[str] = []
        self.to_client, self.to_node = Side(), Side(unwritten)
        answers = AnswerDecoder()
        for _ in range(WARM):
            answers.decode(answer(), HeadLimits(), head=False)
        upstream = SimpleNamespace(
            transport=self.to_node,
            answers=answers,
            owner=SimpleNamespace(give_back=lambda _: self.told.append("given back")),
        )
        client = SimpleNamespace(
            draining=False,
            transport=self.to_client,
            write_paused=write_paused,
            answered=lambda: self.told.append("answered"),
        )

        def leave(*_: object) -> Exchange:
            raise Gone

        monkeypatch.setattr(Lane, "_leave", leave)
        self.lane = Lane(cast(LaneClient, client), cast(Target, None), HeadLimits())
        self.lane.send(cast(UpstreamConnection, upstream), POST, len(POST))


def test_an_answer_that_overtook_its_request_leaves_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Part of the request has not been written: its node may never read it, and must not get another behind it."""
    both = Both(monkeypatch, unwritten=1)
    with pytest.raises(Gone):
        both.lane.answer_data(answer())
    assert both.told == []
    both = Both(monkeypatch)
    both.lane.answer_data(answer())
    assert both.told == ["given back", "answered"]


def test_the_connection_of_a_client_that_reads_slowly_reads_again_before_it_serves_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = Both(monkeypatch, write_paused=True)
    both.lane.pause_answer()
    paused = both.to_node.reading
    both.lane.answer_data(answer())
    assert (paused, both.to_node.reading) == (False, True)
    assert both.told == ["given back", "answered"]
