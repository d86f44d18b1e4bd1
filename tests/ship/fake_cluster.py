"""As much of Elasticsearch as shipping asks, over a real socket, with faults to order: a stream of backing indices of
which each knows its own ids alone, as `test_ship` among the tests on genuine nodes shows."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from proxy.cluster.transport import Transport
from proxy.model import Credential
from proxy.settings import ClusterTls

STREAM = "startgate-audit"
NOBODY = Credential(whose="service", headers=())


def error(status: int, kind: str, reason: str = "so it is") -> web.Response:
    """An answer in Elasticsearch's shape."""
    inner = {"type": kind, "reason": reason, "root_cause": [{"type": kind, "reason": reason}]}
    return web.json_response({"error": inner, "status": status}, status=status)


class FakeCluster:
    """One node. `exists` False: no stream. `statuses` are answered to the next bulk requests, 0 for a connection that
    is cut before, and -1 for one that is cut after the request was carried out."""

    def __init__(self, *statuses: int, exists: bool = True) -> None:
        self.statuses = list(statuses)
        self.exists = exists
        self.indices: list[dict[str, bytes]] = [{}]
        self.items: dict[int, tuple[int, str]] = {}
        self.items_once = False
        self.calls: list[str] = []
        self.authorizations: list[str] = []
        self.limit = 1 << 30
        self.refused: dict[str, int] = {}
        self.version = "8.15.3"
        self.put: dict[str, Any] = {}
        self.url = ""

    def rollover(self) -> None:
        """From now on another index is written to."""
        self.indices.append({})

    @property
    def documents(self) -> list[bytes]:
        """Every document of every index, in the order of writing."""
        return [line for index in self.indices for line in index.values()]

    @property
    def numbers(self) -> list[int]:
        """Their numbers."""
        return [msgspec.json.decode(line)["startgate"]["chain"]["seq"] for line in self.documents]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any call."""
        what = request.path.rpartition("/")[2] if request.path != "/" else "/"
        self.calls.append(what)
        self.authorizations.append(request.headers.get("authorization", ""))
        if self.refused.get(what, 0):
            return error(self.refused[what], "security_exception", f"not allowed: {what}")
        if request.method == "PUT":
            return await self._put(request)
        if request.path == "/":
            return web.json_response({"version": {"number": self.version}} if self.version else {})
        if request.path.startswith("/_resolve/index/"):
            return self._resolved()
        answers = {"_refresh": self._refreshed, "_search": self._searched, "_bulk": self._written}
        return await answers[what](request)

    def _resolved(self) -> web.Response:
        if not self.exists:
            return error(404, "index_not_found_exception", f"no such index [{STREAM}]")
        return web.json_response({"indices": [], "aliases": [], "data_streams": [{"name": STREAM}]})

    async def _put(self, request: web.Request) -> web.Response:
        if request.path in self.put and "_data_stream" in request.path:
            return error(400, "resource_already_exists_exception")
        self.put[request.path] = await request.json() if request.can_read_body else None
        return web.json_response({"acknowledged": True})

    async def _refreshed(self, _request: web.Request) -> web.Response:
        return web.json_response({"_shards": {"total": 1, "successful": 1, "failed": 0}})

    async def _searched(self, request: web.Request) -> web.Response:
        assert request.query["allow_partial_search_results"] == "false"
        query = await request.json()
        if "ids" in query["query"]:
            wanted = set(query["query"]["ids"]["values"])
            hits = [{"_id": id} for index in self.indices for id in index if id in wanted]
            return web.json_response({"hits": {"hits": hits[: query["size"]]}} if hits else {})
        journal = query["query"]["bool"]["filter"][0]["term"]["startgate.chain.journal"]
        places = [msgspec.json.decode(line)["startgate"]["chain"] for line in self.documents]
        places = [place for place in places if place["journal"] == journal]
        if "aggs" in query:
            ranges = query["aggs"]["spans"]["range"]["ranges"]
            return web.json_response({"aggregations": {"spans": {"buckets": _buckets(ranges, places)}}})
        newest = sorted(places, key=lambda place: -place["seq"])[:1]
        found = [{"_source": {"startgate": {"chain": place}}} for place in newest]
        return web.json_response({"hits": {"hits": found}})

    async def _written(self, request: web.Request) -> web.StreamResponse:
        lines = (await request.read()).splitlines()
        status = self.statuses.pop(0) if self.statuses else 200
        if sum(map(len, lines)) > self.limit:
            return error(413, "content_too_long_exception")
        if status == 0:
            return self._cut(request)
        if status not in (200, -1):
            return error(status, "some_exception")
        items = [self._create(action, line) for action, line in zip(lines[::2], lines[1::2], strict=True)]
        if self.items_once:
            self.items = {}
        return self._cut(request) if status == -1 else web.json_response({"errors": True, "items": items})

    def _create(self, action: bytes, line: bytes) -> dict[str, Any]:
        id = msgspec.json.decode(action)["create"]["_id"]
        seq = msgspec.json.decode(line)["startgate"].get("chain", {}).get("seq", 0)
        if seq in self.items:
            status, kind = self.items[seq]
            return {"create": {"status": status, "error": {"type": kind, "reason": "so it is"}}}
        if id in self.indices[-1]:
            conflict = {"type": "version_conflict_engine_exception", "reason": "document already exists"}
            return {"create": {"status": 409, "error": conflict}}
        self.indices[-1][id] = line
        return {"create": {"status": 201}}

    def _cut(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


def _buckets(ranges: Sequence[Any], places: Sequence[Any]) -> dict[str, Any]:
    found = {}
    for one in ranges:
        numbers = [place["seq"] for place in places if one["from"] <= place["seq"] < one["to"]]
        found[one["key"]] = {"doc_count": len(numbers), "numbers": {"value": float(sum(numbers))}}
    return found


@asynccontextmanager
async def listening(cluster: FakeCluster) -> AsyncIterator[FakeCluster]:
    """The node, on a port of its own."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", cluster.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        await web.SockSite(runner, one).start()
        cluster.url = f"http://127.0.0.1:{one.getsockname()[1]}"
        try:
            yield cluster
        finally:
            await runner.cleanup()


@asynccontextmanager
async def transport_to(cluster: FakeCluster) -> AsyncIterator[Transport]:
    """A way to it."""
    transport = Transport([cluster.url], ClusterTls(), 10.0)
    try:
        yield transport
    finally:
        await transport.close()
