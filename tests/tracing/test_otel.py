"""Spans as a collector gets them."""

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from proxy.tracing.current import Kind
from proxy.tracing.otel import ANSWER_BYTES, ATTRIBUTE_CHARACTERS, OtelTracer
from proxy.tracing.sending import Counts
from proxy.tracing.settings import TraceLimits, TracingSettings
from proxy.tracing.w3c import Parent, read
from tests.tracing.collector import collecting

# All that is sent is sent at the end, in one batch.
LIMITS = TraceLimits(pause_s=600.0, flush_s=30.0)
CLIENTS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"


@asynccontextmanager
async def tracing(endpoint: str, **changes: Any) -> AsyncIterator[OtelTracer]:
    """A tracer that sends there, ended in the end."""
    tracer = OtelTracer(replace(TracingSettings(endpoint=endpoint, limits=LIMITS), **changes))
    try:
        yield tracer
    finally:
        await asyncio.to_thread(tracer.close)


def parent(flags: str, *states: str) -> Parent:
    """The client's span."""
    found = read(CLIENTS + flags, states)
    assert found is not None
    return found


def spans(tracer: OtelTracer, of: Parent | None = None) -> tuple[str, str]:
    """One start with a step and a call; the ids of the trace, and what the call carries."""
    root = tracer.begin("start", {"startgate.kind": "start"}, of)
    step = root.child("step", Kind.INTERNAL, {})
    call = step.child("call", Kind.CLIENT, {"db.system.name": "elasticsearch"})
    call.tell({"http.response.status_code": 500, "long": "x" * 5000})
    call.fail("500")
    for span in (call, step, root):
        span.end()
    assert call.state == root.state
    return root.ids.trace_id, call.carried


async def test_spans_arrive_with_their_parents() -> None:
    async with collecting() as collector:
        async with tracing(collector.url) as tracer:
            trace, carried = spans(tracer)
        [call, step, root] = collector.spans
        assert [one.name for one in (root, step, call)] == ["start", "step", "call"]
        assert [one.kind for one in (root, step, call)] == ["server", "internal", "client"]
        assert (root.parent_id, step.parent_id, call.parent_id) == ("", root.span_id, step.span_id)
        assert {one.trace_id for one in collector.spans} == {trace}
        assert carried.startswith(f"00-{trace}-{call.span_id}-")
        assert (call.failed, call.message, call.attributes["error.type"]) == (True, "", "500")
        assert len(str(call.attributes["long"])) == ATTRIBUTE_CHARACTERS
        assert not root.failed
        assert all(one.ended for one in collector.spans)


async def test_what_is_past_has_its_own_beginning() -> None:
    since_ns = time.time_ns() - 5_000_000_000
    async with collecting() as collector:
        async with tracing(collector.url) as tracer:
            root = tracer.begin("start", {}, None, since_ns)
            root.past("edge", since_ns)
            root.end()
        edge, one = collector.spans
    assert (edge.name, edge.parent_id, edge.kind) == ("edge", one.span_id, "internal")
    assert edge.began_ns == one.began_ns == since_ns
    assert edge.ended
    assert one.ended


async def test_the_resource_says_who_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=startgate-0")
    async with collecting() as collector:
        async with tracing(collector.url) as tracer:
            spans(tracer)
        told = collector.resources[0]
        assert told["service.name"] == "startgate"
        assert told["host.name"] == socket.gethostname()
        assert told["k8s.pod.name"] == "startgate-0"
        assert {"service.version", "service.instance.id", "process.pid"} <= set(told)


async def test_the_environment_neither_sends_elsewhere_nor_adds_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:1/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1/")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    async with collecting() as collector:
        async with tracing(collector.url, headers=(("authorization", "Bearer t"),)) as tracer:
            spans(tracer)
        assert len(collector.spans) == 3
        assert collector.headers["authorization"] == "Bearer t"
        assert collector.headers["content-type"] == "application/x-protobuf"
        assert collector.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(("flags", "sample", "sent"), [("01", 0.0, 3), ("00", 1.0, 0), ("03", 0.0, 3), ("02", 1.0, 0)])
async def test_what_the_client_decided_holds(flags: str, sample: float, sent: int) -> None:
    async with collecting() as collector:
        async with tracing(collector.url, sample=sample) as tracer:
            trace, carried = spans(tracer, parent(flags, "vendor=1"))
        assert len(collector.spans) == sent
        assert trace == CLIENTS[3:35]
        # Its own id, in the client's trace, with the client's flag.
        assert carried.startswith(CLIENTS[:36])
        assert carried[36:52] != CLIENTS[36:52]
        assert carried.endswith(flags)
        for one in collector.named("start"):
            assert (one.parent_id, one.state) == (CLIENTS[36:52], "vendor=1")


@pytest.mark.parametrize(("sample", "sent"), [(0.0, 0), (1.0, 3)])
async def test_for_others_the_share_decides(sample: float, sent: int) -> None:
    async with collecting() as collector:
        async with tracing(collector.url, sample=sample) as tracer:
            _, carried = spans(tracer)
        assert len(collector.spans) == sent
        found = read(carried)
        assert found is not None
        assert found.sampled == bool(sent)


