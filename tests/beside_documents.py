"""What the commands of the documents talk to beside a cluster and Startgate: each as small as it can be."""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import trustme
from aiohttp import web

from tests.ship.fake_cluster import FakeCluster, listening

PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class Beside:
    """Base addresses of what takes records into a data stream and of a Kibana, and the port of a node with TLS."""

    streams: str
    kibana: str
    tls: int


@contextmanager
def standing_beside() -> Iterator[Beside]:
    """All of them, in a thread of their own while commands run in this one."""
    found: list[Beside] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()

    async def stand() -> None:
        async with _standing() as beside:
            found.append(beside)
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(stand()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(PATIENCE_S)
        loop.close()


@asynccontextmanager
async def _standing() -> AsyncIterator[Beside]:
    async with listening(FakeCluster()) as streams:
        runner = web.AppRunner(_kibana())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        node = await asyncio.start_server(_close, "127.0.0.1", 0, ssl=_certified())
        port = node.sockets[0].getsockname()[1]
        try:
            yield Beside(streams.url, f"http://127.0.0.1:{runner.addresses[0][1]}", port)
        finally:
            node.close()
            await runner.cleanup()


def _kibana() -> web.Application:
    app = web.Application()
    app.router.add_post("/api/saved_objects/_import", _imported)
    return app


async def _imported(request: web.Request) -> web.Response:
    """Kibana's import of saved objects: lines of JSON in a form, and no other than a call that says it is one."""
    if "kbn-xsrf" not in request.headers:
        return web.json_response({"message": "Request must contain a kbn-xsrf header."}, status=400)
    file = (await request.post())["file"]
    assert isinstance(file, web.FileField)
    objects = [json.loads(line) for line in file.file.read().splitlines()]
    return web.json_response({"success": all("type" in one for one in objects), "successCount": len(objects)})


async def _close(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


def _certified() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("10.0.0.1").configure_cert(context)
    return context
