"""Endpoints served as they are, to one viewer, for tests: without the door, which has tests of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.admin.api import ApiError, Call, Endpoint, Viewer

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def calling(endpoints: Iterable[Endpoint], viewer: Viewer) -> AsyncIterator[Client]:
    """A client of these endpoints, who is this viewer."""
    app = web.Application()
    for one in endpoints:
        app.router.add_route(one.method, one.path, _handler(one, viewer))
    async with TestClient(TestServer(app)) as client:
        yield client


def _handler(one: Endpoint, viewer: Viewer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        query = None if one.query is None else msgspec.convert(dict(request.query), one.query, strict=False)
        call = Call(viewer=viewer, path=dict(request.match_info), query=query, body=None, request=request)
        try:
            found = await one.handler(call)
        except ApiError as error:
            return web.json_response({"reason": error.reason, "where": error.where}, status=error.status)
        if isinstance(found, web.StreamResponse):
            return found
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    return serve
