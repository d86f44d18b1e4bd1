"""A request on its way: what arrives at the server, what is asked again, and what comes of it if the client leaves."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import cast

import pytest

from proxy.edge.exchange import Exchange
from proxy.edge.nodes import node_addresses
from proxy.edge.pool import Pool
from proxy.edge.refusals import Reason
from proxy.edge.sides import ClientSide, Target
from proxy.edge.sweep import Sweep
from proxy.settings import ClusterTls, EdgeLimits
from proxy.wire.limits import HeadLimits
from proxy.wire.request import decode_request
from tests.edge.rig import Edge, Rig, Upstream, Wire, answer, echo, make_limits, reason, sends, server_tls

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
START = b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


class TestRequests:
    """What arrives at the server."""

    @pytest.mark.parametrize(
        ("sent", "arrived"),
        [
            (GET, GET),
            (b"POST /a%2Fb?c=d#e HTTP/1.1\r\nhost: x\r\nB:1 \r\na: 2\r\nB: 3\r\nContent-Length: 3\r\n\r\nabc",
             b"POST /a%2Fb?c=d#e HTTP/1.1\r\nhost: x\r\nB: 1\r\na: 2\r\nB: 3\r\nContent-Length: 3\r\n\r\nabc"),
            (b"POST /a HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: upgrade, http2-settings\r\n"
             b"HTTP2-Settings: a\r\nContent-Length: 3\r\n\r\nabc",
             b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"),
            (b"GET /a HTTP/1.1\r\nHost: x\r\nX-Startgate-Peer: 1.1.1.1:1\r\nx-startgate-receipt: fake\r\n\r\n", GET),
            (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
            (b"GET /a HTTP/1.0\r\n\r\n", b"GET /a HTTP/1.1\r\nHost: \r\n\r\n"),
        ],
    )  # fmt: skip
    async def test_heads_and_bodies(self, rig: Rig, sent: bytes, arrived: bytes) -> None:
        edge, _ = await rig.simple()
        got = await edge.ask(sent)
        assert (got.status, got.body) == (200, arrived)

    async def test_heads_that_are_known_again_arrive_as_each_was_sent(self, rig: Rig) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        for number in range(12):
            body = b"y" * (3 * number)
            arrived = b"POST /a/%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nAuthorization: Basic %d\r\n\r\n%b" % (
                number,
                len(body),
                number // 6,
                body,
            )
            await client.send(arrived.replace(b"Host: x", b"Host: x\r\nConnection: keep-alive\r\nTE: trailers"))
            assert (await client.message()).body == arrived

    async def test_a_start_among_heads_that_are_known_again_goes_to_the_gate(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        for _ in range(3):
            await client.send(START.replace(b"/_start", b"/_explain"))
            assert (await client.message()).status == 200
        await client.send(START)
        assert (await client.message()).status == 503, "there is no gate"
        assert len(upstream.requests) == 3

    @pytest.mark.parametrize("size", [1, 7, 1000])
    async def test_a_request_in_pieces(self, rig: Rig, size: int) -> None:
        edge, _ = await rig.simple()
        client = await edge.connect()
        data = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + b"y" * 100
        for at in range(0, len(data), size):
            await client.send(data[at : at + size])
            await asyncio.sleep(0)
        assert (await client.message()).body == data

    async def test_a_chunked_body_arrives_chunked_without_trailers(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nTrailer: T\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab")
        await client.send(b"c\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n")
        assert (await client.message()).status == 200
        assert upstream.requests[0].body == b"abcde"
        assert upstream.requests[0].head.endswith(b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        await client.send(GET)
        assert (await client.message()).body == GET

    async def test_broken_chunks_are_refused_and_never_completed(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await asyncio.sleep(0.05)
        await client.send(b"3;x=y\r\nabc\r\n")
        got = await client.message()
        assert (got.status, got.values(b"connection")) == (400, [b"close"])
        assert "chunk size" in reason(got)
        assert await client.ended() == b""
        assert [message.whole for message in upstream.requests] in ([], [False])

    async def test_broken_chunks_with_the_head_reach_no_server(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        got = await edge.ask(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
        assert got.status == 400
        assert upstream.wires == []

    async def test_connections_to_the_server_are_kept_alive(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        for _ in range(3):
            await edge.ask(GET)
        assert len(upstream.wires) == 1
        assert len(upstream.requests) == 3

    async def test_a_server_that_does_not_read_stops_the_client(self, rig: Rig) -> None:
        go = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.head()
            await go.wait()
            await wire.reader.readexactly(50_000_000)
            await wire.send(answer(b"all"))

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n")
        sent = await client.send_for(b"x" * 100_000, 0.5)
        assert sent < 40_000_000
        go.set()
        client.writer.write(b"x" * (50_000_000 - sent))
        assert (await client.message()).body == b"all"


class TestRetry:
    """A connection that died while it was idle costs nobody anything, if asking again is safe."""

    async def dying(self, rig: Rig) -> tuple[Edge, Upstream]:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(answer(b"%d" % wire.number))
            # The next request meets a connection that dies before a byte comes back.
            await wire.head()
            await wire.reset()

        return await rig.simple(script)

    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
    async def test_safe_requests_are_sent_again(self, rig: Rig, method: bytes) -> None:
        edge, upstream = await self.dying(rig)
        assert (await edge.ask(GET)).body == b"0"
        got = await edge.ask(method + b" /a HTTP/1.1\r\nHost: x\r\n\r\n", bodiless=method == b"HEAD")
        assert got.status == 200
        assert [len(wire.got) for wire in upstream.wires] == [1, 1]

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"POST /a HTTP/1.1\r\nHost: x\r\n\r\n",
            b"DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        ],
    )
    async def test_others_are_not(self, rig: Rig, request_bytes: bytes) -> None:
        edge, upstream = await self.dying(rig)
        await edge.ask(GET)
        assert (await edge.ask(request_bytes)).status == 502
        assert len(upstream.wires) == 1

    async def test_a_fresh_connection_is_not_retried(self, rig: Rig) -> None:
        edge, upstream = await rig.simple(sends(b"", then="reset"))
        assert (await edge.ask(GET)).status == 502
        assert len(upstream.wires) == 1

    async def test_nothing_is_asked_again_once_a_byte_came_back(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(answer(b"{}"))
            await wire.head()
            await wire.send(b"H")
            await wire.reset()

        edge, upstream = await rig.simple(script)
        await edge.ask(GET)
        assert (await edge.ask(GET)).status == 502
        assert len(upstream.wires) == 1


class TestGate:
    """Starts go to the gate, once, or nowhere."""

    async def test_the_gate_is_told_peer_and_receipt(self, rig: Rig) -> None:
        gate = await rig.gate(echo)
        edge, upstream = await rig.simple()
        client = await edge.connect()
        ours = client.writer.get_extra_info("sockname")
        await client.send(START.replace(b"Host", b"X-Startgate-Peer: 6.6.6.6:6\r\nHost"))
        assert (await client.message()).status == 200
        request = gate.requests[0]
        assert request.values(b"x-startgate-peer") == [f"127.0.0.1:{ours[1]}".encode()]
        (receipt,) = request.values(b"x-startgate-receipt")
        assert len(receipt) == 32
        assert (request.start, request.body) == (b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1", b"{}")
        assert upstream.wires == []

    async def test_a_client_may_ask_the_gate_for_a_plan_and_tell_it_nothing_else(self, rig: Rig) -> None:
        gate = await rig.gate(echo)
        edge, upstream = await rig.simple()
        asked = b"x-startgate-PLAN:only\r\nX-Startgate-Receipt: fake\r\nHost"
        assert (await edge.ask(START.replace(b"Host", asked))).status == 200
        assert gate.requests[0].values(b"x-startgate-plan") == [b"only"]
        assert b"fake" not in gate.requests[0].head
        twice = b"X-Startgate-Plan: no\r\nX-Startgate-Plan: only\r\nHost"
        assert (await edge.ask(START.replace(b"Host", twice))).status == 200
        assert gate.requests[1].values(b"x-startgate-plan") == [b"no", b"only"]
        misspelt = b"X-Startgate-Planned: only\r\nHost"
        assert (await edge.ask(START.replace(b"Host", misspelt))).status == 200
        assert gate.requests[2].values(b"x-startgate-plan") == [b"X-Startgate-Planned: only"], "for the gate to refuse"
        named = b"Connection: x-startgate-plan\r\nX-Startgate-Plan: only\r\nHost"
        assert (await edge.ask(START.replace(b"Host", named))).status == 400, "nobody may strip it"
        assert upstream.wires == []

    async def test_a_plan_is_not_asked_of_the_cluster(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        got = await edge.ask(GET.replace(b"Host", b"X-Startgate-Plan: only\r\nHost"))
        assert got.status == 200
        assert upstream.requests[0].values(b"x-startgate-plan") == []

    async def test_the_gates_own_receipt_header_reaches_the_client(self, rig: Rig) -> None:
        await rig.gate(sends(answer(b"{}", "200 OK", "X-Startgate-Receipt: abc")))
        edge, _ = await rig.simple()
        assert (await edge.ask(START)).values(b"x-startgate-receipt") == [b"abc"]

    async def test_a_gate_that_is_down_refuses_starts_only(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(START)
        got = await client.message()
        assert got.status == 503
        assert "the gate is down" in reason(got)
        assert "starts of data frame analytics jobs are refused" in reason(got)
        assert got.values(b"x-startgate-receipt") == [], "no journal knows of it"
        assert upstream.wires == []
        await client.send(GET)
        assert (await client.message()).body == GET

    async def test_a_gate_that_breaks_is_not_asked_again_and_the_receipt_tells(self, rig: Rig) -> None:
        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(answer(b"{}"))
            await wire.message()
            await wire.reset()

        gate = await rig.gate(script)
        edge, upstream = await rig.simple()
        assert (await edge.ask(START)).status == 200
        got = await edge.ask(START)
        assert got.status == 502
        assert "the start may have been made" in reason(got)
        assert got.values(b"x-startgate-receipt") == gate.requests[1].values(b"x-startgate-receipt")
        assert (len(gate.wires), len(upstream.wires)) == (1, 0)


class TestClientGone:
    """A client that leaves takes its request with it."""

    @pytest.mark.parametrize("how", ["close", "reset", "half"])
    async def test_the_server_is_told_at_once(self, rig: Rig, how: str) -> None:
        told = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.ended()
            told.set()

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET)
        await asyncio.sleep(0.05)
        if how == "half":
            client.writer.write_eof()
        else:
            await (client.close() if how == "close" else client.reset())
        async with asyncio.timeout(1):
            await told.wait()

    async def test_while_an_answer_streams(self, rig: Rig) -> None:
        told = asyncio.Event()

        async def script(wire: Wire) -> None:
            await wire.message()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            try:
                while True:
                    await wire.send(b"x" * 100_000)
            except ConnectionError:
                told.set()

        edge, _ = await rig.simple(script)
        client = await edge.connect()
        await client.send(GET)
        await client.head()
        await client.reset()
        async with asyncio.timeout(2):
            await told.wait()

    async def test_in_the_middle_of_an_upload(self, rig: Rig) -> None:
        edge, upstream = await rig.simple()
        client = await edge.connect()
        await client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab")
        await asyncio.sleep(0.05)
        await client.close()
        await asyncio.sleep(0.1)
        assert upstream.requests == []
        assert upstream.wires[0].gone

    async def test_a_connection_made_for_a_client_that_left_serves_another(self, rig: Rig, pem: Path) -> None:
        # TLS holds the connect up until the server takes part.
        sock = socket.create_server(("127.0.0.1", 0))
        tls = ClusterTls(ca=str(pem / "ca.pem"))
        edge = await rig.edge(f"https://localhost:{sock.getsockname()[1]}", cluster_tls=tls)
        gone = await edge.connect()
        await gone.send(GET)
        await asyncio.sleep(0.05)
        await gone.reset()
        await asyncio.sleep(0.05)
        upstream = await rig.upstream(echo, tls=server_tls(pem), sock=sock)
        await asyncio.sleep(0.1)
        assert (await edge.ask(GET)).body == GET
        assert (len(upstream.wires), len(upstream.requests)) == (1, 1)

    async def test_a_client_that_left_while_nothing_can_be_reached(self, rig: Rig) -> None:
        sock = socket.create_server(("127.0.0.1", 0))
        edge = await rig.edge(f"https://127.0.0.1:{sock.getsockname()[1]}", limits=make_limits(upstream_connect_s=0.2))
        gone = await edge.connect()
        await gone.send(GET)
        await asyncio.sleep(0.05)
        await gone.reset()
        await asyncio.sleep(0.4)
        assert (await edge.ask(GET)).status == 504
        sock.close()


class FailingClient:
    """The client's side of an exchange that is to fail; notes how."""

    transport: asyncio.Transport
    write_paused = False
    draining = False

    def __init__(self) -> None:
        self.failures: asyncio.Queue[int] = asyncio.Queue()

    origin = "192.0.2.1"

    def failed(self, status: int, type: str, reason: str, headers: tuple[tuple[str, str], ...], why: Reason) -> None:
        """The only way that these exchanges end."""
        self.failures.put_nowait(status)


