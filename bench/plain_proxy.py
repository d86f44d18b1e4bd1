"""The obvious way to write a proxy in Python: an aiohttp server around an aiohttp client, both bodies streamed.

It stands in the table as what the edge has to be worth its own code against. It gets uvloop too, so that the
difference is the framework's and not the event loop's.
Run: python -m bench.plain_proxy PORT UPSTREAM_PORT
"""

import asyncio
import sys
from collections.abc import Mapping

import aiohttp
import uvloop
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
_UPSTREAM = web.AppKey("upstream", str)
_SESSION = web.AppKey("session", aiohttp.ClientSession)


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP)


async def _forward(request: web.Request) -> web.StreamResponse:
    session = request.app[_SESSION]
    async with session.request(
        request.method,
        URL(request.app[_UPSTREAM] + request.raw_path, encoded=True),
        headers=_end_to_end(request.headers),
        data=request.content if request.body_exists else None,
        allow_redirects=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
    ) as answer:
        reply = web.StreamResponse(status=answer.status, reason=answer.reason, headers=_end_to_end(answer.headers))
        await reply.prepare(request)
        async for chunk in answer.content.iter_any():
            await reply.write(chunk)
        await reply.write_eof()
        return reply


async def serve(port: int, upstream_port: int) -> None:
    """Proxy the loopback `port` to `upstream_port` until cancelled."""
    app = web.Application(client_max_size=1 << 40)
    app[_UPSTREAM] = f"http://127.0.0.1:{upstream_port}"
    connector = aiohttp.TCPConnector(limit=0)
    app[_SESSION] = aiohttp.ClientSession(connector=connector, auto_decompress=False)
    app.router.add_route("*", "/{path:.*}", _forward)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=2048).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
