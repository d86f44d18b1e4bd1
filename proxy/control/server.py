"""The calls of the control API. Every call is logged with who made it; those that change something are recorded."""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from proxy.control.answers import answer, error
from proxy.control.peer import PEER, peer_of
from proxy.control.rules import RuleCalls
from proxy.gate.unix import leave, listen
from proxy.journal.standing import JournalStanding

logger = logging.getLogger(__name__)

# Few calls have a body, and but for cases, which are read apart, a small one; a page of text is what a mistake may send
# before it is told.
BODY_BYTES = 32 * 1024
# A reload that was asked for is let finish when the gate stops.
LAST_ANSWERS_S = 0.5
Journal = Callable[[], JournalStanding]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def make_app(
    rules: RuleCalls, uid: int, journal: Journal | None = None, more: Iterable[web.RouteDef] = ()
) -> web.Application:
    """The application; `uid` is the only user that is served. `journal` says how the journal stands; `more` are calls
    of others."""

    async def show_journal(_request: web.Request) -> web.Response:
        return answer(200, journal()) if journal is not None else error(404, "this gate has no journal")

    @web.middleware
    async def known(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await _served(request, handler, uid)

    app = web.Application(middlewares=[known], client_max_size=BODY_BYTES)
    app.router.add_routes([*rules.routes(), *more])
    app.router.add_get("/v1/journal", show_journal, allow_head=False)
    return app


async def _served(request: web.Request, handler: Handler, uid: int) -> web.StreamResponse:
    """One call, by who may make it, and its line in the log."""
    peer = peer_of(request.transport)
    response: web.StreamResponse
    if peer is None or peer.uid != uid:
        response = error(403, f"only user {uid} is served, whom the gate runs as")
    else:
        request[PEER] = peer
        try:
            response = await handler(request)
        except web.HTTPException as refusal:
            # Unknown paths and methods: in JSON, as everything else.
            response = error(refusal.status, f"{refusal.reason}: {request.method} {request.path}")
            if "Allow" in refusal.headers:
                response.headers["Allow"] = refusal.headers["Allow"]
    # What only looks changes nothing, and health checks look every few seconds.
    done = logging.DEBUG if request.method == "GET" else logging.INFO
    level = done if response.status < 400 else logging.WARNING
    who = peer or "somebody whom the system does not name"
    logger.log(level, "control: %s %s by %s: %d", request.method, request.path, who, response.status)
    return response


@asynccontextmanager
async def serving(
    path: Path | None, rules: RuleCalls, journal: Journal | None = None, more: Iterable[web.RouteDef] = ()
) -> AsyncIterator[None]:
    """Serve on a Unix socket at `path` (mode 0600) meanwhile; None serves nowhere. `journal` and `more` as for
    `make_app`.

    Raises:
        CannotServe, OSError: the socket is in use, or cannot be made.
    """
    if path is None:
        yield
        return
    app = make_app(rules, os.geteuid(), journal, more)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS_S)
    await runner.setup()
    bound = False
    try:
        await listen(runner, path, "control.socket")
        bound = True
        yield
    finally:
        await leave(runner, path if bound else None)
