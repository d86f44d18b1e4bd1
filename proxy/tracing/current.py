"""The span that is under way in this task, where anything is traced; all that the traced code knows of traces.

Rules of this file: nothing of OpenTelemetry is imported; whoever is not traced pays for a look at a variable; no text
of an error, no header and no body goes into a span, as each of them may quote a secret.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from proxy.errors import Refusal
from proxy.tracing.calls import Operation, operation_of
from proxy.tracing.w3c import TRACEPARENT, TRACESTATE, Ids, without

Value = str | int | bool | Sequence[str]
Header = tuple[str, str]
# From here on an answer is an error of whoever gave it; below, the one who asked may be wrong (HTTP spans, "Status").
SERVER_ERROR = 500
CLIENT_ERROR = 400
# The node that an Elastic Cloud deployment chose, and its cluster, as its proxies tell.
_NODE_HEADER, _CLUSTER_HEADER = "x-found-handling-instance", "x-found-handling-cluster"


class Kind(StrEnum):
    """What a span stands for: a request that came, one that is sent, or work in between."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Span(Protocol):
    """One span under way. `carried` is the `traceparent` of what is sent in it, `state` its `tracestate`."""

    @property
    def ids(self) -> Ids:
        """Its own id, and that of its trace."""

    @property
    def carried(self) -> str:
        """The value of `traceparent`."""

    @property
    def state(self) -> str:
        """The value of `tracestate`, empty for none."""

    def child(self, name: str, kind: Kind, attributes: Mapping[str, Value]) -> "Span":
        """A span within this one, which begins now."""

    def past(self, name: str, since_ns: int) -> None:
        """A span of work within this one that is over now, and began then (nanoseconds since 1970)."""

    def tell(self, attributes: Mapping[str, Value]) -> None:
        """Add attributes."""

    def fail(self, error: str) -> None:
        """It went wrong; `error` is a status or the name of a class, never a text."""

    def end(self) -> None:
        """It is over."""


_SPAN: ContextVar[Span | None] = ContextVar("_SPAN", default=None)
# The client's own, of a start that is not traced.
_CLIENTS: ContextVar[Ids | None] = ContextVar("_CLIENTS", default=None)


def current_ids() -> Ids | None:
    """The span that is under way, for a log line; where nothing is traced, the one that the client named. None outside
    of a start, and where the client named none."""
    span = _SPAN.get()
    return span.ids if span is not None else _CLIENTS.get()


def current_trace_id() -> str | None:
    """The trace that is under way, in 32 hex digits; as `current_ids`."""
    ids = current_ids()
    return ids.trace_id if ids is not None else None


def tell(attributes: Mapping[str, Value]) -> None:
    """Add attributes to the span that is under way, where there is one."""
    span = _SPAN.get()
    if span is not None:
        span.tell(attributes)


@contextmanager
def within(span: Span | None, clients: Ids | None = None) -> Iterator[None]:
    """What is done meanwhile, and what tasks are spawned, belong to this span; `clients` is what the client named.

    With two times None nothing of it is traced: for a task that outlives the start in which it is spawned.
    """
    mark, named = _SPAN.set(span), _CLIENTS.set(clients)
    try:
        yield
    finally:
        _SPAN.reset(mark)
        _CLIENTS.reset(named)


@contextmanager
def step(name: str) -> Iterator[None]:
    """One step of what is traced; what escapes it is told as an error, unless it is a refusal."""
    parent = _SPAN.get()
    if parent is None:
        yield
        return
    span = parent.child(name, Kind.INTERNAL, {})
    mark = _SPAN.set(span)
    try:
        yield
    except BaseException as failure:
        _told(span, failure)
        raise
    finally:
        _SPAN.reset(mark)
        span.end()


def _told(span: Span, failure: BaseException) -> None:
    """How a step ended that did not go on. To refuse is what the gate is for, and no error of its own."""
    if isinstance(failure, Refusal):
        span.tell({"startgate.refused.status": failure.status})
        if failure.status < SERVER_ERROR:
            return
        span.fail(str(failure.status))
    else:
        span.fail(type(failure).__qualname__)


class Asked:
    """One call to the cluster. Where nothing is traced, headers pass as they are, and nobody is told."""

    __slots__ = ("_operation", "_span")

    def __init__(self, span: Span | None, operation: Operation | None) -> None:
        self._span = span
        self._operation = operation

    def headers(self, given: Sequence[Header]) -> Sequence[Header]:
        """What is sent in place of these: with the one `traceparent` that names this call."""
        if self._span is None:
            return given
        state = ((TRACESTATE, self._span.state),) if self._span.state else ()
        return (*without(given), (TRACEPARENT, self._span.carried), *state)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The cluster answered. That something looked for is not there is an answer, and no error."""
        if self._span is None or self._operation is None:
            return
        told: dict[str, Value] = {"db.response.status_code": str(status), "http.response.status_code": status}
        for name, header in (("elasticsearch.node.name", _NODE_HEADER), ("db.namespace", _CLUSTER_HEADER)):
            if header in headers:
                told[name] = headers[header]
        self._span.tell(told)
        if status >= CLIENT_ERROR and not (status == 404 and self._operation.looks):
            self._span.fail(str(status))


_NOBODY = Asked(None, None)


@contextmanager
def asked(method: str, target: str) -> Iterator[Asked]:
    """A call to the cluster, from before it is sent until its answer is there."""
    parent = _SPAN.get()
    if parent is None:
        yield _NOBODY
        return
    operation = operation_of(method, target)
    told: dict[str, Value] = {"db.system.name": "elasticsearch", "http.request.method": method}
    told |= {"db.operation.name": operation.name}
    told |= {f"db.operation.parameter.{key}": value for key, value in operation.parameters}
    if operation.index:
        told["db.collection.name"] = operation.index
    # The conventions would have the index in the name, too: of those there may be thousands, and names are grouped by.
    span = parent.child(operation.name, Kind.CLIENT, told)
    mark = _SPAN.set(span)
    try:
        yield Asked(span, operation)
    except BaseException as failure:
        span.fail(type(failure).__qualname__)
        raise
    finally:
        _SPAN.reset(mark)
        span.end()


def sent_to(base: str, target: str) -> None:
    """The call that is under way goes to this node now; of several that are tried, the last one counts."""
    span = _SPAN.get()
    if span is None:
        return
    node = urlsplit(base)
    port = node.port or (443 if node.scheme == "https" else 80)
    where: dict[str, Value] = {"server.address": node.hostname or "", "server.port": port}
    span.tell({"url.full": base.rstrip("/") + target, **where})
