"""One request and its answer: what arrives at the server, what arrives at the client, and every way it can break."""

import asyncio
import json
import logging
import socket
import ssl
from pathlib import Path
from typing import cast

import pytest

from proxy.edge.exchange import Exchange
from proxy.edge.nodes import node_addresses
from proxy.edge.pool import Pool
from proxy.edge.refusals import Reason
from proxy.edge.sides import ClientSide, Target
from proxy.edge.sweep import Sweep
from proxy.settings import ClusterTls, EdgeLimits
from proxy.wire.limits import HeadLimits
from proxy.wire.request import decode_request
from tests.edge.rig import (
    PATIENCE_S,
    Edge,
    Message,
    Rig,
    Script,
    Upstream,
    Wire,
    answer,
    echo,
    make_limits,
    server_tls,
    until,
    unused_port,
)

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
START = b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


def sends(*parts: bytes, pause_s: float = 0.0, then: str = "wait") -> Script:
    """A script that reads one request and sends `parts`, then waits, closes or resets."""

    async def script(wire: Wire) -> None:
        await wire.message()
        for part in parts:
            await wire.send(part)
            await asyncio.sleep(pause_s)
        if then == "close":
            await wire.close()
        elif then == "reset":
            await wire.reset()
        else:
            await wire.ended()

    return script


def reason(message: Message) -> str:
    body = json.loads(message.body)
    assert body["status"] == message.status
    assert body["error"]["root_cause"][0]["reason"] == body["error"]["reason"]
    assert message.values(b"content-type") == [b"application/json"]
    text: str = body["error"]["reason"]
    return text


