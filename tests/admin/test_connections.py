"""Connections that send nothing, not all, or no HTTP; more of them than there may be."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from proxy.admin import connections
from proxy.admin.connections import Connections, Site
from proxy.admin.sites import bind
from proxy.settings import AdminLimits, AdminPort
from tests.admin.visiting import visiting

PATIENCE_S = 30.0
ASKS = b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n"
Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Served:
    """A port that answers, at once or when it is let; a few connections at a time."""

    def __init__(self, port: int, let: asyncio.Event, began: asyncio.Semaphore) -> None:
        self.port = port
        self.let = let
        self.began = began
        self.made: list[asyncio.StreamWriter] = []

    async def connect(self, data: bytes = b"") -> Pair:
        """One more, which sends so much."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.made.append(writer)
        writer.write(data)
        return reader, writer

    async def busy(self) -> Pair:
        """One whose request is being served."""
        made = await self.connect(ASKS.replace(b"quick", b"slow"))
        await asyncio.wait_for(self.began.acquire(), PATIENCE_S)
        return made


@asynccontextmanager
async def served(most: int) -> AsyncIterator[Served]:
    let, began, ports = asyncio.Event(), asyncio.Semaphore(0), list[int]()

    async def slow(_request: web.Request) -> web.Response:
        began.release()
        await let.wait()
        return web.Response(text="done")

    async def quick(request: web.Request) -> web.Response:
        return web.Response(text="done" + (await request.read()).decode())

    made = Connections(most)
    app = web.Application(middlewares=[made.noted])
    app.router.add_get("/slow", slow)
    app.router.add_route("*", "/quick", quick)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await bind(runner, AdminPort(host="127.0.0.1", port=0), None, ports.append, asyncio.Event(), made)
    running = Served(ports[0], let, began)
    try:
        yield running
    finally:
        let.set()
        for writer in running.made:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in running.made), return_exceptions=True)
        await runner.cleanup()


async def end_of(reader: asyncio.StreamReader) -> bytes:
    """All until the end; what was cut off ends as well."""
    found = b""
    try:
        while piece := await asyncio.wait_for(reader.read(65536), PATIENCE_S):
            found += piece
    except ConnectionError:
        pass
    return found


async def answered(reader: asyncio.StreamReader) -> bytes:
    """The head of an answer."""
    return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_S)


@pytest.mark.parametrize("sent", [b"", b"GET /", b"POST /quick HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"])
async def test_one_that_has_asked_for_nothing_makes_room(sent: bytes) -> None:
    async with served(2) as port:
        first, _ = await port.connect(sent)
        await port.busy()
        reader, _ = await port.connect(ASKS)
        assert b" 200 " in await answered(reader)
        assert await end_of(first) == b""


async def test_one_that_takes_nothing_of_its_answer_makes_room() -> None:
    """It has asked, and was answered: what is left to be sent stays in the memory of this process otherwise."""
    async with served(1) as port:
        first, _ = await port.connect(ASKS)
        assert b" 200 " in await answered(first)
        reader, _ = await port.connect(ASKS)
        assert b" 200 " in await answered(reader)


async def test_where_all_are_in_use_one_more_is_turned_away(caplog: pytest.LogCaptureFixture) -> None:
    async with served(2) as port:
        readers = [(await port.busy())[0] for _ in range(2)]
        for _ in range(3):
            assert await end_of((await port.connect(ASKS))[0]) == b""
        port.let.set()
        assert [b" 200 " in await answered(reader) for reader in readers] == [True, True]
    assert [one.levelno for one in caplog.records if "was turned away" in one.message] == [logging.WARNING], "said once"


async def test_a_head_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    async with served(2) as port:
        for sent in (b"", b"GET /quick HTTP/1.1\r\nHost:", ASKS):
            reader, _ = await port.connect(sent)
            assert (b" 200 " in await end_of(reader)) == (sent == ASKS)


@pytest.mark.parametrize(
    "head",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"secret" * 2000 + b": x\r\n\r\n",
        b"\x16\x03\x01secret" * 20,
    ],
)
async def test_what_is_no_http_is_answered_and_not_in_the_log(
    head: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with visiting(tmp_path) as visit:
        reader, writer = await asyncio.open_connection("127.0.0.1", visit.port)
        writer.write(head)
        told = await end_of(reader)
        writer.close()
    assert told.startswith(b"HTTP/1.0 400 ")
    assert b"Content-Security-Policy: " in told
    assert b'"reason":"this is no request that can be read' in told
    assert b"aiohttp" not in told
    assert b"secret" not in told
    assert [one for one in caplog.records if one.levelno >= logging.INFO and "request" in one.message] == []


async def test_the_limit_is_that_of_the_configuration(tmp_path: Path) -> None:
    async with visiting(tmp_path, limits=AdminLimits(connections=1)) as visit:
        idle, writer = await asyncio.open_connection("127.0.0.1", visit.port)
        assert (await visit.ask("GET", "/v1/session")).status == 200
        assert await end_of(idle) == b""
        writer.close()
        assert (await visit.ask("GET", "/v1/session", local=True)).status == 200


async def test_its_name_is_its_address() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    assert Site(runner, ("127.0.0.1", 1), None, Connections(1)).name == "http://127.0.0.1:1"
    await runner.cleanup()
