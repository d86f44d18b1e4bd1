"""Starts through all running parts, traced: what the collector gets, what the cluster sees, and what is on record."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from proxy.config import load
from proxy.embedded.app import Cluster, Received, serve_embedded
from proxy.gate import app
from proxy.supervisor import Supervisor
from proxy.tracing.names import OF_A_CALL, OF_A_START, OF_A_STEP, RESOURCE, SPANS, START
from proxy.tracing.otel import OtelTracer
from proxy.tracing.settings import TraceLimits, TracingSettings
from proxy.tracing.w3c import read
from tests.stack import Stack, in_front_of
from tests.tracing.collector import PATIENCE_S, Collector, Seen, collecting

JOB = "/_ml/data_frame/analytics/j"
BODY = {"source": {"index": ["open-1"]}, "dest": {"index": "out-1"}, "analysis": {"outlier_detection": {}}}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
SECRET = "ann-s3cret"
LIMITS = TraceLimits(pause_s=0.02)


@asynccontextmanager
async def traced(folder: Path, *, away: bool = False, **changes: object) -> AsyncIterator[tuple[Stack, Collector]]:
    """All parts, and a collector; the cluster holds a source and a job, or is `away`."""
    async with collecting() as collector, serve_embedded() as cluster:
        settings = TracingSettings(endpoint=collector.url, limits=LIMITS)
        settings = replace(settings, **changes)  # type: ignore[arg-type]  # fields by name
        # Nobody listens on port 1.
        async with in_front_of(replace(cluster, port=1) if away else cluster, folder, tracing=settings) as stack:
            if not away:
                await fill(stack)
            yield stack, collector


async def fill(stack: Stack) -> None:
    """A source with numbers in it, a job over it, and somebody who may do all."""
    await stack.ok("PUT", "/open-1", {"mappings": {"properties": {"x": {"type": "double"}}}})
    documents = "".join(f'{{"index":{{}}}}\n{{"x":{number}}}\n' for number in range(20))
    await stack.ok("POST", "/open-1/_bulk?refresh=true", documents)
    await stack.ok("PUT", JOB, BODY)
    stack.cluster.calls.clear()


def of_starts(cluster: Cluster) -> list[Received]:
    """The calls that were made for ann's starts; as the service, nobody but who follows jobs asks for the job."""
    return [
        one
        for one in cluster.calls
        if not (one.target.startswith(JOB) and one.header("authorization") == cluster.superuser)
    ]


def ann(stack: Stack) -> str:
    """Somebody who may do all, and is not the service."""
    return stack.cluster.add_user("ann", SECRET, ["superuser"])


def parents(call: Received) -> list[str]:
    """Every `traceparent` of a call."""
    return [value for name, value in call.headers if name.lower() == "traceparent"]


def below(collector: Collector, root: Seen) -> list[Seen]:
    """All spans under one."""
    found = collector.under(root)
    return [*found, *(span for child in found for span in below(collector, child))]


async def test_a_start_is_one_trace(tmp_path: Path) -> None:
    async with traced(tmp_path) as (stack, collector):
        reply = await stack.start("j", ann(stack), "?error_trace=false", traceparent=SAMPLED, tracestate="vendor=1")
        assert reply.status == 200
        await stack.end_of(reply.receipt)
        await collector.until(lambda one: bool(one.named("look again") and one.named(START)))
        [root] = collector.named(START)
        calls = of_starts(stack.cluster)
    assert (root.trace_id, root.parent_id, root.kind, root.state) == (TRACE, SPAN, "server", "vendor=1")
    assert root.attributes == {
        "http.request.method": "POST",
        "http.route": "/_ml/data_frame/analytics/{id}/_start",
        "http.response.status_code": 200,
        "url.scheme": "http",
        "url.path": f"{JOB}/_start",
        "startgate.receipt": reply.receipt,
        "startgate.kind": "start",
        "startgate.job.id": "j",
        "startgate.verdict": "granted",
        "startgate.rules.revision": stack.recorded(reply.receipt).records["outcome"]["startgate"]["rules"]["revision"],
        "startgate.cluster.status": 200,
        "startgate.destination.created": True,
    }
    steps = [span.name for span in collector.under(root)]
    for name in (
        "edge",
        "identify",
        "authorise",
        "read sources",
        "plan",
        "wait",
        "record intent",
        "prepare",
        "forward",
    ):
        assert name in steps
    assert {"record outcome", "look again"} <= set(steps)
    assert {span.kind for span in collector.under(root)} == {"internal"}
    assert {span.trace_id for span in collector.spans} == {TRACE}
    assert all(span.ended for span in collector.spans)
    _each_call_has_its_span(collector, root, calls)
    assert SECRET not in repr(collector.spans)
    assert "error_trace" not in str(root)


