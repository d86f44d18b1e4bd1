"""What a connection must say before its first request: over real sockets, from fronts and from others."""

import asyncio
import contextlib
import errno
import logging
import os
import socket
import ssl
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from proxy.edge.door import Door, Entrance, read_proxy_header
from proxy.edge.refusals import Reason
from proxy.edge.worker import make_context
from proxy.settings import EdgeSettings, ListenTls
from proxy.tls import listener_context
from proxy.wire.proxy_protocol import SIGNATURE, ProxyProtocolError
from tests.edge.rig import PATIENCE_S, Edge, Message, Rig, Wire, echo, make_limits

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
START = b"POST /_ml/data_frame/analytics/j/_start HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"
LINE = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n"
V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 4711, 443)
BINARY = SIGNATURE + b"\x21\x11" + struct.pack("!H", len(V4)) + V4
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
UNIX = SIGNATURE + b"\x21\x31" + struct.pack("!H", 216) + bytes(216)
HERE = ("127.0.0.0/8",)


def listening(pem: Path) -> ssl.SSLContext:
    """The context of a listener."""
    return listener_context(ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key")))


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """The context of a client."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def plain(edge: Edge) -> Wire:
    """A connection without TLS, whatever the edge speaks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    wire = Wire(reader, writer)
    edge.clients.append(wire)
    return wire


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(true: Callable[[], bool]) -> None:
    """Waits until a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not true():  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.01)


class TestFronts:
    """PROXY headers."""

    @pytest.mark.parametrize(
        ("header", "peer"),
        [(LINE, b"192.0.2.7:4711"), (BINARY, b"192.0.2.7:4711"), (UNIX, b"unknown"), (LOCAL, None)],
    )
    async def test_the_gate_is_told_who_connected_to_the_front(
        self, rig: Rig, header: bytes, peer: bytes | None
    ) -> None:
        await rig.gate(echo)
        edge = await rig.edge(await rig.upstream(echo), fronts=HERE)
        client = await edge.connect()
        await client.send(header + START + START)
        for _ in range(2):
            message = Message((await client.message()).body)
            (told,), fronts = message.values(b"x-startgate-peer"), message.values(b"x-startgate-front")
            if peer is None:
                assert told.startswith(b"127.0.0.1:")
                assert fronts == []
            else:
                assert told == peer
                assert [front.partition(b":")[0] for front in fronts] == [b"127.0.0.1"]

    @pytest.mark.parametrize("header", [LINE, BINARY])
    async def test_however_it_is_cut(self, rig: Rig, header: bytes) -> None:
        edge = await rig.edge(await rig.upstream(echo), fronts=HERE)
        for cut in (1, 5, 12, 13, 16, len(header) - 1, len(header)):
            client = await edge.connect()
            await client.send(header[:cut])
            await asyncio.sleep(0.01)
            await client.send(header[cut:] + GET)
            assert (await client.message()).body == GET

    @pytest.mark.parametrize("sent", [GET, b"PROXY TCP4 x\r\n", b"\x16\x03\x01\x02\x00", SIGNATURE + b"\x11"])
    async def test_without_a_header_nothing_is_answered(
        self, rig: Rig, sent: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        upstream = await rig.upstream(echo)
        edge = await rig.edge(upstream, fronts=HERE)
        client = await edge.connect()
        await client.send(sent)
        assert b"HTTP" not in await client.ended()
        assert upstream.requests == []
        assert "[proxy_protocol]" in caplog.text

    async def test_from_elsewhere_nothing_is_read(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        upstream = await rig.upstream(echo)
        edge = await rig.edge(upstream, fronts=("192.0.2.0/24",))
        client = await edge.connect()
        await client.send(LINE + GET)
        assert b"HTTP" not in await client.ended()
        assert upstream.requests == []
        assert "listen.proxy_protocol does not name this address" in caplog.text
        assert "127.0.0.1:" in caplog.text

    async def test_a_header_that_does_not_come_in_time(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        edge = await rig.edge(await rig.upstream(echo), fronts=HERE, limits=make_limits(client_handshake_s=0.2))
        client = await edge.connect()
        await client.send(LINE[:-1])
        assert b"HTTP" not in await client.ended()
        assert "no whole PROXY header came in 0.2 s" in caplog.text

    async def test_on_a_plain_address_such_a_header_is_a_broken_request(self, rig: Rig) -> None:
        edge = await rig.edge(await rig.upstream(echo))
        assert (await edge.ask(LINE + GET)).status == 400

    async def test_tls_begins_behind_it(self, rig: Rig, pem: Path, trusting: ssl.SSLContext) -> None:
        await rig.gate(echo)
        edge = await rig.edge(await rig.upstream(echo), fronts=HERE, listen_tls=listening(pem))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        speaking = trusting.wrap_bio(incoming, outgoing, server_hostname="localhost")
        client = await plain(edge)
        header = LINE
        while True:
            try:
                speaking.do_handshake()
                break
            except ssl.SSLWantReadError:
                # Header and first message of the handshake in one packet.
                await client.send(header + outgoing.read())
                header = b""
                incoming.write(await client.reader.read(65536))
        speaking.write(START)
        await client.send(outgoing.read())
        got = b""
        async with asyncio.timeout(PATIENCE_S):
            while b"X-Startgate-Peer: 192.0.2.7:4711\r\n" not in got:
                incoming.write(await client.reader.read(65536))
                try:
                    got += speaking.read(65536)
                except ssl.SSLWantReadError:
                    continue
        assert got.startswith(b"HTTP/1.1 200")


async def test_a_header_is_taken_and_nothing_behind_it() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        reading = asyncio.ensure_future(read_proxy_header(near))
        for piece in (LINE[:3], LINE[3:20], LINE[20:] + GET):
            far.sendall(piece)
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(reading, PATIENCE_S) == ("192.0.2.7", 4711)
        assert near.recv(1000) == GET


async def test_an_end_within_a_header_is_an_end() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near:
        far.sendall(LINE[:9])
        far.close()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(read_proxy_header(near), PATIENCE_S)


async def test_what_is_no_header_is_told_at_once() -> None:
    near, far = socket.socketpair()
    near.setblocking(False)
    with near, far:
        far.sendall(b"G")
        with pytest.raises(ProxyProtocolError):
            await asyncio.wait_for(read_proxy_header(near), PATIENCE_S)


class TestHandshakes:
    """TLS."""

    async def test_failures_are_told_and_leave_nothing_behind(
        self, rig: Rig, pem: Path, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listening(pem), client_tls=trusting)
        assert (await edge.ask(GET)).status == 200
        before = descriptors()
        for number in range(60):
            client = await plain(edge)
            if number % 3:
                await client.send((b"", GET, b"\x16\x03\x01\x00\x05hello")[number % 3])
                await client.ended()
            await client.reset()
        await until(lambda: descriptors() <= before)
        assert "[tls_handshake]: the TLS handshake failed: " in caplog.text
        assert (await edge.ask(GET)).status == 200

    async def test_old_versions_are_refused_by_name(
        self, rig: Rig, pem: Path, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        tls = ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key"), min_version="1.3")
        trusting.maximum_version = ssl.TLSVersion.TLSv1_2
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listener_context(tls), client_tls=trusting)
        with pytest.raises(OSError):  # noqa: PT011 -- an alert, or the reset that overtook it
            await edge.connect()
        await until(lambda: "unsupported protocol" in caplog.text)

    async def test_one_that_does_not_come_in_time_is_cut(
        self, rig: Rig, pem: Path, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        limits = make_limits(client_handshake_s=0.3)
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listening(pem), client_tls=trusting, limits=limits)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with pytest.raises(ssl.SSLWantReadError):
            trusting.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
        client = await plain(edge)
        for byte in outgoing.read()[:8]:
            if client.gone:
                break
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0.1)
        assert b"HTTP" not in await client.ended()
        await until(lambda: "[tls_handshake]" in caplog.text)

    async def test_the_oldest_goes_for_a_new_one(self, rig: Rig, pem: Path, trusting: ssl.SSLContext) -> None:
        limits = make_limits(client_handshakes=2)
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listening(pem), client_tls=trusting, limits=limits)
        slow = [await plain(edge) for _ in range(2)]
        assert (await edge.ask(GET)).status == 200
        await slow[0].ended()
        assert not slow[1].gone

    async def test_whoever_shows_no_certificate_is_told_of(
        self, rig: Rig, pem: Path, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        tls = ListenTls(certificate=str(pem / "server.pem"), key=str(pem / "server.key"), client_ca=str(pem / "ca.pem"))
        upstream = await rig.upstream(echo)
        edge = await rig.edge(upstream, listen_tls=listener_context(tls), client_tls=trusting)
        for why in ("peer did not return a certificate", "the client's certificate is not accepted: "):
            with contextlib.suppress(OSError):
                client = await edge.connect()
                await client.send(GET)
                assert b"HTTP" not in await client.ended()
            await until(lambda why=why: why in caplog.text)  # type: ignore[misc]  # a default in a lambda
            trustme.CA().issue_cert("ann@example.org").configure_cert(trusting)
        assert upstream.requests == []

    async def test_a_worker_that_stops_does_not_wait_for_them(self, rig: Rig, pem: Path) -> None:
        edge = await rig.edge(await rig.upstream(echo), listen_tls=listening(pem))
        client = await plain(edge)
        await asyncio.sleep(0.05)
        await edge.shut()
        await client.ended()


class _Exhausted(socket.socket):
    """A listening socket while the system has no descriptors left; `left` calls fail."""

    left = 2

    def accept(self) -> tuple[socket.socket, object]:
        """As of a system without a free descriptor."""
        if self.left:
            self.left -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


async def test_without_descriptors_a_door_rests_and_opens_again(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    settings = EdgeSettings(nodes=(f"http://127.0.0.1:{upstream.port}",), gate_socket="x")
    context = make_context(settings, ssl.create_default_context)
    with _Exhausted() as sock:
        sock.bind(("127.0.0.1", 0))
        door = Door(Entrance(sock, fronts=HERE), context)
        door.open(5)
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(LINE + GET)
        assert (await Wire(reader, writer).message()).body == GET
        assert context.refusals.counts[Reason.DESCRIPTORS] == 2
        assert door.arriving == 0
        writer.close()
        door.close()
    for client in tuple(context.clients):
        client.abort()
    context.cluster.pool.close()
    context.sweep.stop()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize("ends", [True, False])
async def test_a_handshake_that_is_under_way_outlives_the_end_of_accepting(
    rig: Rig, pem: Path, trusting: ssl.SSLContext, ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.edge.worker.FIRST_REQUEST_S", PATIENCE_S if ends else 0.1)
    limits = make_limits(drain_s=2 * PATIENCE_S)
    edge = await rig.edge(await rig.upstream(echo), listen_tls=listening(pem), fronts=HERE, limits=limits)
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(LINE[:9])
    await until(lambda: any(task.get_name() == "edge-arrive" for task in asyncio.all_tasks()))
    edge.stop.set()
    await asyncio.sleep(0.05)
    if ends:
        writer.write(LINE[9:])
        await writer.start_tls(trusting, server_hostname="localhost")
        writer.write(GET)
        assert (await Wire(reader, writer).message()).body == GET
    await asyncio.wait_for(edge.task, PATIENCE_S)
    assert b"HTTP" not in await Wire(reader, writer).ended()
    writer.close()


def test_what_is_plain() -> None:
    with socket.socket() as sock:
        assert Entrance(sock).plain
        assert not Entrance(sock, fronts=HERE).plain
        assert not Entrance(sock, ssl.create_default_context()).plain


async def test_what_waits_when_a_door_closes_still_comes_in(rig: Rig) -> None:
    """Nothing is awaited between the connects and the end of accepting: the event loop has accepted none of them."""
    upstream = await rig.upstream(echo)
    settings = EdgeSettings(nodes=(f"http://127.0.0.1:{upstream.port}",), gate_socket="x")
    context = make_context(settings, ssl.create_default_context)
    sock = socket.create_server(("127.0.0.1", 0), backlog=100)
    door = Door(Entrance(sock, fronts=HERE), context)
    door.open(100)
    clients = [socket.create_connection(sock.getsockname()) for _ in range(70)]
    for client in clients:
        client.sendall(LINE + GET)
    door.close()
    assert door.arriving == len(clients), "more than a burst of them"
    await door.settle(PATIENCE_S)
    for client in clients:
        reader, writer = await asyncio.open_connection(sock=client)
        assert (await Wire(reader, writer).message()).body == GET
        writer.close()
    await until(lambda: not context.clients)
    context.cluster.pool.close()
    context.sweep.stop()
    await asyncio.sleep(0.05)


async def test_what_nobody_can_have_encrypted_ends_a_connection_and_is_counted(
    rig: Rig, pem: Path, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "proxy.edge.refusals")
    edge = await rig.edge(await rig.upstream(echo), listen_tls=listening(pem))

    def speak() -> None:
        with socket.create_connection(("127.0.0.1", edge.port), timeout=PATIENCE_S) as raw:
            below = raw.dup()
            with trusting.wrap_socket(raw, server_hostname="localhost") as client:
                client.sendall(GET)
                assert client.recv(15) == b"HTTP/1.1 200 OK"
                # A record of application data (RFC 8446 §5.2) under no key.
                below.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
                with contextlib.suppress(OSError):
                    while below.recv(4096):
                        pass
            below.close()

    await asyncio.to_thread(speak)
    # OpenSSL's own words, until 3.1 and later.
    told = ("[tls]: decryption failed or bad record mac", "[tls]: record layer failure")
    await until(lambda: any(words in caplog.text for words in told))
