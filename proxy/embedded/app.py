"""The embedded cluster as an aiohttp application, alone or in front of a genuine node. For the demo and for tests."""

import asyncio
import base64
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from proxy.embedded.backend import Answer, Backend, Call
from proxy.embedded.core import Core
from proxy.embedded.endpoint import World
from proxy.embedded.front import Front
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.node import Node
from proxy.embedded.security.identity import NATIVE, RESERVED, Realm, Subject
from proxy.embedded.security.keys import encoded
from proxy.embedded.security.store import ELASTIC_PASSWORD, Security

# A test may upload a lot, but what is uploaded is held in memory here.
_BODY_BYTES = 1024 * 1024 * 1024
# More than Elasticsearch's own 16 KiB: what a test sends through a proxy is for the proxy to refuse.
_HEAD_BYTES = 64 * 1024
# Older records go when there are this many: a benchmark must not fill the memory.
_RECORDS = 50_000
_WORLD: web.AppKey[World] = web.AppKey("world", World)


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came: headers in order with duplicates; `at` is `time.monotonic()` when it was whole."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    at: float
    body: bytes = field(default=b"", repr=False)

    @property
    def header_names(self) -> tuple[str, ...]:
        """Names as they were spelt, in order."""
        return tuple(name for name, _ in self.headers)

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(slots=True)
class Cluster:
    """A running embedded cluster. `delay_s` is waited before every answer, as a network would; `calls` are the
    requests received, oldest first."""

    host: str
    port: int
    scheme: str
    world: World
    kibana_token: str
    delay_s: float = 0.0
    calls: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def security(self) -> Security:
        """Its security. Raises ValueError on a cluster without."""
        if self.world.security is None:
            raise ValueError("this cluster has no security")
        return self.world.security

    def add_user(self, name: str, password: str, roles: Sequence[str], *, realm: Realm = NATIVE) -> str:
        """Add a user; the answer is its `Authorization` header."""
        self.security.add_user(name, password, roles, realm=realm)
        return basic(name, password)

    def add_role(self, name: str, body: Mapping[str, Any]) -> None:
        """Add a role in Elasticsearch's JSON."""
        self.security.add_role(name, body)

    def add_api_key(
        self, name: str, role_descriptors: Mapping[str, Any] | None = None, *, owner: str = "elastic"
    ) -> str:
        """Make an API key of a user; the answer is what goes behind `ApiKey `."""
        for realm in (RESERVED, NATIVE):
            user = self.security.users.get((realm, owner))
            if user is not None:
                key = self.security.add_api_key(Subject(user=user, realm=realm), name, role_descriptors)
                return encoded(key)
        raise ValueError(f"no user {owner!r}")

    @property
    def superuser(self) -> str:
        """The `Authorization` header of the user elastic."""
        return basic("elastic", ELASTIC_PASSWORD)

    @property
    def kibana(self) -> str:
        """The `Authorization` header of the service account elastic/kibana."""
        return f"Bearer {self.kibana_token}"


def basic(name: str, password: str) -> str:
    """The `Authorization` header for a name and a password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


Observer = Callable[[Received], Awaitable[None]]


def make_app(
    backend: Backend, security: Security | None, *, jobs: Jobs | None = None, observer: Observer | None = None
) -> web.Application:
    """The application. `observer` is awaited with every request before it is answered. Jobs are stopped on clean-up;
    the backend is the caller's to close."""
    world = World(backend, Node(backend), security, jobs or Jobs())
    front = Front(world)

    @web.middleware
    async def everything(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer whatever comes here: aiohttp's own routes are not Elasticsearch's."""
        del handler
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers)
        body = await request.read()
        if observer is not None:
            await observer(Received(request.method, request.raw_path, headers, time.monotonic(), body))
        call = Call(method=request.method, target=request.raw_path, headers=headers, body=body)
        return _response(await front.call(_inflated(call)))

    app = web.Application(middlewares=[everything], client_max_size=_BODY_BYTES)
    app[_WORLD] = world
    app.on_response_prepare.append(_without_own_headers)
    app.on_cleanup.append(_stop_jobs)
    return app


def _inflated(call: Call) -> Call:
    """The call with its body as it was before it was compressed. A broken one is left for others to refuse."""
    encoding = next((value.lower() for name, value in call.headers if name.lower() == "content-encoding"), "")
    if encoding not in ("gzip", "deflate"):
        return call
    try:
        body = zlib.decompress(call.body, wbits=zlib.MAX_WBITS | 32)  # the head of the data tells gzip from zlib
    except zlib.error:
        return call
    kept = tuple((name, value) for name, value in call.headers if name.lower() != "content-encoding")
    return replace(call, headers=kept, body=body)


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=CIMultiDict(answer.headers), body=answer.body)


async def _without_own_headers(_request: web.Request, response: web.StreamResponse) -> None:
    # Elasticsearch sends neither, and a differing date would spoil every comparison of answers.
    response.headers.popall("Date", None)
    response.headers.popall("Server", None)


async def _stop_jobs(app: web.Application) -> None:
    await app[_WORLD].jobs.close()


@asynccontextmanager
async def serve_embedded(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    backend: Backend | None = None,
    security: Security | bool = True,
    tls: ssl.SSLContext | None = None,
    jobs: Jobs | None = None,
    job_pace_s: float = 0.0,
) -> AsyncIterator[Cluster]:
    """Run an embedded cluster. Without a backend an empty index core is made. `security` False is a cluster without;
    True one with the users elastic and kibana_system. `job_pace_s` is waited at every step of a running job.
    Raises OSError where the address cannot be had. What was made here is closed in the end; so is the backend."""
    # Closed in any case: a test that hands over a backend is spared a `finally` of its own.
    holder = backend or Core()
    secured = (Security() if security else None) if isinstance(security, bool) else security
    # The observer needs the cluster, whose port is known only once the application that observes is listening.
    received: list[Cluster] = []

    async def observe(request: Received) -> None:
        cluster = received[0]
        cluster.calls.append(request)
        if len(cluster.calls) > _RECORDS:
            del cluster.calls[: _RECORDS // 2]
        if cluster.delay_s:
            await asyncio.sleep(cluster.delay_s)

    app = make_app(holder, secured, jobs=jobs or Jobs(pace_s=job_pace_s), observer=observe)
    runner = web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        handle_signals=False,
        max_line_size=_HEAD_BYTES,
        max_field_size=_HEAD_BYTES,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        bound = runner.addresses[0][1]
        token = secured.add_service_token() if secured is not None else ""
        received.append(Cluster(host, bound, "https" if tls else "http", app[_WORLD], token))
        yield received[0]
    finally:
        await runner.cleanup()
        await holder.close()