class TestRequests:
    """What arrives at the server."""

    @pytest.mark.parametrize(
        ("sent", "arrived"),
        [
            (GET, GET),
            (b"POST /a%2Fb?c=d#e HTTP/1.1\r\nhost: x\r\nB:1 \r\na: 2\r\nB: 3\r\nContent-Length: 3\r\n\r\nabc",
             b"POST /a%2Fb?c=d#e HTTP/1.1\r\nhost: x\r\nB: 1\r\na: 2\r\nB: 3\r\nContent-Length: 3\r\n\r\nabc"),
            (b"POST /a HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade, http2-settings\r\n"
             b"HTTP2-Settings: a\r\nContent-Length: 3\r\n\r\nabc",
             b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
            (b"GET /a HTTP/1.1\r\nHost: x\r\nX-Startgate-Peer: 1.1.1.1:1\r\nx-startgate-receipt: fake\r\n\r\n", GET),
            (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
            (b"GET /a HTTP/1.0\r\n\r\n", b"GET /a HTTP/1.1\r\nHost: \r\n\r\n"),
        ],
    )  # fmt: skip
    async def test_heads_and_bodies(self, rig: Rig, sent: bytes, arrived: bytes) -> None:
        edge, _ = await rig.simple()
        got = await edge.ask(sent)
        assert (got.status, got.body) == (200, arrived)

    async def test_heads_that_are_known_again_arrive_as_each_was_sent(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        for number in range(12):
            body = b"y" * (3 * number)
            arrived = b"POST /a/%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nAuthorization: Basic %d\r\n\r\n%b" % (
                number,
                len(body),
                number // 6,
                body,
            )
            await client.send(arrived.replace(b"Host: x", b"Host: x\r\nConnection: keep-alive\r\nTE: trailers"))
            assert (await client.message()).body == arrived

    async def test_a_start_among_heads_that_are_known_again_goes_to_the_gate(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        for _ in range(3):
            await client.send(START.replace(b"/_start", b"/_explain"))
            assert (await client.message()).status == 200
        await client.send(START)
        assert (await client.message()).status == 503, "there is no gate"
        assert len(upstream.requests) == 3

    @pytest.mark.parametrize("size", [1, 7, 1000])
    async def test_a_request_in_pieces(self, rig: Rig, size: int) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        data = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + b"y" * 100
        for at in range(0, len(data), size):
            await client.send(data[at : at + size])
            await asyncio.sleep(0)
        assert (await client.message()).body == data

    async def test_a_chunked_body_arrives_chunked_without_trailers(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nTrailer: T\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab")
        await client.send(b"c\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n")
        assert (await client.message()).status == 200
        assert upstream.requests[0].body == b"abcde"
        assert upstream.requests[0].head.endswith(b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.send(GET)
        assert (await client.message()).body == GET

    async def test_broken_chunks_are_refused_and_never_completed(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(0.05)
        await client.send(b"3;x=y\r\nabc\r\n")
        got = await client.message()
        assert (got.status, got.values(b"connection")) == (400, [b"close"])
        assert "chunk size" in reason(got)
        assert await client.ended() == b""
        assert [message.whole for message in upstream.requests] in ([], [False])

    async def test_broken_chunks_with_the_head_reach_no_server(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        got = await edge.ask(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
        assert got.status == 400
        assert upstream.wires == []

    async def test_connections_to_the_server_are_kept_alive(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        for _ in range(3):
            await edge.ask(GET)
        assert len(upstream.wires) == 1
        assert len(upstream.requests) == 3


class TestAnswers:
    """What arrives at the client."""

    @pytest.mark.parametrize(
        ("sent", "arrived"),
        [
            (answer(b"{}", "200 OK", "X-elastic-product: Elasticsearch", "Warning: a", "warning: b"),
             answer(b"{}", "200 OK", "X-elastic-product: Elasticsearch", "Warning: a", "warning: b")),
            (b"HTTP/1.1 404 \r\nKeep-Alive: timeout=5\r\nConnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
             b"HTTP/1.1 404 \r\ncontent-length: 0\r\n\r\n"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\na: b\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n",
             b"HTTP/1.1 200 OK\r\na: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
            (b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"),
            (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
             b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n"),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("bytewise", [False, True])
    async def test_relayed(self, rig: Rig, sent: bytes, arrived: bytes, bytewise: bool) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                for part in [sent[at : at + 1] for at in range(len(sent))] if bytewise else [sent]:
                    await wire.send(part)
                    await asyncio.sleep(0.001 if bytewise else 0)

        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        # From the third on both heads are known again.
        for _ in range(4):
            await client.send(GET)
            async with asyncio.timeout(5):
                got = await client.reader.readexactly(arrived.index(b"\r\n\r\n") + 4)
                assert got == arrived[: len(got)]
                body = arrived[len(got) :]
                if b"chunked" not in got:
                    assert await client.reader.readexactly(len(body)) == body
                else:
                    assert (await client.reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")
        assert len(upstream.wires) == 1

    async def test_chunks_that_come_whole_arrive_as_they_are(self, rig: Rig) -> None:
        sent = b"HTTP/1.1 200 OK\r\na: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"

        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await wire.send(sent)

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        for _ in range(4):
            await client.send(GET)
            async with asyncio.timeout(5):
                assert await client.reader.readexactly(len(sent)) == sent

    async def test_head_has_no_body_and_the_connection_lives(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            while True:
                request = await wire.message()
                head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
                await wire.send(head if request.start.startswith(b"HEAD") else head + b"12345")

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.message(bodiless=True)).values(b"content-length") == [b"5"]
        await client.send(GET)
        assert (await client.message()).body == b"12345"

    async def test_until_close_becomes_chunked_for_1_1(self, rig: Rig) -> None:
        edge, upstream = await rig.simple(
            sends(b"HTTP/1.1 200 OK\r\na: b\r\n\r\nab", b"cd", pause_s=0.02, then="close")
        )
        client = await edge.connect()
        for _ in range(2):
            await client.send(GET)
            got = await client.message()
            assert (got.body, got.whole, got.values(b"transfer-encoding")) == (b"abcd", True, [b"chunked"])
        assert len(upstream.wires) == 2

    @pytest.mark.parametrize(
        "sent",
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcd",
        ],
    )
    async def test_unknown_length_is_close_delimited_for_1_0(self, rig: Rig, sent: bytes) -> None:
        edge, _ = await rig.simple(sends(sent, then="close"))
        client = await edge.connect()
        await client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert await client.ended() == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcd"

    async def test_1_0_keeps_alive_when_asked_to(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        for _ in range(2):
            await client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            got = await client.message()
            assert (got.status, got.values(b"connection")) == (200, [b"keep-alive"])
        await client.send(b"GET /a HTTP/1.0\r\n\r\n")
        assert (await client.message()).values(b"connection") == [b"close"]
        assert await client.ended() == b""

    async def test_close_is_granted(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        await client.send(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await client.message()).values(b"connection") == [b"close"]
        assert await client.ended() == b""

    async def test_a_server_that_closes_after_its_answer_is_connected_to_anew(self, rig: Rig) -> None:
        edge, upstream = await rig.simple(sends(answer(b"{}", "200 OK", "Connection: close"), then="close"))
        client = await edge.connect()
        for _ in range(2):
            await client.send(GET)
            got = await client.message()
            assert (got.status, got.values(b"connection")) == (200, [])
        assert len(upstream.wires) == 2


class TestInterim:
    """1xx answers, and clients that wait for one."""

    async def test_expect_100_continue_is_relayed(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            head = await wire.head()
            assert b"Expect: 100-continue" in head
            await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await wire.send(answer(await wire.reader.readexactly(3)))

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"abc")
        assert (await client.message()).body == b"abc"

    async def test_a_final_answer_instead_of_100_reaches_the_client_and_closes(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.head()
            await wire.send(answer(b"no", "417 Expectation Failed"))
            assert await wire.ended() == b"reset"

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        got = await client.message()
        assert (got.status, got.body, got.values(b"connection")) == (417, b"no", [b"close"])
        assert await client.ended() == b""

    @pytest.mark.parametrize("size", [3, 500_000])
    async def test_a_body_sent_ahead_waits_for_the_100(self, rig: Rig, size: int) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.head()
                assert await wire.quiet()
                await wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
                assert await wire.quiet()
                await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                await wire.send(answer(await wire.reader.readexactly(size)))

        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        body = b"x" * size
        for _ in range(2):
            head = b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size
            client.writer.write(head + body)
            assert (await client.message()).status == 103
            assert (await client.message()).status == 100
            assert (await client.message()).body == body
        assert len(upstream.wires) == 1

    @pytest.mark.parametrize("in_parts", [False, True])
    async def test_a_body_never_follows_a_final_answer_to_an_expectation(self, rig: Rig, in_parts: bool) -> None:
        # Elasticsearch takes what comes after its 413 or 417 for the next request.
        async def script(wire: Wire) -> None:
            await wire.head()
            await asyncio.sleep(0.05)
            await wire.send(answer(b"no", "401 Unauthorized"))
            assert await wire.ended() == b"reset"
            wire.got.append(Message(b"nothing followed"))

        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        head = b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        await client.send(head % len(START))
        if in_parts:
            await asyncio.sleep(0.02)
        await client.send(START)
        assert (await client.message()).status == 401
        # The body came whole, so the client's connection is still in step.
        await client.send(GET)
        assert (await client.message()).status == 401
        first, _ = upstream.wires
        assert [message.head for message in first.got] == [b"nothing followed"]

    async def test_a_body_sent_ahead_waits_for_the_connection_too(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.head()
            await wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await wire.send(answer(await wire.reader.readexactly(300_000)))

        (dead,) = unused_port()
        upstream = await rig.upstream(script)
        edge = await rig.edge(f"http://127.0.0.1:{dead}", upstream)
        client = await edge.connect()
        head = b"PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n"
        client.writer.write(head + b"x" * 300_000)
        assert (await client.message()).status == 100
        assert (await client.message()).body == b"x" * 300_000

    async def test_other_expectations_are_refused_and_reach_nobody(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        got = await edge.ask(b"GET / HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 3\r\n\r\nabc")
        assert (got.status, got.values(b"connection")) == (417, [b"close"])
        assert upstream.wires == []

    @pytest.mark.parametrize("glued", [True, False])
    async def test_several_interim_answers(self, rig: Rig, glued: bool) -> None:
        parts = [b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n", answer(b"{}")]
        edge, _ = await rig.simple(sends(*([b"".join(parts)] if glued else parts), pause_s=0.02))
        client = await edge.connect()
        await client.send(GET)
        assert [await client.head(), await client.head()] == parts[:2]
        assert (await client.message()).status == 200

    async def test_1_0_clients_get_none(self, rig: Rig) -> None:
        edge, _ = await rig.simple(sends(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"{}")))
        assert (await edge.ask(b"GET /a HTTP/1.0\r\n\r\n")).status == 200

    @pytest.mark.parametrize("minor", [0, 1])
    @pytest.mark.parametrize("in_one", [True, False])
    async def test_so_many_and_no_more(self, rig: Rig, in_one: bool, minor: int) -> None:
        """A server that sends them for ever is broken; the client is told."""
        early = b"HTTP/1.1 103 Early Hints\r\n\r\n"
        request = b"GET /a HTTP/1.%d\r\nHost: x\r\n\r\n" % minor
        for count, status in ((32, 200), (33, 502)):
            parts = [early] * count + [answer(b"{}")]
            edge, _ = await rig.simple(sends(*([b"".join(parts)] if in_one else parts), pause_s=0.001))
            client = await edge.connect()
            await client.send(request)
            for _ in range(32 if minor else 0):
                assert await client.head() == early
            assert (await client.message()).status == status

    async def test_a_flood_of_them_ends(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send_for(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, PATIENCE_S)

        caplog.set_level(logging.INFO, "proxy.edge.refusals")
        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        got = await client.ended()
        assert (got.count(b" 100 Continue\r\n"), got.count(b" 502 Bad Gateway\r\n")) == (32, 1)
        assert "[broken]: 502: " in caplog.text
        await until(lambda: upstream.wires[0].gone)

    async def test_switching_protocols_is_a_broken_answer(self, rig: Rig) -> None:
        edge, _ = await rig.simple(sends(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"))
        assert (await edge.ask(GET)).status == 502


NOTHING = {
    "204": (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
    "204 of length 0": (b"GET", b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"),
    "304": (b"GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "304 with a length": (b"GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n"),
    "304 in chunks": (b"GET", b"HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n"),
    "HEAD with a length": (b"HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"),
    "HEAD in chunks": (b"HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
    "HEAD without either": (b"HEAD", b"HTTP/1.1 200 OK\r\n\r\n"),
    "HEAD that is not there": (b"HEAD", b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\n"),
}


class TestBodiesThatMustNotBe:
    """RFC 9112 §6.3 (1): some answers end with their head. What a server sends behind one reaches nobody."""

    @pytest.mark.parametrize("late", [False, True])
    @pytest.mark.parametrize("body", [b"evil", answer(b"evil"), b"4\r\nevil\r\n0\r\n\r\n"])
    @pytest.mark.parametrize("case", NOTHING)
    async def test_what_stands_behind_a_bodiless_answer(self, rig: Rig, case: str, body: bytes, late: bool) -> None:
        method, head = NOTHING[case]
        sent = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            if wire.number:
                await wire.send(answer(b"good"))
            elif late:
                await wire.send(head)
                await sent.wait()
                await wire.send(body)
            else:
                await wire.send(head + body)
            await wire.ended()

        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        await client.send(method + b" /a HTTP/1.1\r\nHost: x\r\n\r\n")
        got = await client.head()
        assert got.split(b" ", 2)[1] == head.split(b" ", 2)[1]
        sent.set()
        # Sent late, it comes while nobody waits for an answer.
        await until(lambda: upstream.wires[0].gone)
        await client.send(GET)
        assert (await client.message()).body == b"good", "not a byte of it stands before the next answer"
        assert len(upstream.wires) == 2

    @pytest.mark.parametrize("status", [b"204 No Content", b"103 Early Hints", b"100 Continue"])
    @pytest.mark.parametrize("says", [b"content-length: 4", b"transfer-encoding: chunked"])
    async def test_one_that_announces_a_body_is_broken(self, rig: Rig, status: bytes, says: bytes) -> None:
        edge, _ = await rig.simple(sends(b"HTTP/1.1 " + status + b"\r\n" + says + b"\r\n\r\nevil"))
        got = await edge.ask(GET)
        assert (got.status, "without a body announces one" in reason(got)) == (502, True)


class TestEarlyAnswers:
    """The server answers before it has read the request."""

    # A server that closes with bytes unread resets the connection, and what it has not sent by then is lost: only an
    # answer that fits its buffers can be expected from it.
    @pytest.mark.parametrize(("then", "size"), [("close", 10), ("wait", 10), ("wait", 300_000)])
    async def test_the_answer_arrives_whole_during_a_big_upload(self, rig: Rig, then: str, size: int) -> None:
        async def script(wire: Wire) -> None:
            await wire.head()
            await wire.send(answer(b"y" * size, "413 Content Too Large"))
            await (wire.close() if then == "close" else asyncio.sleep(3))

        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        total = 30_000_000
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % total)
        # Like most clients: reads nothing before all is sent.
        async with asyncio.timeout(5):
            for _ in range(total // 1_000_000):
                await client.send(b"x" * 1_000_000)
        got = await client.message()
        assert (got.status, len(got.body), got.values(b"connection")) == (413, size, [b"close"])
        assert await client.ended() == b""
        assert (await edge.ask(GET)).status == 413
        assert len(upstream.wires) == 2

    async def test_lingering_is_bounded(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.head()
            await wire.send(answer(b"no", "413 Content Too Large"))

        edge, _ = await rig.simple(script, client_linger_s=0.3)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab")
        assert (await client.message()).status == 413
        with pytest.raises(ConnectionError):
            await client.send_for(b"x", 5.0, pause_s=0.05)

    async def test_the_upload_goes_on_beside_a_streamed_answer(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.head()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n")
            for _ in range(2):
                await wire.send(await wire.reader.readexactly(3))

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        assert (await client.head()).startswith(b"HTTP/1.1 200")
        assert await client.reader.readexactly(3) == b"abc"
        await client.send(b"def")
        assert await client.reader.readexactly(3) == b"def"
        assert await client.ended() == b""


class TestBackPressure:
    """Whoever is slow holds the other side up, not the worker's memory."""

    async def test_a_client_that_does_not_read_stops_the_server(self, rig: Rig) -> None:
        sent = 0

        async def script(wire: Wire) -> None:
            nonlocal sent
            await wire.head()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
            for _ in range(1000):
                await wire.send(b"x" * 100_000)
                sent += 100_000

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET)
        await asyncio.sleep(0.4)
        stalled = sent
        assert stalled < 40_000_000
        await asyncio.sleep(0.2)
        assert sent == stalled
        await client.head()
        async with asyncio.timeout(20):
            assert len(await client.reader.readexactly(100_000_000)) == 100_000_000

    async def test_a_server_that_does_not_read_stops_the_client(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.head()
            await go.wait()
            await wire.reader.readexactly(50_000_000)
            await wire.send(answer(b"all"))

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
        sent = await client.send_for(b"x" * 100_000, 0.5)
        assert sent < 40_000_000
        go.set()
        client.writer.write(b"x" * (50_000_000 - sent))
        assert (await client.message()).body == b"all"


class TestFailures:
    """What the client sees when the server fails."""

    @pytest.mark.parametrize(
        "broken",
        [
            b"",
            b"HTTP/1.1 200",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
            b"garbage\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\na : b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551621\r\n\r\n12345",
            b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n12345",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 600 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n",
        ],
    )
    @pytest.mark.parametrize("then", ["close", "reset"])
    async def test_broken_before_anything_went_out_is_502(self, rig: Rig, broken: bytes, then: str) -> None:
        edge, _ = await rig.simple(sends(broken, then=then))
        client = await edge.connect()
        for _ in range(2):
            await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
            got = await client.message()
            assert (got.status, got.values(b"connection")) == (502, [])
            assert "cluster" in reason(got)

    @pytest.mark.parametrize(
        "begun",
        [
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n123",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        ],
    )
    @pytest.mark.parametrize("then", ["close", "reset"])
    @pytest.mark.parametrize("minor", [0, 1])
    async def test_a_truncated_answer_never_looks_complete(self, rig: Rig, begun: bytes, then: str, minor: int) -> None:
        edge, _ = await rig.simple(sends(begun, pause_s=0.05, then=then))
        client = await edge.connect()
        await client.send(b"GET /a HTTP/1.%d\r\nHost: x\r\n\r\n" % minor)
        got = await client.ended()
        assert got.endswith(b"reset")
        assert b"0\r\n\r\n" not in got

    async def test_a_reset_answer_until_close_never_looks_complete(self, rig: Rig) -> None:
        edge, _ = await rig.simple(sends(b"HTTP/1.1 200 OK\r\n\r\nabc", pause_s=0.05, then="reset"))
        for minor in (0, 1):
            client = await edge.connect()
            await client.send(b"GET /a HTTP/1.%d\r\nHost: x\r\n\r\n" % minor)
            assert (await client.ended()).endswith(b"reset")

    async def test_chunks_that_break_in_the_middle_cut_the_answer(self, rig: Rig) -> None:
        edge, _ = await rig.simple(
            sends(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", b"zz\r\n", pause_s=0.05)
        )
        client = await edge.connect()
        await client.send(GET)
        assert (await client.ended()).endswith(b"3\r\nabc\r\nreset")

    async def test_the_request_breaking_under_an_early_answer_cuts_it(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "proxy.edge.refusals")

        async def script(wire: Wire) -> None:
            await wire.head()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab")
            await wire.ended()

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 200")
        await client.send(b"xyz\r\n")
        assert (await client.ended()).endswith(b"reset")
        assert "[malformed]: the answer was cut short: the client's request body is broken: a chunk size" in caplog.text

    async def test_bytes_behind_an_answer_are_nobodys(self, rig: Rig) -> None:
        evil = answer(b"evil")
        edge, upstream = await rig.simple(sends(answer(b"good") + evil))
        client = await edge.connect()
        for _ in range(2):
            await client.send(GET)
            assert (await client.message()).body == b"good"
        assert len(upstream.wires) == 2

    async def test_errors_for_head_have_no_body(self, rig: Rig) -> None:
        edge, _ = await rig.simple(sends(b"", then="close"))
        client = await edge.connect()
        await client.send(b"HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        got = await client.ended()
        assert got.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
        assert got.endswith(b"\r\n\r\n")
        assert b"content-length: 2" in got


class TestRetry:
    """A connection that died while it was idle costs nobody anything, if asking again is safe."""

    async def dying(self, rig: Rig) -> tuple[Edge, Upstream]:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(answer(b"%d" % wire.number))
            # The next request meets a connection that dies before a byte comes back.
            await wire.head()
            await wire.reset()

        return await rig.simple(script)

    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
    async def test_safe_requests_are_sent_again(self, rig: Rig, method: bytes) -> None:
        edge, upstream = await self.dying(rig)
        assert (await edge.ask(GET)).body == b"0"
        got = await edge.ask(method + b" /a HTTP/1.1\r\nHost: x\r\n\r\n", bodiless=method == b"HEAD")
        assert got.status == 200
        assert [len(wire.got) for wire in upstream.wires] == [1, 1]

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"POST /a HTTP/1.1\r\nHost: x\r\n\r\n",
            b"DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        ],
    )
    async def test_others_are_not(self, rig: Rig, request_bytes: bytes) -> None:
        edge, upstream = await self.dying(rig)
        await edge.ask(GET)
        assert (await edge.ask(request_bytes)).status == 502
        assert len(upstream.wires) == 1

    async def test_a_fresh_connection_is_not_retried(self, rig: Rig) -> None:
        edge, upstream = await rig.simple(sends(b"", then="reset"))
        assert (await edge.ask(GET)).status == 502
        assert len(upstream.wires) == 1

    async def test_nothing_is_asked_again_once_a_byte_came_back(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(answer(b"{}"))
            await wire.head()
            await wire.send(b"H")
            await wire.reset()

        edge, upstream = await rig.simple(script)
        await edge.ask(GET)
        assert (await edge.ask(GET)).status == 502
        assert len(upstream.wires) == 1


class TestGate:
    """Starts go to the gate, once, or nowhere."""

    async def test_the_gate_is_told_peer_and_receipt(self, rig: Rig) -> None:
        gate = await rig.gate(echo)
        edge, upstream = await rig.simple()
        client = await edge.connect()
        ours = client.writer.get_extra_info("sockname")
        await client.send(START.replace(b"Host", b"X-Startgate-Peer: 6.6.6.6:6\r\nHost"))
        assert (await client.message()).status == 200
        request = gate.requests[0]
        assert request.values(b"x-startgate-peer") == [f"127.0.0.1:{ours[1]}".encode()]
        (receipt,) = request.values(b"x-startgate-receipt")
        assert len(receipt) == 32
        assert (request.start, request.body) == (b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1", b"{}")
        assert upstream.wires == []

    async def test_a_client_may_ask_the_gate_for_a_plan_and_tell_it_nothing_else(self, rig: Rig) -> None:
        gate = await rig.gate(echo)
        edge, upstream = await rig.simple()
        asked = b"x-startgate-PLAN:only\r\nX-Startgate-Receipt: fake\r\nHost"
        assert (await edge.ask(START.replace(b"Host", asked))).status == 200
        assert gate.requests[0].values(b"x-startgate-plan") == [b"only"]
        assert b"fake" not in gate.requests[0].head
        twice = b"X-Startgate-Plan: no\r\nX-Startgate-Plan: only\r\nHost"
        assert (await edge.ask(START.replace(b"Host", twice))).status == 200
        assert gate.requests[1].values(b"x-startgate-plan") == [b"no", b"only"]
        misspelt = b"X-Startgate-Planned: only\r\nHost"
        assert (await edge.ask(START.replace(b"Host", misspelt))).status == 200
        assert gate.requests[2].values(b"x-startgate-plan") == [b"X-Startgate-Planned: only"], "for the gate to refuse"
        named = b"Connection: x-startgate-plan\r\nX-Startgate-Plan: only\r\nHost"
        assert (await edge.ask(START.replace(b"Host", named))).status == 400, "nobody may strip it"
        assert upstream.wires == []

    async def test_a_plan_is_not_asked_of_the_cluster(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        got = await edge.ask(GET.replace(b"Host", b"X-Startgate-Plan: only\r\nHost"))
        assert got.status == 200
        assert upstream.requests[0].values(b"x-startgate-plan") == []

    async def test_the_gates_own_receipt_header_reaches_the_client(self, rig: Rig) -> None:
        await rig.gate(sends(answer(b"{}", "200 OK", "X-Startgate-Receipt: abc")))
        edge, _ = await rig.simple()
        assert (await edge.ask(START)).values(b"x-startgate-receipt") == [b"abc"]

    async def test_a_gate_that_is_down_refuses_starts_only(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(START)
        got = await client.message()
        assert got.status == 503
        assert "the gate is down" in reason(got)
        assert "starts of data frame analytics jobs are refused" in reason(got)
        assert got.values(b"x-startgate-receipt") == [], "no journal knows of it"
        assert upstream.wires == []
        await client.send(GET)
        assert (await client.message()).body == GET

    async def test_a_gate_that_breaks_is_not_asked_again_and_the_receipt_tells(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(answer(b"{}"))
            await wire.message()
            await wire.reset()

        gate = await rig.gate(script)
        edge, upstream = await rig.simple()
        assert (await edge.ask(START)).status == 200
        got = await edge.ask(START)
        assert got.status == 502
        assert "the start may have been made" in reason(got)
        assert got.values(b"x-startgate-receipt") == gate.requests[1].values(b"x-startgate-receipt")
        assert (len(gate.wires), len(upstream.wires)) == (1, 0)


class TestClientGone:
    """A client that leaves takes its request with it."""

    @pytest.mark.parametrize("how", ["close", "reset", "half"])
    async def test_the_server_is_told_at_once(self, rig: Rig, how: str) -> None:
        told = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.ended()
            told.set()

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET)
        await asyncio.sleep(0.05)
        if how == "half":
            client.writer.write_eof()
        else:
            await (client.close() if how == "close" else client.reset())
        async with asyncio.timeout(1):
            await told.wait()

    async def test_while_an_answer_streams(self, rig: Rig) -> None:
        told = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            try:
                while True:
                    await wire.send(b"x" * 100_000)
            except ConnectionError:
                told.set()

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET)
        await client.head()
        await client.reset()
        async with asyncio.timeout(2):
            await told.wait()

    async def test_in_the_middle_of_an_upload(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab")
        await asyncio.sleep(0.05)
        await client.close()
        await asyncio.sleep(0.1)
        assert upstream.requests == []
        assert upstream.wires[0].gone

    async def test_a_connection_made_for_a_client_that_left_serves_another(self, rig: Rig, pem: Path) -> None:
        # TLS holds the connect up until the server takes part.
        sock = socket.create_server(("127.0.0.1", 0))
        tls = ClusterTls(ca=str(pem / "ca.pem"))
        edge = await rig.edge(f"https://localhost:{sock.getsockname()[1]}", cluster_tls=tls)
        gone = await edge.connect()
        await gone.send(GET)
        await asyncio.sleep(0.05)
        await gone.reset()
        await asyncio.sleep(0.05)
        upstream = await rig.upstream(echo, tls=server_tls(pem), sock=sock)
        await asyncio.sleep(0.1)
        assert (await edge.ask(GET)).body == GET
        assert (len(upstream.wires), len(upstream.requests)) == (1, 1)

    async def test_a_client_that_left_while_nothing_can_be_reached(self, rig: Rig) -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        edge = await rig.edge(f"https://127.0.0.1:{sock.getsockname()[1]}", limits=make_limits(upstream_connect_s=0.2))
        gone = await edge.connect()
        await gone.send(GET)
        await asyncio.sleep(0.05)
        await gone.reset()
        await asyncio.sleep(0.4)
        assert (await edge.ask(GET)).status == 504
        sock.close()


class FailingClient:
    """The client's side of an exchange that is to fail; notes how."""

    transport: asyncio.Transport
    write_paused = False
    draining = False

    def __init__(self) -> None:
        self.failures: asyncio.Queue[int] = asyncio.Queue()

    origin = "192.0.2.1"

    def failed(self, status: int, type: str, reason: str, headers: tuple[tuple[str, str], ...], why: Reason) -> None:
        """The only way that these exchanges end."""
        self.failures.put_nowait(status)


class TestEdgeCases:
    """What real sockets show too rarely, and what no route asks for yet."""

    async def lone_node(self, upstream: Upstream) -> tuple[Pool, Sweep]:
        sweep = Sweep(asyncio.get_running_loop())
        addresses = node_addresses([f"http://127.0.0.1:{upstream.port}"], ssl.create_default_context)
        return Pool(addresses, EdgeLimits(), sweep), sweep

    def exchange(self, client: FailingClient, pool: Pool, method: bytes, *, receipts: bool) -> Exchange:
        head = decode_request(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n", HeadLimits())
        assert head is not None
        target = Target(pool, "down", "slow", "broken", receipts=receipts)
        return Exchange(cast(ClientSide, client), head, target, HeadLimits())

    async def test_a_connection_that_died_while_it_was_opened_is_an_error_at_once(self, rig: Rig) -> None:
        pool, sweep = await self.lone_node(await rig.upstream(echo))
        client = FailingClient()
        node = pool._nodes[0]
        connection = await node.open()
        connection.transport.close()
        self.exchange(client, pool, b"POST", receipts=False).connected(connection)
        assert (client.failures.get_nowait(), node.busy) == (502, 0)
        await asyncio.sleep(0.05)
        assert (client.failures.empty(), node.busy) == (True, 0)
        sweep.stop()

    @pytest.mark.parametrize(("receipts", "asked"), [(False, 1), (True, 0)])
    async def test_what_was_not_sent_at_all_is_sent_on_another_connection_but_for_a_start(
        self, rig: Rig, receipts: bool, asked: int
    ) -> None:
        upstream = await rig.upstream(sends(b"", then="reset"))
        pool, sweep = await self.lone_node(upstream)
        client = FailingClient()
        node = pool._nodes[0]
        dead = await node.open()
        dead.reused = True
        exchange = self.exchange(client, pool, b"POST", receipts=receipts)
        exchange._message = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"
        dead.transport.close()
        exchange.connected(dead)
        async with asyncio.timeout(5):
            # The other connection breaks off as well: that is not tried a third time.
            assert await client.failures.get() == 502
        assert (len(upstream.requests), node.busy) == (asked, 0)
        sweep.stop()

    async def test_the_gate_is_never_asked_twice_even_for_what_is_safe(self, rig: Rig) -> None:
        upstream = await rig.upstream(sends(b"", then="reset"))
        pool, sweep = await self.lone_node(upstream)
        client = FailingClient()
        node = pool._nodes[0]
        node.give_back(await node.open())
        self.exchange(client, pool, b"GET", receipts=True).start(b"")
        async with asyncio.timeout(2):
            assert await client.failures.get() == 502
        assert (len(upstream.wires), node.busy) == (1, 0)
        sweep.stop()

    @pytest.mark.parametrize("answers_after_s", [0.0, 0.3])
    async def test_a_server_that_answers_and_stops_reading_does_not_stop_the_client(
        self, rig: Rig, answers_after_s: float
    ) -> None:
        sent = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.head()
            await asyncio.sleep(answers_after_s)
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
            await sent.wait()
            await wire.send(b"cd")

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n")
        if not answers_after_s:
            await asyncio.sleep(0.05)
        async with asyncio.timeout(3):
            for _ in range(30):
                await client.send(b"x" * 1_000_000)
        sent.set()
        assert (await client.message()).body == b"abcd"

    async def test_an_answer_that_overtook_its_request_ends_the_servers_connection(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.head()
            await asyncio.sleep(0.2)
            await wire.send(answer(b"early"))
            await asyncio.sleep(0.5)

        edge, upstream = await rig.simple(script, buffer_bytes=20_000_000)
        client = await edge.connect()
        total = 15_000_000
        for _ in range(2):
            client.writer.write(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % total + b"x" * total)
            assert (await client.message()).body == b"early"
        assert len(upstream.wires) == 2

    @pytest.mark.parametrize(
        ("status", "connections"),
        [(200, 1), (401, 1), (404, 1), (409, 1), (429, 1), (500, 1), (400, 2), (413, 2), (414, 2), (417, 2), (431, 2)],
    )
    async def test_a_server_that_may_read_no_more_is_not_asked_on_that_connection_again(
        self, rig: Rig, status: int, connections: int
    ) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await wire.send(answer(b"{}", f"{status} x"))

        edge, upstream = await rig.simple(script)
        client = await edge.connect()
        for _ in range(2):
            await client.send(GET)
            assert (await client.message()).status == status
        assert len(upstream.wires) == connections

    async def test_a_slow_client_does_not_leave_the_servers_connection_stopped(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await wire.send(answer(b"x" * 150_000))

        edge, upstream = await rig.simple(script, buffer_bytes=1024)
        slow = await edge.connect(limit=1024)
        slow.writer.write(GET * 100)
        await asyncio.sleep(0.2)
        for _ in range(3):
            assert (await edge.ask(GET)).status == 200
        for _ in range(100):
            assert len((await slow.message()).body) == 150_000
        assert len(upstream.wires) <= 2
