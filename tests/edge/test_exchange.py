"""One request and its answer: what arrives at the client, and every way an answer can break."""

import asyncio
import logging

import pytest

from tests.edge.rig import PATIENCE_S, Message, Rig, Wire, answer, reason, sends, until, unused_port

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
START = b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


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


class TestServersInDoubt:
    """Whose connection may serve another request."""

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
