"""A client's connection: pipelining, refusals, deadlines, and what becomes of bytes that nobody asked for."""

import asyncio
import contextlib
import json

import pytest

from tests.edge.rig import Rig, Wire, answer, echo

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


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

    async def test_a_head_that_drips_in_is_bounded(self, rig: Rig) -> None:
        edge, _ = await rig.simple(request_head_bytes=1000)
        client = await edge.connect()
        await client.send(b"GET /")
        with contextlib.suppress(ConnectionError):
            await client.send_for(b"a" * 10, 1.0, at_most=2000)
        assert (await client.message()).status == 431

    async def test_one_empty_line_before_a_request_is_forgiven(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        for size in (100, 1):
            data = b"\r\n" + GET
            for at in range(0, len(data), size):
                await client.send(data[at : at + size])
                await asyncio.sleep(0.001)
            assert (await client.message()).body == GET