def _each_call_has_its_span(collector: Collector, root: Seen, calls: Sequence[Received]) -> None:
    """Each call came with one `traceparent`, which names a span of its own, below a step."""
    clients = {span.span_id: span for span in below(collector, root) if span.kind == "client"}
    sent = []
    for call in calls:
        [carried] = parents(call)
        parent = read(carried)
        assert parent is not None
        assert parent.ids.trace_id == root.trace_id
        assert call.header("tracestate") == (root.state or None)
        span = clients[parent.ids.span_id]
        assert str(span.attributes["url.full"]).endswith(call.target)
        assert span.attributes["db.system.name"] == "elasticsearch"
        # Every call that is made for a start has its name in the table.
        assert "." in str(span.attributes["db.operation.name"]) or span.name in {"info", "count"}
        sent.append(span.span_id)
    assert sorted(sent) == sorted(clients)
    [forward] = [span for span in clients.values() if span.name == "ml.start_data_frame_analytics"]
    assert forward.attributes["db.operation.parameter.id"] == "j"


async def test_a_client_without_a_trace_gets_one_that_is_on_record(tmp_path: Path) -> None:
    async with traced(tmp_path) as (stack, collector):
        reply = await stack.start("j")
        root = await collector.root(START)
        told = stack.recorded(reply.receipt)
        await stack.end_of(reply.receipt)
    assert root.parent_id == ""
    for record in (told.records["intent"], told.records["outcome"]):
        assert (record["trace"]["id"], record["span"]["id"]) == (root.trace_id, root.span_id)


@pytest.mark.parametrize(
    "headers",
    [
        [("traceparent", "00-abc-def-01"), ("tracestate", "a=1")],
        [("traceparent", SAMPLED), ("traceparent", UNSAMPLED), ("tracestate", "a=1")],
        [("traceparent", f"ff-{TRACE}-{SPAN}-01")],
        [("TraceParent", ""), ("tracestate", "a=1")],
        [("tracestate", "a=1")],
    ],
)
async def test_of_headers_that_name_no_trace_nothing_goes_on(tmp_path: Path, headers: list[tuple[str, str]]) -> None:
    """W3C Trace Context §4.3: what cannot be read begins a new trace, without the old state."""
    async with traced(tmp_path) as (stack, collector):
        sent = [("authorization", ann(stack)), *headers]
        url = f"http://127.0.0.1:{stack.port}{JOB}/_start"
        async with stack.session.post(url, headers=sent) as answer:
            assert answer.status == 200
        root = await collector.root(START)
        calls = of_starts(stack.cluster)
    assert root.trace_id != TRACE
    assert root.parent_id == ""
    for call in calls:
        [carried] = parents(call)
        assert carried[3:35] == root.trace_id
        assert call.header("tracestate") is None


async def test_what_the_client_does_not_sample_is_not_sent_and_goes_on_unsampled(tmp_path: Path) -> None:
    async with traced(tmp_path) as (stack, collector):
        reply = await stack.start("j", ann(stack), traceparent=UNSAMPLED, tracestate="a=1")
        assert reply.status == 200
        record = stack.recorded(reply.receipt).records["outcome"]
        calls = of_starts(stack.cluster)
        # A second one that is sampled comes after it: nothing of the first was on its way.
        await stack.start("j", traceparent=SAMPLED.replace(TRACE, "1" * 32))
        await collector.root(START)
        assert {span.trace_id for span in collector.spans} == {"1" * 32}
    assert record["trace"]["id"] == TRACE
    for call in calls:
        [carried] = parents(call)
        assert (carried[3:35], carried[-2:], call.header("tracestate")) == (TRACE, "00", "a=1")


async def test_a_denied_start_says_so_and_is_no_error(tmp_path: Path) -> None:
    async with traced(tmp_path) as (stack, collector):
        ben = stack.cluster.add_user("ben", SECRET, [])
        reply = await stack.start("j", ben)
        assert reply.status == 403
        root = await collector.root(START)
        await collector.until(lambda one: bool(one.named("record outcome")))
        assert (root.failed, root.attributes["startgate.verdict"]) == (False, "refused")
        [step] = collector.named("identify")
        assert (step.attributes, step.failed) == ({"startgate.refused.status": 403}, False)
        [call] = collector.named("ml.get_data_frame_analytics")
        assert (call.failed, call.attributes["error.type"]) == (True, "403")
        assert SECRET not in repr(collector.spans)


