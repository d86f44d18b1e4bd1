"""A worker as a whole: start, drain, many clients, and memory that stays flat under big bodies."""

import asyncio
import hashlib
import json
import logging
import random
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from proxy.clientcert import read
from proxy.edge.door import Entrance
from proxy.edge.worker import run
from proxy.errors import ConfigError
from proxy.settings import ClusterTls, EdgeSettings, ListenTls
from proxy.tasks import spawn
from proxy.tls import listener_context
from proxy.wire.chunks import LAST_CHUNK, encode_chunk
from tests.edge.rig import Edge, Message, Rig, Wire, answer, echo, make_limits, server_tls

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
GIB = 1 << 30


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (EdgeSettings(nodes=("nowhere",), gate_socket="x"), "no base address"),
        (EdgeSettings(nodes=("https://a:1",), gate_socket="x", cluster_tls=ClusterTls(ca="/no/ca.pem")), "/no/ca.pem"),
    ],
)
async def test_unusable_settings_are_told_before_anything_is_served(settings: EdgeSettings, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        await run(settings, [], asyncio.Event(), lambda: pytest.fail("served"))


async def test_several_listeners(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [one.getsockname()[1] for one in listeners]
    stop, ready = asyncio.Event(), asyncio.Event()
    settings = EdgeSettings(nodes=(f"http://127.0.0.1:{upstream.port}",), gate_socket="x")
    task = asyncio.ensure_future(run(settings, [Entrance(one) for one in listeners], stop, ready.set))
    await ready.wait()
    for port in ports:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert (await Wire(reader, writer).message()).status == 200
        writer.close()
    stop.set()
    await asyncio.wait_for(task, 2)
    for port in ports:
        with pytest.raises(OSError, match="refused"):
            await asyncio.open_connection("127.0.0.1", port)


class TestDrain:
    """A worker that stops finishes what it began."""

    async def test_idle_connections_close_and_requests_finish(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            while True:
                await wire.message()
                await go.wait()
                await wire.send(answer(b"done"))

        edge, _ = await rig.simple(script)
        idle, busy = await edge.connect(), await edge.connect()
        go.set()
        await idle.send(GET)
        await idle.message()
        go.clear()
        await busy.send(GET + GET)
        await asyncio.sleep(0.05)
        edge.stop.set()
        assert await idle.ended() == b""
        assert not edge.task.done()
        go.set()
        got = await busy.message()
        assert (got.body, got.values(b"connection")) == (b"done", [b"close"])
        assert await busy.ended() in (b"", b"reset")
        await asyncio.wait_for(edge.task, 2)

    async def test_a_connection_that_was_never_used_may_still_ask(self, rig: Rig) -> None:
        edge, _ = await rig.simple(drain_s=20.0)
        fresh = await edge.connect()
        await asyncio.sleep(0.05)
        edge.stop.set()
        await asyncio.sleep(0.05)
        await fresh.send(GET)
        got = await fresh.message()
        assert (got.status, got.values(b"connection")) == (200, [b"close"])
        await asyncio.wait_for(edge.task, 5)

    async def test_one_that_does_not_is_not_waited_for(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("proxy.edge.connection.FIRST_REQUEST_S", 0.2)
        edge, _ = await rig.simple(drain_s=20.0)
        silent = await edge.connect()
        await asyncio.sleep(0.05)
        edge.stop.set()
        assert await silent.ended() == b""
        await asyncio.wait_for(edge.task, 5)

    async def test_an_answer_that_had_begun_finishes_and_closes(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab")
            await go.wait()
            await wire.send(b"cd")

        edge, _ = await rig.simple(script, drain_s=4.0)
        client = await edge.connect()
        await client.send(GET)
        assert (await client.head()).startswith(b"HTTP/1.1 200 OK")
        edge.stop.set()
        await asyncio.sleep(0.05)
        go.set()
        assert await client.ended() == b"abcd"
        await asyncio.wait_for(edge.task, 1)

    async def test_an_upload_finishes(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
        await asyncio.sleep(0.05)
        edge.stop.set()
        await asyncio.sleep(0.05)
        await client.send(b"def")
        assert (await client.message()).body.endswith(b"abcdef")
        await asyncio.wait_for(edge.task, 2)

    async def test_an_error_of_our_own_closes_too(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await asyncio.sleep(0.2)

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET)
        await asyncio.sleep(0.05)
        edge.stop.set()
        got = await client.message()
        assert (got.status, got.values(b"connection")) == (502, [b"close"])
        await asyncio.wait_for(edge.task, 2)

    async def test_what_does_not_finish_is_cut(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.ended()

        edge, _ = await rig.simple(script, drain_s=0.2)
        client = await edge.connect()
        port = client.writer.get_extra_info("sockname")[1]
        await client.send(GET)
        await asyncio.sleep(0.05)
        with caplog.at_level(logging.INFO, "proxy.edge"):
            edge.stop.set()
            assert await client.ended() == b"reset"
            await asyncio.wait_for(edge.task, 2)
        assert "1 connections were cut" in caplog.text
        assert f"refused 127.0.0.1:{port} [drain]: its request did not finish in time" in caplog.text

    async def test_a_head_under_way_is_still_served(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        await client.send(GET[:10])
        await asyncio.sleep(0.05)
        edge.stop.set()
        await asyncio.sleep(0.05)
        await client.send(GET[10:])
        got = await client.message()
        assert (got.body, got.values(b"connection")) == (GET, [b"close"])
        await asyncio.wait_for(edge.task, 2)


class TestTls:
    """Requests over TLS on either side."""

    async def test_clients_over_tls(self, rig: Rig, pem: Path, authority: trustme.CA) -> None:
        listen = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
        client_tls = ssl.create_default_context()
        authority.configure_trust(client_tls)
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listen, client_tls=client_tls)
        client = await edge.connect()
        body = b"x" * 3_000_000
        for _ in range(2):
            await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert (await client.message()).body.endswith(body)
        await client.send(b"POST x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await client.message()).status == 400

    async def test_a_clients_certificate_is_told_to_the_gate_and_to_nobody_else(
        self, rig: Rig, pem: Path, authority: trustme.CA
    ) -> None:
        issuer = trustme.CA()
        issuer.cert_pem.write_to_path(str(pem / "clients.pem"))
        files: dict[str, Any] = {"certificate": str(pem / "server.pem"), "key": str(pem / "server.key")}
        listen = listener_context(
            ListenTls(**files, client_ca=str(pem / "clients.pem"), client_certificates="optional")
        )
        await rig.gate(echo)
        start = b"POST /_ml/data_frame/analytics/a/_start HTTP/1.1\r\nHost: x\r\nX-Startgate-Tls-Subject: Ym9i\r\n\r\n"
        for names in ("ann", None):
            client_tls = ssl.create_default_context()
            authority.configure_trust(client_tls)
            if names is not None:
                issuer.issue_cert("ann@example.com", common_name=names).configure_cert(client_tls)
            edge = await rig.edge(await rig.upstream(echo), listen_tls=listen, client_tls=client_tls)
            passed = Message((await edge.ask(GET)).body)
            gated = Message((await edge.ask(start)).body)
            assert passed.values(b"x-startgate-tls-subject") == []
            told = gated.values(b"x-startgate-tls-subject")
            if names is None:
                assert told == []
            else:
                (one,) = told
                assert (("commonName", "ann"),) in read(one.decode()).subject

    async def test_an_upload_over_tls_that_had_to_wait_leaves_the_connection_usable(
        self, rig: Rig, pem: Path, authority: trustme.CA
    ) -> None:
        async def script(wire: Wire) -> None:
            while True:
                await wire.head()
                await asyncio.sleep(0.1)
                await wire.reader.readexactly(400_000)
                await wire.send(answer(b"all"))

        listen = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
        client_tls = ssl.create_default_context()
        authority.configure_trust(client_tls)
        limits = make_limits(buffer_bytes=1024)
        edge = await rig.edge(await rig.upstream(script), listen_tls=listen, client_tls=client_tls, limits=limits)
        client = await edge.connect()
        for _ in range(3):
            head = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"
            client.writer.write(head + b"x" * 400_000)
            assert (await client.message()).body == b"all"

    @pytest.mark.parametrize(
        ("host", "verify", "trusted", "status"),
        [
            ("localhost", "full", True, 200),
            ("127.0.0.1", "full", True, 503),
            ("127.0.0.1", "certificate", True, 200),
            ("localhost", "full", False, 503),
            ("localhost", "certificate", False, 503),
            ("127.0.0.1", "unsafe_none", False, 200),
        ],
    )
    async def test_nodes_over_tls(
        self, rig: Rig, pem: Path, host: str, verify: str, trusted: bool, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        upstream = await rig.upstream(echo, tls=server_tls(pem))
        tls = ClusterTls(ca=str(pem / "ca.pem") if trusted else None, verify=verify)
        edge = await rig.edge(f"https://{host}:{upstream.port}", cluster_tls=tls)
        got = await edge.ask(GET)
        assert got.status == status
        if status == 503:
            assert json.loads(got.body)["error"]["reason"] == "no node of the cluster can be reached"
            assert "certificate verify failed" in caplog.text

    @pytest.mark.parametrize(("known", "status"), [(True, 200), (False, 503)])
    async def test_nodes_by_fingerprint_and_another_name(
        self, rig: Rig, pem: Path, known: bool, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        upstream = await rig.upstream(echo, tls=server_tls(pem))
        der = ssl.PEM_cert_to_DER_cert((pem / "server.pem").read_text())
        digest = hashlib.sha256(der).hexdigest() if known else "0" * 64
        tls = ClusterTls(ca=str(pem / "ca.pem"), fingerprints=(digest,), server_name="localhost")
        edge = await rig.edge(f"https://127.0.0.1:{upstream.port}", cluster_tls=tls)
        assert (await edge.ask(GET)).status == status
        assert ("its SHA-256 fingerprint is" in caplog.text) is not known

    async def test_nodes_that_ask_for_a_certificate(self, rig: Rig, pem: Path, authority: trustme.CA) -> None:
        mine = str(pem / "mine.pem")
        authority.issue_cert("gate@example.org").private_key_and_cert_chain_pem.write_to_path(mine)
        asking = server_tls(pem)
        asking.load_verify_locations(pem / "ca.pem")
        asking.verify_mode = ssl.CERT_REQUIRED
        upstream = await rig.upstream(echo, tls=asking)
        for tls, status in [
            (ClusterTls(ca=str(pem / "ca.pem"), certificate=mine, key=mine), 200),
            (ClusterTls(ca=str(pem / "ca.pem"), max_version="1.2"), 503),
        ]:
            edge = await rig.edge(f"https://localhost:{upstream.port}", cluster_tls=tls)
            assert (await edge.ask(GET)).status == status

    async def test_a_plain_request_to_a_tls_port_gets_no_plain_answer(self, rig: Rig, pem: Path) -> None:
        listen = listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listen)
        client = await edge.connect()
        await client.send(GET)
        assert b"HTTP" not in await client.ended()


def random_request(dice: random.Random, number: int) -> tuple[bytes, bytes]:
    """A request and the body that must arrive; the framing is left to chance."""
    body = dice.randbytes(dice.choice([0, 1, 10, 1000, 70_000, 300_000])) if dice.random() < 0.7 else b""
    start = b"POST /%d HTTP/1.1\r\nHost: x\r\n" % number
    if dice.random() < 0.5:
        return start + b"Content-Length:%d\r\n\r\n" % len(body) + body, body
    coded = b"Transfer-Encoding: chunked\r\n\r\n"
    at = 0
    while at < len(body):
        size = dice.choice([1, 5, 1000, 65536] if len(body) < 2000 else [1000, 65536])
        coded += encode_chunk(body[at : at + size])
        at += size
    return start + coded + b"0\r\nT: x\r\n\r\n", body


@pytest.mark.parametrize("seed", range(4))
async def test_nothing_is_mixed_up_however_bytes_are_cut(rig: Rig, seed: int) -> None:
    """Pipelined requests in random framings, cut at random, answered in random framings, cut at random: each client
    gets its own answers, in order, byte for byte."""
    dice = random.Random(seed)  # noqa: S311 -- a repeatable test

    async def cut(wire: Wire, data: bytes) -> None:
        at = 0
        while at < len(data):
            size = dice.choice([1, 3, 100, 5000, 100_000, 1_000_000])
            await wire.send(data[at : at + size])
            at += size
            await asyncio.sleep(0)

    async def script(wire: Wire) -> None:
        while True:
            request = await wire.message()
            echoed = request.start + request.body
            kind = dice.random()
            head = b"HTTP/1.1 200 OK\r\n" if dice.random() < 0.7 else b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\n"
            if kind < 0.1:
                await cut(wire, head + b"Connection: close\r\n\r\n" + echoed)
                return
            if kind < 0.5:
                await cut(wire, head + b"content-length:%d\r\n\r\n" % len(echoed) + echoed)
            else:
                await cut(wire, head + b"transfer-encoding: chunked\r\n\r\n" + encode_chunk(echoed) + LAST_CHUNK)

    async def client_life(edge: Edge) -> None:
        client = await edge.connect(limit=1 << 20)
        requests = [random_request(dice, number) for number in range(15)]
        writing = spawn(cut(client, b"".join(data for data, _ in requests)), name="writing")
        for number, (_, body) in enumerate(requests):
            got = await client.message()
            while got.status == 103:
                got = await client.message()
            assert got.body == b"POST /%d HTTP/1.1" % number + body
        await writing

    edge, _ = await rig.simple(script, buffer_bytes=dice.choice([1024, 65536]))
    await asyncio.gather(*[client_life(edge) for _ in range(4)])


@pytest.mark.slow
async def test_a_thousand_clients_at_once(rig: Rig) -> None:
    edge, _ = await rig.simple()
    clients = [await edge.connect() for _ in range(1000)]
    for _ in range(3):
        for client in clients:
            client.writer.write(GET)
        for client in clients:
            assert (await client.message()).body == GET
    for client in clients:
        await client.close()


SERVE = """
import asyncio, socket, sys, uvloop
from proxy.edge.door import Entrance
from proxy.edge.worker import run
from proxy.settings import EdgeSettings
listener = socket.create_server(("127.0.0.1", 0))
settings = EdgeSettings(nodes=(sys.argv[1],), gate_socket="/nowhere")
ready = lambda: print(listener.getsockname()[1], flush=True)
uvloop.run(run(settings, [Entrance(listener)], asyncio.Event(), ready))
"""


def resident_bytes(pid: int, field: str) -> int:
    """`VmRSS` (now) or `VmHWM` (at most so far) of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


@asynccontextmanager
async def worker_process(node: str) -> AsyncIterator[tuple[int, int]]:
    """A worker in a process of its own; gives its pid and port."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVE, node, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.pid, int(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def growth(rig: Rig, request: bytes, upload: int, answer_bytes: int, *, stall: bool) -> int:
    """By how many bytes a worker's memory grows at most while so much passes; `stall`: the far side pauses."""
    block = b"x" * (1 << 20)

    async def script(wire: Wire) -> None:
        while True:
            await wire.head()
            left, stalls = upload, stall
            while left:
                left -= len(await wire.reader.read(min(left, 1 << 20)))
                if stalls and left <= upload // 2:
                    stalls = False
                    await asyncio.sleep(1)
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % answer_bytes)
            for _ in range(answer_bytes // len(block)):
                await wire.send(block)

    upstream = await rig.upstream(script)
    async with worker_process(f"http://127.0.0.1:{upstream.port}") as (pid, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        client = Wire(reader, writer)
        before = resident_bytes(pid, "VmRSS")
        await client.send(request)
        for _ in range(upload // len(block)):
            await client.send(block)
        await client.head()
        left = answer_bytes
        if stall:
            await asyncio.sleep(1)
        while left:
            left -= len(await reader.read(min(left, 1 << 20)))
        grown = resident_bytes(pid, "VmHWM") - before
        writer.close()
    return grown


@pytest.mark.slow
@pytest.mark.parametrize("stall", [False, True])
async def test_a_gibibyte_up_and_down_leaves_memory_flat(rig: Rig, stall: bool) -> None:
    up = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % GIB
    assert await growth(rig, up, GIB, 0, stall=stall) < 16 << 20
    assert await growth(rig, GET, 0, GIB, stall=stall) < 16 << 20
