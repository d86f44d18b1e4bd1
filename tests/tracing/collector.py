"""A collector for tests: takes spans by OTLP over HTTP, as any other would, and can be slow, unwilling or away."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Sent
from opentelemetry.proto.trace.v1.trace_pb2 import Status

Told = dict[str, str | int | bool]
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One span that came."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    state: str
    attributes: Told
    failed: bool
    message: str
    ended: bool
    began_ns: int = 0


@dataclass(slots=True)
class Collector:
    """What came so far. `status` is answered to each batch, after `wait_s`; `headers` are those of the last one;
    `peers` are the addresses that batches came from."""

    url: str = ""
    status: int = 200
    wait_s: float = 0.0
    batches: int = 0
    spans: list[Seen] = field(default_factory=list)
    resources: list[Told] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    peers: set[object] = field(default_factory=set)

    def named(self, name: str) -> list[Seen]:
        """All spans of a name."""
        return [span for span in self.spans if span.name == name]

    def under(self, parent: Seen) -> list[Seen]:
        """The children of a span, in the order in which they ended."""
        return [span for span in self.spans if span.parent_id == parent.span_id]

    async def until(self, holds: Callable[["Collector"], bool]) -> None:
        """Wait until something came."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds(self):  # noqa: ASYNC110 -- the sender is another thread, or another process
                await asyncio.sleep(0.02)

    async def root(self, name: str, number: int = 1) -> Seen:
        """The span of that name that came as the so-many-eth."""
        await self.until(lambda one: len(one.named(name)) >= number)
        return self.named(name)[number - 1]

    async def take(self, request: web.Request) -> web.Response:
        """One batch."""
        self.batches += 1
        if request.transport is not None:
            self.peers.add(request.transport.get_extra_info("peername"))
        self.headers = {name.lower(): value for name, value in request.headers.items()}
        content = await request.read()
        await asyncio.sleep(self.wait_s)
        if self.status == 200:
            self._keep(ExportTraceServiceRequest.FromString(content))
        return web.Response(status=self.status, body=ExportTraceServiceResponse().SerializeToString())

    def _keep(self, sent: ExportTraceServiceRequest) -> None:
        for resource in sent.resource_spans:
            self.resources.append(told(resource.resource.attributes))
            self.spans += [seen(span) for scope in resource.scope_spans for span in scope.spans]


def told(attributes: object) -> Told:
    """Attributes as plain values."""
    found: Told = {}
    for one in attributes:  # type: ignore[attr-defined]  # a repeated field, which has no type of its own
        assert isinstance(one, KeyValue)
        found[one.key] = getattr(one.value, str(one.value.WhichOneof("value")))
    return found


def seen(span: Sent) -> Seen:
    """A span as it was sent."""
    return Seen(
        name=span.name,
        kind=Sent.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        state=span.trace_state,
        attributes=told(span.attributes),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        message=span.status.message,
        ended=span.end_time_unix_nano >= span.start_time_unix_nano > 0,
        began_ns=span.start_time_unix_nano,
    )


@asynccontextmanager
async def collecting(context: ssl.SSLContext | None = None) -> AsyncIterator[Collector]:
    """A collector that listens, over TLS where there is a context for it."""
    collector = Collector()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    host, port = runner.addresses[0][:2]
    scheme = "http" if context is None else "https"
    collector.url = f"{scheme}://{host}:{port}/v1/traces"
    try:
        yield collector
    finally:
        await runner.cleanup()