async def test_a_plan_and_an_explanation_are_traced_as_such(tmp_path: Path) -> None:
    async with traced(tmp_path) as (stack, collector):
        assert (await stack.start("j", **{"X-Startgate-Plan": "only"})).status == 200
        assert (await stack.start("j", **{"X-Startgate-Explain": "only"})).status == 200
        await collector.root(START, 2)
        told = [
            (one.attributes["startgate.kind"], one.attributes["startgate.verdict"]) for one in collector.named(START)
        ]
        assert told == [("plan", "planned"), ("explain", "explained")]
        assert collector.named("foretell")


async def test_a_cluster_that_gives_no_answer_is_an_error_of_the_start(tmp_path: Path) -> None:
    async with traced(tmp_path, away=True) as (stack, collector):
        reply = await stack.start("j")
        assert reply.status == 503
        root = await collector.root(START)
        assert (root.failed, root.message, root.attributes["error.type"]) == (True, "", "503")
        await collector.until(lambda one: bool(one.named("identify")))
        [step] = collector.named("identify")
        assert (step.failed, step.attributes["error.type"]) == (True, "ClusterUnreachable")


async def test_a_collector_that_is_away_fails_no_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    limits = TraceLimits(pause_s=0.02, send_s=0.1, flush_s=10.0)
    async with traced(tmp_path, endpoint="http://127.0.0.1:1/v1/traces", limits=limits) as (stack, _):
        reply = await stack.start("j")
        assert reply.status == 200
        await stack.end_of(reply.receipt)
    assert "spans of traces were not sent: http://127.0.0.1:1/v1/traces: " in caplog.text


@pytest.mark.parametrize(("status", "wait_s"), [(500, 0.0), (200, 60.0)])
async def test_a_collector_that_fails_or_is_slow_holds_up_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int, wait_s: float
) -> None:
    limits = TraceLimits(pause_s=0.02, send_s=0.2, flush_s=10.0)
    async with traced(tmp_path, limits=limits) as (stack, collector):
        collector.status, collector.wait_s = status, wait_s
        for _ in range(3):
            # Once it is finished the cluster refuses it, and that is its own word.
            assert (await stack.start("j")).status in {200, 400}
        await collector.until(lambda one: one.batches > 0)
    assert "spans of traces were not sent" in caplog.text


async def turns() -> None:
    """Let the event loop turn as often as it takes to let in whoever has connected."""
    for _ in range(10):
        await asyncio.sleep(0)


class Bad:
    """A collector that means no good. `way` is what it does with each connection."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.served: list[asyncio.Task[None] | None] = []
        self.met = asyncio.Event()
        self.over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.served.append(asyncio.current_task())
        self.met.set()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if self.way != "reads nothing":
                await reader.readuntil(b"\r\n\r\n")
            if self.way == "drips":
                while not self.over.is_set():
                    writer.write(b"H")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            elif self.way == "never again":
                writer.write(b"HTTP/1.1 503 Busy\r\nRetry-After: 100000\r\nContent-Length: 0\r\n\r\n")
            elif self.way != "hangs up":
                await self.over.wait()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def end(self) -> None:
        """Everybody is hung up on."""
        self.over.set()
        await asyncio.gather(*(one for one in self.served if one is not None))


@pytest.mark.parametrize("way", ["reads nothing", "never answers", "drips", "never again", "hangs up"])
async def test_a_flood_of_spans_and_a_bad_collector_fail_no_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """With room for four spans, where a start has some forty: nearly all are lost, counted, and nobody is held up."""
    made: list[OtelTracer] = []

    def noted(settings: TracingSettings | None) -> OtelTracer:
        assert settings is not None
        made.append(OtelTracer(settings))
        return made[-1]

    monkeypatch.setattr(app, "tracer_of", noted)
    bad = Bad(way)
    server = await asyncio.start_server(bad.serve, "127.0.0.1", 0)
    limits = TraceLimits(queue_spans=4, batch_spans=1, pause_s=0.01, send_s=0.5, flush_s=0.1)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/traces"
    async with traced(tmp_path, endpoint=url, limits=limits) as (stack, _):
        asked = [stack.start("j", **{"X-Startgate-Explain": "only"}) for _ in range(24)]
        answers = await asyncio.gather(*asked, stack.start("j"))
        assert [one.status for one in answers] == [200] * 25
        assert stack.recorded(answers[-1].receipt).records["outcome"]["event"]["outcome"] == "success"
        await asyncio.wait_for(bad.met.wait(), PATIENCE_S)
    # The thread that sends may connect to the last. Who has come is let in, before and after nobody else may.
    await turns()
    server.close()
    await turns()
    await bad.end()
    [tracer] = made
    assert tracer.counts.sent == 0
    assert tracer.counts.lost > 24 * 10


async def test_untraced_all_goes_on_as_it_came(tmp_path: Path) -> None:
    """Kept and continued, never doubled: the client's own span is named by every call that is made for it."""
    async with serve_embedded() as cluster, in_front_of(cluster, tmp_path) as stack:
        await fill(stack)
        reply = await stack.start("j", ann(stack), traceparent=UNSAMPLED, tracestate="a=1")
        assert reply.status == 200
        record = stack.recorded(reply.receipt).records["outcome"]
        calls = of_starts(cluster)
    assert (record["trace"]["id"], record["span"]["id"]) == (TRACE, SPAN)
    for call in calls:
        assert (parents(call), call.header("tracestate")) == ([UNSAMPLED], "a=1")


