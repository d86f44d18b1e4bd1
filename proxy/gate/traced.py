"""The span of a start, where starts are traced: begun with its head, ended with its answer. Docs: docs/tracing.md."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from proxy.gate.flight import Flight
from proxy.gate.tally import kind_of, verdict_of
from proxy.model import Answer
from proxy.tracing.current import SERVER_ERROR, Span, Value, tell
from proxy.tracing.load import Tracer
from proxy.tracing.names import ROUTE, START
from proxy.tracing.w3c import parent_of


async def close(tracer: Tracer | None) -> None:
    """Send what is left, within a bound."""
    if tracer is not None:
        await asyncio.to_thread(tracer.close)


def begun(tracer: Tracer | None, headers: Sequence[tuple[str, str]], path: str) -> Span | None:
    """The span of a start that arrives; in the client's trace where it names one."""
    if tracer is None:
        return None
    told: dict[str, Value] = {"http.request.method": "POST", "http.route": ROUTE, "url.scheme": "http"}
    return tracer.begin(START, {**told, "url.path": path}, parent_of(headers))


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
