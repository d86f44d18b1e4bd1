"""Observed calls pass byte for byte, their answers wait for the record, and what goes wrong there is no client's."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.notes import GAP_TARGET, NOTE_TARGET, Note
from proxy.settings import ClusterTls
from tests.edge.rig import Edge, Message, Rig, Script, Upstream, Wire, answer, echo, make_limits, server_tls, until

JOB = "/_ml/data_frame/analytics/x"
GET = b"GET / HTTP/1.1\r\nHost: es\r\n\r\n"
PUT = f"PUT {JOB} HTTP/1.1\r\nHost: es\r\nAuthorization: Basic eA==\r\nX-Odd: \xe4\r\nContent-Length: 2\r\n\r\n{{}}"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


def put(target: str = JOB) -> bytes:
    return PUT.replace(JOB, target, 1).encode("latin-1")


async def takes(wire: Wire) -> None:
    """A gate that has everything on record at once."""
    await wire.message()
    await wire.send(NO_CONTENT)


def holds(go_on: asyncio.Event) -> Script:
    """A gate that takes its time."""

    async def script(wire: Wire) -> None:
        await wire.message()
        await go_on.wait()
        await wire.send(NO_CONTENT)

    return script


def says(data: bytes, *, then_close: bool = False) -> Script:
    """A node that answers every request with these bytes."""

    async def script(wire: Wire) -> None:
        while True:
            await wire.message()
            await wire.send(data)
            if then_close:
                return

    return script


def notes(gate: Upstream) -> list[Note]:
    """The notes that the gate was sent."""
    told = [one for one in gate.requests if NOTE_TARGET.encode() in one.start]
    return [msgspec.json.decode(one.body, type=Note) for one in told]


async def behind(rig: Rig, node: Script, gate: Script, **limits: float) -> tuple[Edge, Upstream, Upstream]:
    told = await rig.gate(gate)
    edge, upstream = await rig.simple(node, **({"observe_wait_s": 60.0} | limits))
    return edge, upstream, told


@pytest.mark.parametrize(
    ("method", "target", "action"),
    [
        ("PUT", JOB, "put"),
        ("PUT", JOB + "/?pretty", "put"),
        ("POST", JOB + "/_update", "update"),
        ("POST", JOB + "/_stop?force=true", "stop"),
        ("DELETE", JOB + "#", "delete"),
    ],
)
async def test_the_call_passes_and_is_told(rig: Rig, method: str, target: str, action: str) -> None:
    edge, node, gate = await behind(rig, echo, takes)
    sent = put(target).replace(b"PUT", method.encode(), 1)
    got = await edge.ask(sent)
    assert got.body == sent
    (note,) = notes(gate)
    assert (note.action, note.method, note.target, note.status) == (
        *(f"{action}-data-frame-analytics", method, target, 200),
    )
    assert dict(note.headers)["X-Odd"].encode("latin-1") == b"\xe4"
    assert dict(note.headers)["Authorization"] == "Basic eA=="
    assert note.peer.startswith("127.0.0.1:")
    assert 0 < note.began_ms <= note.answered_ms
    assert len(node.requests) == 1


async def test_the_answer_waits_until_it_is_on_record(rig: Rig) -> None:
    go_on = asyncio.Event()
    edge, _, gate = await behind(rig, echo, holds(go_on))
    client = await edge.connect()
    await client.send(put())
    await until(lambda: notes(gate))
    assert await client.quiet()
    go_on.set()
    # One byte was looked for and not there.
    assert (await client.message()).body == put()
    await client.send(put())
    assert (await client.message()).body == put()


@pytest.mark.parametrize("wait_s", [0.0, 0.05])
async def test_a_slow_gate_holds_an_answer_up_so_long_and_no_longer(rig: Rig, wait_s: float) -> None:
    go_on = asyncio.Event()
    edge, _, gate = await behind(rig, echo, holds(go_on), observe_wait_s=wait_s)
    assert (await edge.ask(put())).body == put()
    await until(lambda: notes(gate))
    go_on.set()


async def test_without_a_gate_it_passes_all_the_same(rig: Rig) -> None:
    edge, _ = await rig.simple(echo, observe_wait_s=60.0)
    assert (await edge.ask(put())).body == put()
    gate = await rig.gate(takes)
    await until(lambda: [one for one in gate.requests if GAP_TARGET.encode() in one.start])


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (answer(b"x" * 300_000), b"x" * 300_000),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (answer(b"", "409 Conflict"), b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"late"), b"late"),
    ],
)
async def test_any_answer_comes_whole(rig: Rig, data: bytes, body: bytes) -> None:
    edge, _, gate = await behind(rig, says(data), takes)
    client = await edge.connect(limit=1 << 20)
    for _ in range(2):
        await client.send(put())
        got = await client.message()
        while got.status == 100:
            got = await client.message()
        assert got.body == body
    assert [one.status for one in notes(gate)] == [got.status] * 2


async def test_an_answer_in_pieces_while_it_waits(rig: Rig) -> None:
    go_on = asyncio.Event()

    async def node(wire: Wire) -> None:
        await wire.message()
        data = answer(b"0123456789")
        for at in range(0, len(data), 7):
            await wire.send(data[at : at + 7])
            await asyncio.sleep(0.005)

    edge, _, gate = await behind(rig, node, holds(go_on))
    client = await edge.connect()
    await client.send(put())
    await until(lambda: notes(gate))
    go_on.set()
    assert (await client.message()).body == b"0123456789"


async def test_a_node_that_closes_while_its_answer_waits(rig: Rig) -> None:
    go_on = asyncio.Event()
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"
    edge, node, gate = await behind(rig, says(data, then_close=True), holds(go_on))
    client = await edge.connect()
    await client.send(put())
    await until(lambda: notes(gate))
    await node.wires[0].close()
    go_on.set()
    got = await client.message()
    assert (got.status, got.body, got.whole) == (200, b"all of it", True)


@pytest.mark.parametrize("node", [says(b"", then_close=True), says(b"nonsense\r\n\r\n")])
async def test_a_call_without_an_answer_is_told_as_such(rig: Rig, node: Script) -> None:
    edge, _, gate = await behind(rig, node, takes)
    assert (await edge.ask(put())).status == 502
    await until(lambda: notes(gate))
    assert [one.status for one in notes(gate)] == [None]


async def test_a_client_that_leaves_is_told_of_once(rig: Rig) -> None:
    arrived = asyncio.Event()

    async def node(wire: Wire) -> None:
        await wire.message()
        arrived.set()
        await wire.ended()

    edge, _, gate = await behind(rig, node, takes)
    client = await edge.connect()
    await client.send(put())
    await arrived.wait()
    await client.reset()
    await until(lambda: notes(gate))
    await edge.shut()
    assert [one.status for one in notes(gate)] == [None]


async def test_a_client_that_leaves_while_its_answer_waits(rig: Rig) -> None:
    go_on = asyncio.Event()
    edge, node, gate = await behind(rig, echo, holds(go_on))
    client = await edge.connect()
    await client.send(put())
    await until(lambda: notes(gate))
    await client.reset()
    await until(lambda: node.wires[0].gone)
    go_on.set()
    assert (await edge.ask(b"GET / HTTP/1.1\r\nHost: es\r\n\r\n")).status == 200
    assert [one.status for one in notes(gate)] == [200]


async def test_what_never_reached_the_cluster_is_not_told(rig: Rig) -> None:
    gate = await rig.gate(takes)
    edge = await rig.edge("http://127.0.0.1:1", limits=make_limits())
    assert (await edge.ask(put())).status == 503
    await edge.shut()
    assert gate.requests == []


async def test_a_stopping_worker_lets_the_note_arrive(rig: Rig) -> None:
    go_on = asyncio.Event()
    edge, _, gate = await behind(rig, echo, holds(go_on))
    client = await edge.connect()
    await client.send(put())
    await until(lambda: notes(gate))
    edge.stop.set()
    go_on.set()
    got: Message = await client.message()
    assert got.body == put()
    await edge.task
    assert len(notes(gate)) == 1


async def test_ordinary_calls_are_not_told(rig: Rig) -> None:
    edge, _, gate = await behind(rig, echo, takes)
    for line in ("GET " + JOB, "POST " + JOB + "/_stats", "PUT /index/_doc/data_frame"):
        request = f"{line} HTTP/1.1\r\nHost: es\r\n\r\n".encode()
        assert (await edge.ask(request)).body == request
    assert gate.requests == []


async def test_pipelined_calls_are_answered_in_order(rig: Rig) -> None:
    edge, _, gate = await behind(rig, echo, takes)
    client = await edge.connect()
    await client.send(put() + b"GET /a HTTP/1.1\r\nHost: es\r\n\r\n" + put(JOB + "?b"))
    bodies: list[Any] = [(await client.message()).body.split(b" ")[1] for _ in range(3)]
    assert bodies == [JOB.encode(), b"/a", JOB.encode() + b"?b"]
    assert len(notes(gate)) == 2


@pytest.mark.parametrize("stays", [True, False])
async def test_a_connection_that_breaks_while_its_answer_waits_is_counted_off_once(
    rig: Rig, pem: Path, stays: bool
) -> None:
    """Over TLS a break is noticed even while nothing is read. The node has no more connections than it may have."""
    go_on = asyncio.Event()
    gate = await rig.gate(holds(go_on))
    open_now: list[int] = []
    most: list[int] = []

    async def node(wire: Wire) -> None:
        if wire.number == 0:
            await wire.message()
            await wire.send(answer(b"kept"))
            await wire.ended()
            return
        open_now.append(wire.number)
        most.append(len(open_now))
        try:
            while True:
                await wire.message()
                await asyncio.sleep(0.02)
                await wire.send(answer(b"ok"))
        finally:
            open_now.remove(wire.number)

    upstream = await rig.upstream(node, tls=server_tls(pem))
    limits = make_limits(observe_wait_s=60.0, upstream_connections=1)
    tls = ClusterTls(ca=str(pem / "ca.pem"))
    edge = await rig.edge(f"https://localhost:{upstream.port}", limits=limits, cluster_tls=tls)
    client = await edge.connect()
    await client.send(put())
    await until(lambda: notes(gate))
    await upstream.wires[0].reset()
    # The one connection that there may be is free again, so another request gets through.
    assert (await edge.ask(GET)).body == b"ok"
    if stays:
        go_on.set()
        assert (await client.message()).body == b"kept"
    else:
        await client.reset()
        await edge.ask(GET)
        go_on.set()
    got = await asyncio.gather(*(edge.ask(GET) for _ in range(6)))
    assert [one.body for one in got] == [b"ok"] * 6
    assert max(most) == 1


async def test_a_node_that_breaks_off_an_answer_that_waited(rig: Rig, pem: Path) -> None:
    go_on = asyncio.Event()
    gate = await rig.gate(holds(go_on))
    upstream = await rig.upstream(says(answer(b"half")[:-1]), tls=server_tls(pem))
    tls = ClusterTls(ca=str(pem / "ca.pem"))
    limits = make_limits(observe_wait_s=60.0, upstream_connections=1)
    edge = await rig.edge(f"https://localhost:{upstream.port}", limits=limits, cluster_tls=tls)
    client = await edge.connect()
    await client.send(put())
    await until(lambda: notes(gate))
    await upstream.wires[0].reset()
    # Whoever is served next shows that the break has been noticed.
    await edge.connect()
    other = await edge.connect()
    await other.send(GET)
    await until(lambda: len(upstream.wires) == 2)
    go_on.set()
    assert await client.ended() == answer(b"half")[:-1] + b"reset"


async def test_a_node_that_has_answered_is_sent_no_more_of_the_request(rig: Rig) -> None:
    """What it does not read as a body it may read as a request."""
    go_on = asyncio.Event()
    hidden = b"GET /hidden HTTP/1.1\r\nHost: es\r\n\r\n"
    heard: list[bytes] = []

    async def node(wire: Wire) -> None:
        if wire.number > 0:
            await echo(wire)
        await wire.head()
        await wire.send(answer(b"early"))
        heard.append(await wire.ended())

    edge, upstream, gate = await behind(rig, node, holds(go_on))
    client = await edge.connect()
    await client.send(put().replace(b"Length: 2", b"Length: %d" % len(hidden))[:-2])
    await until(lambda: notes(gate))
    await client.send(hidden + GET)
    # The client's bytes come before the answer goes out.
    assert (await edge.ask(GET)).body == GET
    go_on.set()
    got = await client.message()
    assert (got.body, got.values(b"connection")) == (b"early", [b"close"])
    assert await client.ended() == b""
    await until(lambda: heard)
    assert heard == [b"reset"]
    assert [one.start for one in upstream.requests] == [b"GET / HTTP/1.1"]


@pytest.mark.parametrize("size", [5, 70_000])
@pytest.mark.parametrize("over_tls", [False, True])
async def test_a_second_answer_behind_one_that_waits_is_nobodys(rig: Rig, pem: Path, over_tls: bool, size: int) -> None:
    go_on, surplus = asyncio.Event(), asyncio.Event()
    first = b"1" * size

    async def node(wire: Wire) -> None:
        await wire.message()
        await wire.send(answer(first))
        if wire.number > 0:
            return
        await until(lambda: notes(gate))
        await wire.send(answer(b"second"))
        surplus.set()
        await wire.ended()

    gate = await rig.gate(holds(go_on))
    upstream = await rig.upstream(node, tls=server_tls(pem) if over_tls else None)
    base = f"http{'s' if over_tls else ''}://localhost:{upstream.port}"
    tls = ClusterTls(ca=str(pem / "ca.pem"))
    edge = await rig.edge(base, limits=make_limits(observe_wait_s=60.0), cluster_tls=tls)
    client = await edge.connect(limit=1 << 20)
    await client.send(put() + GET)
    await surplus.wait()
    # Whoever is served next shows that what came before has been read, if it is read at all.
    assert (await edge.ask(GET)).body == first
    go_on.set()
    assert (await client.message()).body == first
    assert (await client.message()).body == first


async def test_a_client_that_ends_its_sending_while_its_answer_waits_is_gone(rig: Rig) -> None:
    go_on = asyncio.Event()
    edge, upstream, gate = await behind(rig, echo, holds(go_on))
    client = await edge.connect()
    await client.send(put() + GET)
    await until(lambda: notes(gate))
    client.writer.write_eof()
    assert await client.ended() == b""
    await until(lambda: upstream.wires[0].gone)
    go_on.set()
    assert len(upstream.requests) == 1


async def test_nothing_is_read_behind_an_answer_that_waits_however_the_client_reads(rig: Rig) -> None:
    go_on = asyncio.Event()
    interim = b"HTTP/1.1 103 Early Hints\r\nx: " + b"x" * 1_000_000 + b"\r\n\r\n"
    count, size = 20, 40_000_000
    sent = asyncio.Event()

    async def node(wire: Wire) -> None:
        await wire.message()
        for _ in range(count):
            await wire.send(interim)
        await wire.send(answer(b"y" * size))
        sent.set()
        await wire.ended()

    edge, _, gate = await behind(rig, node, holds(go_on), buffer_bytes=4096)
    client = await edge.connect(limit=1 << 16)
    await client.send(put())
    await client.reader.readexactly(len(interim) * count)
    await until(lambda: notes(gate))
    assert await client.quiet()
    assert not sent.is_set()
    go_on.set()
    got = await client.reader.readuntil(b"\r\n\r\n")
    await client.reader.readexactly(size)
    assert b"content-length: %d" % size in got
