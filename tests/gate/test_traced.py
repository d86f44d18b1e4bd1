"""The span of a start: in the client's trace, with what came of it, and ended whatever happens."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from proxy.edge.receipt import new_receipt
from proxy.gate import traced
from proxy.gate.flight import Destination, Flight, Plan
from proxy.gate.request import Arrived
from proxy.model import Answer
from proxy.tracing.current import Kind, Value, within
from proxy.tracing.names import EDGE, OF_A_START, START
from proxy.tracing.sending import Counts
from proxy.tracing.w3c import Parent
from tests.tracing.fakes import Kept

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Tracer:
    """Keeps what it is asked for."""

    def __init__(self) -> None:
        self.parent: Parent | None = None
        self.closed = 0

    def begin(
        self, name: str, attributes: Mapping[str, Value], parent: Parent | None, since_ns: int | None = None
    ) -> Kept:
        """A span in memory."""
        self.parent = parent
        return Kept(name, attributes=dict(attributes), since_ns=since_ns)

    @property
    def counts(self) -> Counts:
        """Nothing is sent."""
        return Counts()

    def close(self) -> None:
        """Counted."""
        self.closed += 1


def flight(**changes: object) -> Flight:
    """A start under way."""
    arrived = Arrived(target="/x", headers=(("authorization", "Basic s3cret"),), receipt="r1")
    return replace(Flight(arrived=arrived, revision="abc", begun_ms=0, begun_s=0.0), **changes)  # type: ignore[arg-type]


def test_the_span_begins_with_the_head_of_a_start() -> None:
    tracer = Tracer()
    span = traced.begun(tracer, [("traceparent", GOOD), ("tracestate", "a=1")], "/_ml/data_frame/analytics/j/_start")
    assert isinstance(span, Kept)
    assert span.name == START
    assert span.attributes["url.path"] == "/_ml/data_frame/analytics/j/_start"
    assert tracer.parent is not None
    assert tracer.parent.state == "a=1"


def test_what_came_before_the_gate_is_a_span_of_its_own() -> None:
    receipt = new_receipt()
    span = traced.begun(Tracer(), [], "/", receipt)
    assert isinstance(span, Kept)
    [edge] = span.children
    assert (edge.name, edge.kind, edge.ended) == (EDGE, Kind.INTERNAL, 1)
    assert edge.since_ns == span.since_ns == int(receipt[:12], 16) * 1_000_000
    own = traced.begun(Tracer(), [], "/")
    assert isinstance(own, Kept)
    assert (own.children, own.since_ns) == ([], None)


@pytest.mark.parametrize(
    ("receipt", "since_ms"),
    [
        ("018f00000000" + "0" * 20, 0x18F00000000),
        ("018f00000001" + "f" * 20, None),
        ("018effffffff" + "a" * 20, 0x18EFFFFFFFF),
        ("018effffffff" + "a" * 19, None),
        ("018efc911900" + "a" * 20, None),
        ("018EFFFFFFFF" + "a" * 20, None),
        ("", None),
        ("f" * 32, None),
        ("0" * 32, None),
        ("018effffffff" + "a" * 20 + "\n", None),
    ],
)
def test_a_receipt_tells_when_the_edge_gave_it(receipt: str, since_ms: int | None) -> None:
    """The gate's own are random; and a clock that was set tells nothing."""
    now_ns = 0x18F00000000 * 1_000_000
    assert traced.edge_ns(receipt, now_ns) == (None if since_ms is None else since_ms * 1_000_000)


def test_untraced_there_is_none() -> None:
    assert traced.begun(None, [("traceparent", GOOD)], "/") is None


def test_what_came_of_a_start_is_told() -> None:
    root = Kept("start")
    plan = Plan(step=Destination.CREATE, why="")
    one = flight(job_id="j", plan=plan, created=True, cluster_answer=Answer(status=200), intended=True)
    with within(root):
        traced.note(one, Answer(status=200))
    assert root.attributes == {
        "startgate.receipt": "r1",
        "startgate.kind": "start",
        "startgate.verdict": "granted",
        "startgate.rules.revision": "abc",
        "startgate.job.id": "j",
        "startgate.cluster.status": 200,
        "startgate.destination.created": True,
    }
    assert set(root.attributes) <= set(OF_A_START)


def test_what_is_not_known_is_not_told() -> None:
    root = Kept("start")
    with within(root):
        traced.note(flight(), Answer(status=400))
    assert root.attributes["startgate.verdict"] == "refused"
    assert not {"startgate.job.id", "startgate.cluster.status", "startgate.destination.created"} & set(root.attributes)
    traced.note(flight(), Answer(status=400))  # where nothing is traced nobody hears of it


@pytest.mark.parametrize(("status", "error"), [(200, ""), (403, ""), (499, ""), (500, "500"), (503, "503")])
async def test_it_ends_with_the_answer(status: int, error: str) -> None:
    async def work() -> Answer:
        return Answer(status=status)

    root = Kept("start")
    assert (await traced.finished(root, work())).status == status
    assert (root.attributes, root.error, root.ended) == ({"http.response.status_code": status}, error, 1)
    assert (await traced.finished(None, work())).status == status


async def test_it_ends_where_there_is_no_answer() -> None:
    async def work() -> Answer:
        raise asyncio.CancelledError

    root = Kept("start")
    with pytest.raises(asyncio.CancelledError):
        await traced.finished(root, work())
    assert (root.error, root.ended) == ("CancelledError", 1)


async def test_what_is_left_is_sent_in_the_end() -> None:
    tracer = Tracer()
    await traced.close(tracer)
    await traced.close(None)
    assert tracer.closed == 1
