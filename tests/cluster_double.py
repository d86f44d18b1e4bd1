"""A cluster's first two answers, for tests of what asks for them: `GET /` and `GET _security/_authenticate`."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

SERVICE = "ApiKey aWQ6d29ydA=="
BANNER = {"name": "node-1", "cluster_name": "flights", "version": {"number": "9.1.0"}}
WHO = {
    "username": "startgate",
    "roles": ["startgate"],
    "authentication_realm": {"name": "native1", "type": "native"},
    "lookup_realm": {"name": "native1", "type": "native"},
    "authentication_type": "realm",
}
UNAUTHORIZED = {
    "error": {"type": "security_exception", "reason": "unable to authenticate"},
    "status": 401,
}


@dataclass
class Double:
    """What it answers. `secured` 401s whoever does not send SERVICE; `down` counts the answers of 503 before others;
    after `answers` of them there are no more. One that `greets` tells its name to anybody."""

    url: str = ""
    secured: bool = True
    banner: object = field(default_factory=lambda: BANNER)
    security: bool = True
    greets: bool = False
    down: int = 0
    answers: int = 1_000_000
    pause_s: float = 0.0


def _knows(double: Double, request: web.Request) -> bool:
    return not double.secured or request.headers.get("authorization") == SERVICE


@asynccontextmanager
async def cluster(double: Double, tls: ssl.SSLContext | None = None) -> AsyncIterator[Double]:
    """Serves the double on a port of the system's choice; anything but its two routes echoes the path."""

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(double.pause_s if request.path == "/slow" else 0)
        double.answers -= 1
        if double.down or double.answers < 0:
            double.down -= 1
            return web.json_response({"error": "starting", "status": 503}, status=503)
        if request.path not in {"/", "/_security/_authenticate"}:
            return web.json_response({"path": request.path})
        if not _knows(double, request) and not (double.greets and request.path == "/"):
            return web.json_response(UNAUTHORIZED, status=401)
        if request.path == "/":
            return web.json_response(double.banner)
        if not double.security:
            return web.json_response({"error": "no handler found", "status": 400}, status=400)
        return web.json_response(WHO)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    double.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield double
    finally:
        await runner.cleanup()