async def test_ordinary_traffic_is_not_touched(tmp_path: Path) -> None:
    async with traced(tmp_path) as (stack, collector):
        sent = [("traceparent", SAMPLED), ("traceparent", "again"), ("tracestate", "")]
        headers = [("authorization", stack.cluster.superuser), *sent]
        async with stack.session.get(f"http://127.0.0.1:{stack.port}/open-1/_count", headers=headers) as answer:
            assert answer.status == 200
        [call] = [one for one in stack.cluster.calls if one.target == "/open-1/_count"]
        assert [pair for pair in call.headers if pair[0] in {"traceparent", "tracestate"}] == sent
        assert collector.batches == 0


async def test_only_what_is_in_the_tables_is_sent(tmp_path: Path) -> None:
    async with traced(tmp_path) as (stack, collector):
        await stack.start("j", **{"X-Startgate-Plan": "only"})
        reply = await stack.start("j")
        await stack.end_of(reply.receipt)
        await stack.start("unheard-of")
        await stack.start("j", "Basic bm9ib2R5OndybzpuZw==")
        await collector.root(START, 4)
        await collector.until(lambda one: bool(one.named("look again")))
        for span in collector.spans:
            table = {"server": OF_A_START, "internal": OF_A_STEP, "client": OF_A_CALL}[span.kind]
            names = {re.sub(r"(?<=db\.operation\.parameter\.).*", "<key>", name) for name in span.attributes}
            assert names <= set(table), span
            assert span.kind == "client" or span.name in SPANS, span
        for resource in collector.resources:
            assert set(RESOURCE) <= set(resource)
            assert {name for name in resource if not name.startswith("telemetry.sdk.")} == set(RESOURCE)


@pytest.mark.slow
async def test_startgate_serve_traces(tmp_path: Path) -> None:
    """As it is run: configuration from a file, each process by itself, spans sent at the end."""
    async with collecting() as collector, serve_embedded() as cluster, aiohttp.ClientSession() as session:
        (tmp_path / "headers").write_text("authorization: Bearer of-the-collector\n")
        path = tmp_path / "startgate.yml"
        base = collector.url.removesuffix("/v1/traces")
        path.write_text(
            f"listen: 127.0.0.1:0\ncluster: {{nodes: ['{cluster.url}']}}\nadmin: {{listen: off}}\n"
            f"tracing: {{otlp: '{base}', headers_file: headers}}\nlimits: {{trace: {{pause_s: 600, flush_s: 4}}}}\n"
        )
        supervisor = Supervisor(load(path, {}))
        await supervisor.start()
        try:
            headers = {"authorization": cluster.superuser, "traceparent": SAMPLED}
            async with session.post(f"{supervisor.addresses[0]}{JOB}/_start", headers=headers) as answer:
                assert answer.status == 404
            assert collector.batches == 0
        finally:
            await supervisor.stop()
        [root] = collector.named(START)
        assert (root.trace_id, root.attributes["http.response.status_code"]) == (TRACE, 404)
        assert collector.headers["authorization"] == "Bearer of-the-collector"
        [call] = [one for one in cluster.calls if one.target == JOB]
        assert parents(call)[0][3:35] == TRACE