class TestEdgeCases:
    """What real sockets show too rarely, and what no route asks for yet."""

    async def lone_node(self, upstream: Upstream) -> tuple[Pool, Sweep]:
        sweep = Sweep(asyncio.get_running_loop())
        addresses = node_addresses([f"http://127.0.0.1:{upstream.port}"], ssl.create_default_context)
        return Pool(addresses, EdgeLimits(), sweep), sweep

    def exchange(self, client: FailingClient, pool: Pool, method: bytes, *, receipts: bool) -> Exchange:
        head = decode_request(method + b" / HTTP/1.1\r\nHost: x\r\n\r\n", HeadLimits())
        assert head is not None
        target = Target(pool, "down", "slow", "broken", receipts=receipts)
        return Exchange(cast(ClientSide, client), head, target, HeadLimits())

    async def test_a_connection_that_died_while_it_was_opened_is_an_error_at_once(self, rig: Rig) -> None:
        pool, sweep = await self.lone_node(await rig.upstream(echo))
        client = FailingClient()
        node = pool._nodes[0]
        connection = await node.open()
        connection.transport.close()
        self.exchange(client, pool, b"POST", receipts=False).connected(connection)
        assert (client.failures.get_nowait(), node.busy) == (502, 0)
        await asyncio.sleep(0.05)
        assert (client.failures.empty(), node.busy) == (True, 0)
        sweep.stop()

    @pytest.mark.parametrize(("receipts", "asked"), [(False, 1), (True, 0)])
    async def test_what_was_not_sent_at_all_is_sent_on_another_connection_but_for_a_start(
        self, rig: Rig, receipts: bool, asked: int
    ) -> None:
        upstream = await rig.upstream(sends(b"", then="reset"))
        pool, sweep = await self.lone_node(upstream)
        client = FailingClient()
        node = pool._nodes[0]
        dead = await node.open()
        dead.reused = True
        exchange = self.exchange(client, pool, b"POST", receipts=receipts)
        exchange._message = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"
        dead.transport.close()
        exchange.connected(dead)
        async with asyncio.timeout(5):
            # The other connection breaks off as well: that is not tried a third time.
            assert await client.failures.get() == 502
        assert (len(upstream.requests), node.busy) == (asked, 0)
        sweep.stop()

    async def test_the_gate_is_never_asked_twice_even_for_what_is_safe(self, rig: Rig) -> None:
        upstream = await rig.upstream(sends(b"", then="reset"))
        pool, sweep = await self.lone_node(upstream)
        client = FailingClient()
        node = pool._nodes[0]
        node.give_back(await node.open())
        self.exchange(client, pool, b"GET", receipts=True).start(b"")
        async with asyncio.timeout(2):
            assert await client.failures.get() == 502
        assert (len(upstream.wires), node.busy) == (1, 0)
        sweep.stop()
