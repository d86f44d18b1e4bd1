"""The span of a start, where starts are traced: begun with its head, ended with its answer. Docs: docs/tracing.md."""

import asyncio
import re
import time
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from proxy.gate.flight import Flight
from proxy.gate.tally import kind_of, verdict_of
from proxy.model import Answer
from proxy.tracing.current import SERVER_ERROR, Span, Value, tell
from proxy.tracing.load import Tracer
from proxy.tracing.names import EDGE, ROUTE, START
from proxy.tracing.w3c import parent_of

# As `edge.receipt.new_receipt` makes them, which the gate does not import.
RECEIPT: Final = re.compile(r"[0-9a-f]{32}")
# No start waits as long at an edge: what seems to is the gate's own receipt, which is random, or another clock.
LONGEST_NS: Final = 3600 * 1_000_000_000


async def close(tracer: Tracer | None) -> None:
    """Send what is left, within a bound."""
    if tracer is not None:
        await asyncio.to_thread(tracer.close)


def begun(tracer: Tracer | None, headers: Sequence[tuple[str, str]], path: str, receipt: str = "") -> Span | None:
    """The span of a start that arrives; in the client's trace where it names one. It began when the edge gave it its
    receipt, and what came before the gate is a span of its own."""
    if tracer is None:
        return None
    since_ns = edge_ns(receipt, time.time_ns())
    told: dict[str, Value] = {"http.request.method": "POST", "http.route": ROUTE, "url.scheme": "http"}
    span = tracer.begin(START, {**told, "url.path": path}, parent_of(headers), since_ns)
    if since_ns is not None:
        span.past(EDGE, since_ns)
    return span


def edge_ns(receipt: str, now_ns: int) -> int | None:
    """When an edge gave out a receipt, of whose digits the first twelve are milliseconds since 1970. None where that
    cannot be: it is none of an edge's, or the clock was set meanwhile."""
    if RECEIPT.fullmatch(receipt) is None:
        return None
    since_ns = int(receipt[:12], 16) * 1_000_000
    return since_ns if 0 <= now_ns - since_ns < LONGEST_NS else None


def note(flight: Flight, answer: Answer) -> None:
    """What came of the start whose span is under way."""
    told: dict[str, Value] = {
        "startgate.receipt": flight.arrived.receipt,
        "startgate.kind": kind_of(flight),
        "startgate.verdict": verdict_of(flight, answer).value,
        "startgate.rules.revision": flight.revision,
    }
    if flight.job_id is not None:
        told["startgate.job.id"] = flight.job_id
    if flight.cluster_answer is not None:
        told["startgate.cluster.status"] = flight.cluster_answer.status
    if flight.plan is not None and kind_of(flight) == "start":
        told["startgate.destination.created"] = flight.created
    tell(told)


async def finished(span: Span | None, work: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer that `work` comes to, with which the span ends; whatever happens, it ends."""
    if span is None:
        return await work
    try:
        answer = await work
    except BaseException as failure:
        span.fail(type(failure).__qualname__)
        raise
    else:
        span.tell({"http.response.status_code": answer.status})
        if answer.status >= SERVER_ERROR:
            span.fail(str(answer.status))
        return answer
    finally:
        span.end()