async def test_a_state_that_cannot_be_read_goes_on_as_it_came(caplog: pytest.LogCaptureFixture) -> None:
    async with collecting() as collector:
        async with tracing(collector.url) as tracer:
            root = tracer.begin("start", {}, parent("01", "no state at all, =1", "x"))
            assert root.state == "no state at all, =1,x"
            root.end()
        [one] = collector.spans
        assert one.state == ""
    assert caplog.text == ""


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_what_the_collector_refuses_is_lost_and_told(caplog: pytest.LogCaptureFixture, status: int) -> None:
    async with collecting() as collector:
        collector.status = status
        async with tracing(collector.url, headers=(("authorization", "Bearer s3cret"),)) as tracer:
            spans(tracer)
        assert tracer.counts == Counts(0, 3)
    [record] = caplog.records
    assert record.getMessage() == f"3 spans of traces were not sent: {collector.url}: status {status}"
    assert record.levelno == logging.WARNING


async def test_what_the_collector_is_too_busy_for_is_tried_again_and_then_lost() -> None:
    async with collecting() as collector:
        collector.status = 503
        async with tracing(collector.url, limits=replace(LIMITS, send_s=3.0)) as tracer:
            spans(tracer)
        assert tracer.counts == Counts(0, 3)
        assert collector.batches > 0
        assert collector.spans == []


async def test_a_collector_that_is_away_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    async with tracing(f"http://127.0.0.1:{port}/v1/traces", limits=replace(LIMITS, send_s=0.5)) as tracer:
        spans(tracer)
    assert tracer.counts == Counts(0, 3)
    assert "not sent" in caplog.text
    assert "Error" in caplog.text


async def test_a_collector_that_is_slow_holds_up_no_end(caplog: pytest.LogCaptureFixture) -> None:
    async with collecting() as collector:
        collector.wait_s = 60.0
        async with tracing(collector.url, limits=replace(LIMITS, send_s=0.2)) as tracer:
            spans(tracer)
        assert tracer.counts == Counts(0, 3)
    assert "not sent" in caplog.text


@pytest.mark.parametrize(("trusted", "sent"), [(True, 3), (False, 0)])
async def test_over_tls_the_collector_is_who_it_says(tmp_path: Path, trusted: bool, sent: int) -> None:
    own, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.issue_cert("127.0.0.1").configure_cert(context)
    (own if trusted else other).cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with collecting(context) as collector:
        limits = LIMITS if trusted else replace(LIMITS, send_s=0.5)
        async with tracing(collector.url, ca=str(tmp_path / "ca.pem"), limits=limits) as tracer:
            spans(tracer)
        assert len(collector.spans) == sent
        assert tracer.counts == Counts(sent, 3 - sent)


@asynccontextmanager
async def answering(head: bytes, piece: bytes, pause_s: float = 0.0) -> AsyncIterator[tuple[str, list[int]]]:
    """Answers each batch with this head, and then with pieces until it is hung up on; the URL, and how many bytes each
    answer could be given."""
    given: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            length = int(request.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            writer.write(head)
            while piece:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
                await asyncio.sleep(pause_s)
        given.append(sent)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/traces", given


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n"
BOMB = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000000\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "piece", "pause_s"),
    [
        (CHUNKED, b"10000\r\n" + b"x" * 0x10000 + b"\r\n", 0.0),
        (LONG, b"x" * 65536, 0.0),
        (BOMB, b"\x1f\x8b\x08" + b"\0" * 65533, 0.0),
        (LONG, b"x", 0.02),
    ],
)
async def test_an_answer_without_end_is_not_read_to_its_end(head: bytes, piece: bytes, pause_s: float) -> None:
    async with answering(head, piece, pause_s) as (url, given):
        async with tracing(url) as tracer:
            spans(tracer)
        assert tracer.counts == Counts(3, 0)
        async with asyncio.timeout(30):
            while not given:  # noqa: ASYNC110 -- the other side sees the end when it sees it
                await asyncio.sleep(0.01)
    # What the buffers of both sockets and of the server hold comes on top.
    assert given[0] < ANSWER_BYTES + 16 * 1024 * 1024


async def test_a_redirect_is_not_followed_and_is_a_loss(caplog: pytest.LogCaptureFixture) -> None:
    """The credentials are for the collector that is configured; and spans that nobody has are not sent."""
    async with collecting() as other:
        moved = f"HTTP/1.1 307 Moved\r\nLocation: {other.url}\r\nContent-Length: 0\r\n\r\n".encode()
        async with answering(moved, b"") as (url, _):
            async with tracing(url, headers=(("api-key", "s3cret"),)) as tracer:
                spans(tracer)
            assert tracer.counts == Counts(0, 3)
        assert (other.batches, other.headers) == (0, {})
    assert f"3 spans of traces were not sent: {url}: status 307, which leads elsewhere" in caplog.text


async def test_a_connection_is_used_again() -> None:
    async with collecting() as collector:
        limits = replace(LIMITS, batch_spans=1)
        async with tracing(collector.url, limits=limits) as tracer:
            spans(tracer)
        assert (collector.batches, len(collector.peers)) == (3, 1)
