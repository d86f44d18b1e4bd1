"""Spans by OpenTelemetry, sent by OTLP over HTTP. The only module that imports it, and imported only where it is used.

Of the environment's `OTEL_…` variables those that add to the resource are heard (`OTEL_RESOURCE_ATTRIBUTES`); where
traces go, with which credentials, and how many, says `startgate.yml` alone.
"""

import contextlib
import logging
import os
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import requests
import urllib3
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from proxy.tracing.current import Kind, Value
from proxy.tracing.sending import Counts, Sending
from proxy.tracing.settings import TracingSettings
from proxy.tracing.w3c import Ids, Parent, written

KINDS: Mapping[Kind, SpanKind] = {
    Kind.SERVER: SpanKind.SERVER,
    Kind.CLIENT: SpanKind.CLIENT,
    Kind.INTERNAL: SpanKind.INTERNAL,
}
# A job may have thousands of sources; this much of their names tells which call it was.
ATTRIBUTE_CHARACTERS = 1024
SCOPE = "startgate"
# An answer to spans has some ten bytes (OTLP 1.0, "Full Success"), or the text of an error.
ANSWER_BYTES = 64 * 1024
ANSWER_S = 1.0


class Span:
    """A span of OpenTelemetry's (`current.Span`). `state` is what the client sent along, which nobody here changes."""

    __slots__ = ("_span", "_tracer", "state")

    def __init__(self, span: OtelSpan, tracer: Tracer, state: str) -> None:
        self._span = span
        self._tracer = tracer
        self.state = state

    @property
    def ids(self) -> Ids:
        """Its own id, and that of its trace."""
        context = self._span.get_span_context()
        return Ids(trace_id=f"{context.trace_id:032x}", span_id=f"{context.span_id:016x}")

    @property
    def carried(self) -> str:
        """The value of `traceparent`."""
        return written(self.ids, self._span.get_span_context().trace_flags)

    def child(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> "Span":
        """A span within this one, which begins now."""
        within = set_span_in_context(self._span, Context())
        made = self._tracer.start_span(name, context=within, kind=KINDS[kind], attributes=attributes)
        return Span(made, self._tracer, self.state)

    def past(self, name: str, since_ns: int) -> None:
        """A span of work within this one that is over now, and began then (nanoseconds since 1970)."""
        within = set_span_in_context(self._span, Context())
        self._tracer.start_span(name, context=within, start_time=since_ns).end()

    def tell(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""
        self._span.set_attributes(attributes)

    def fail(self, error: str) -> None:
        """It went wrong; `error` is a status or the name of a class, never a text."""
        self._span.set_attribute("error.type", error)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        """It is over."""
        self._span.end()


class OtelTracer:
    """Makes the spans of starts, and sends them. Call `close` once, from a thread that may wait."""

    def __init__(self, settings: TracingSettings) -> None:
        # What goes wrong is told once a minute, with what was lost by it; the libraries would tell each attempt.
        for noisy in ("opentelemetry", "urllib3"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self._exporter = _Exporter(settings)
        self._sending: Sending[ReadableSpan] = Sending(self._exporter.send, self._exporter.abort, settings.limits)
        provider = TracerProvider(
            # What the client has decided for its trace holds (W3C Trace Context §3.2.2.5.1).
            sampler=ParentBased(root=TraceIdRatioBased(settings.sample)),
            resource=_resource(),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attribute_length=ATTRIBUTE_CHARACTERS),
        )
        provider.add_span_processor(_Queue(self._sending))
        self._tracer = provider.get_tracer(SCOPE, version("startgate"))

    def begin(
        self, name: str, attributes: Mapping[str, Value], parent: Parent | None, since_ns: int | None = None
    ) -> Span:
        """The span of a request that came, then or now; in the client's trace, where it named one."""
        within = Context()
        if parent is not None:
            within = set_span_in_context(NonRecordingSpan(_context(parent)), within)
        kind = SpanKind.SERVER
        span = self._tracer.start_span(name, context=within, kind=kind, attributes=attributes, start_time=since_ns)
        return Span(span, self._tracer, parent.state if parent is not None else "")

    def close(self) -> None:
        """Send what is there, for `limits.trace.flush_s` seconds at most."""
        self._sending.close()

    @property
    def counts(self) -> Counts:
        """How many spans were sent and lost so far."""
        return self._sending.counts


class _Queue(SpanProcessor):
    """Puts what has ended into the queue. OpenTelemetry's own would log each span that does not fit, and not count."""

    def __init__(self, sending: Sending[ReadableSpan]) -> None:
        self._sending = sending

    def on_end(self, span: ReadableSpan) -> None:
        self._sending.put(span)


class _Exporter:
    """OTLP over HTTP, compressed."""

    def __init__(self, settings: TracingSettings) -> None:
        self._session = _Session()
        self._exporter = OTLPSpanExporter(
            endpoint=settings.endpoint,
            certificate_file=settings.ca,
            headers=dict(settings.headers),
            timeout=settings.limits.send_s,
            compression=Compression.Gzip,
            session=self._session,
        )
        self._endpoint = settings.endpoint

    def send(self, spans: Sequence[ReadableSpan]) -> str:
        """Send a batch, tried again for `limits.trace.send_s` seconds; what went wrong, empty for nothing."""
        self._session.problem = "no answer"
        good = self._exporter.export(spans) is SpanExportResult.SUCCESS
        return "" if good else f"{self._endpoint}: {self._session.problem}"

    def abort(self) -> None:
        """Try no further."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]  # the library has no types there


class Redirected(requests.RequestException):
    """The collector sends us elsewhere. The exporter would take that for a success, and `requests` would carry the
    credentials there."""


class _Session(requests.Session):
    """Remembers what went wrong last, which the exporter does not tell. Goes nowhere else, and reads of an answer no
    more than it is worth: whoever answers as a collector must not fill the gate's memory, or hold the thread."""

    def __init__(self) -> None:
        super().__init__()
        # Neither proxies nor a `.netrc` of whoever started the process: credentials are those of the configuration.
        self.trust_env = False
        self.problem = ""

    def request(self, *arguments: Any, **named: Any) -> requests.Response:  # noqa: ANN401 -- as the base class
        """As the base class."""
        try:
            response = super().request(*arguments, **{**named, "stream": True, "allow_redirects": False})
            _read_out(response)
            if 300 <= response.status_code < 400:
                raise Redirected(response=response)
        except requests.RequestException as failure:
            # Not its text, which may show a header.
            self.problem = type(failure).__name__
            if isinstance(failure, Redirected) and failure.response is not None:
                self.problem = f"status {failure.response.status_code}, which leads elsewhere"
            raise
        self.problem = f"status {response.status_code}"
        return response


def _read_out(response: requests.Response) -> None:
    """Have the connection free for the next batch, where the answer ends soon; else close it. What an answer says
    beside its status is of no use here."""
    until_s, left = time.monotonic() + ANSWER_S, ANSWER_BYTES
    with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
        while left > 0 and time.monotonic() < until_s:
            # As it came: what a few bytes unfold to may be as large as the memory.
            piece = response.raw.read1(left, decode_content=False)
            if not piece:
                return
            left -= len(piece)
    response.close()


def _context(parent: Parent) -> SpanContext:
    return SpanContext(
        trace_id=int(parent.ids.trace_id, 16),
        span_id=int(parent.ids.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(parent.flags),
        trace_state=TraceState.from_header([parent.state]),
    )


def _resource() -> Resource:
    return Resource.create(
        {
            "service.name": "startgate",
            "service.version": version("startgate"),
            "service.instance.id": str(uuid.uuid4()),
            "host.name": socket.gethostname(),
            "process.pid": os.getpid(),
        }
    )
