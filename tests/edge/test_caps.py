"""How many connections and requests there may be: at each cap, one beyond it, and after it."""

import asyncio
import json
import resource
import sys
from pathlib import Path

import pytest

from proxy.edge.caps import RESERVED_DESCRIPTORS, SURPLUS, Caps, origin_of
from proxy.edge.refusals import Reason
from proxy.settings import EdgeLimits
from tests.edge.rig import Edge, Message, Rig, Wire, echo, until

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
PLENTY = 1_000_000


def caps(descriptors: int = PLENTY, **limits: int) -> Caps:
    return Caps(EdgeLimits(**limits), descriptors)


def kind(message: Message) -> tuple[int, str]:
    """Status and error type of an answer of our own."""
    return message.status, json.loads(message.body)["error"]["type"]


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("not: an address", "not: an address"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(host: str, origin: str) -> None:
    assert origin_of(host) == origin


class TestConnections:
    """Counts of open connections."""

    def test_of_one_address(self) -> None:
        counted = caps(client_connections_per_address=2)
        held = [counted.enter("192.0.2.1") for _ in range(3)]
        assert [reason for _, reason in held] == [None, None, Reason.CONNECTIONS_OF_ADDRESS]
        assert counted.enter("192.0.2.2")[1] is None
        assert (counted.connections, counted.surplus, counted.addresses) == (3, 1, 2)
        counted.leave(*held[0])
        assert counted.enter("192.0.2.1")[1] is None

    def test_of_all(self) -> None:
        counted = caps(client_connections=2)
        held = [counted.enter(f"192.0.2.{number}") for number in range(3)]
        assert [reason for _, reason in held] == [None, None, Reason.CONNECTIONS]
        for one in held:
            counted.leave(*one)
        assert (counted.connections, counted.surplus, counted.addresses) == (0, 0, 0)

    def test_what_the_system_does_not_give_is_not_promised(self) -> None:
        wanted = 100 + 50 + 10
        limits = {"client_connections": 100, "requests_in_flight": 50, "upstream_idle_connections": 10}
        enough = RESERVED_DESCRIPTORS + SURPLUS + wanted
        assert caps(enough, **limits).connections_max == 100
        assert caps(enough - 1, **limits).connections_max == 100, "where it still fits"
        assert caps(RESERVED_DESCRIPTORS + SURPLUS + 90, **limits).connections_max == 60
        assert caps(1, **limits).connections_max == 1, "one client is served in any case"


class TestRequests:
    """Counts of requests in flight."""

    def test_of_one_address_and_of_all(self) -> None:
        counted = caps(requests_in_flight=3, requests_in_flight_per_address=2)
        one, two, three = (counted.enter(f"192.0.2.{number}")[0] for number in range(3))
        assert [counted.begin(one) for _ in range(3)] == [None, None, Reason.REQUESTS_OF_ADDRESS]
        assert [counted.begin(two) for _ in range(2)] == [None, Reason.REQUESTS]
        counted.end(one)
        assert counted.begin(three) is None
        assert counted.requests == 3


class Held:
    """A node that answers when told."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def script(self, wire: Wire) -> None:
        """Answers each request once `go` is set."""
        while True:
            request = await wire.message()
            await self.go.wait()
            await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(request.head) + request.head)


async def served(edge: Edge) -> Wire:
    """A client whose connection is surely counted: it had an answer."""
    client = await edge.connect()
    await client.send(GET)
    assert (await client.message()).status == 200
    return client


class TestTheWorker:
    """The same over sockets."""

    @pytest.mark.parametrize(
        ("limit", "status"), [("client_connections", 503), ("client_connections_per_address", 429)]
    )
    async def test_a_connection_beyond_the_cap_is_told_why(
        self, rig: Rig, limit: str, status: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("proxy.edge.client.SURPLUS_S", 60.0)
        edge, upstream = await rig.simple(echo, **{limit: 2})
        first, second = await served(edge), await served(edge)
        beyond = await edge.connect()
        await beyond.send(b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
        got = await beyond.message()
        assert kind(got) == (status, "es_rejected_execution_exception")
        assert (got.values(b"retry-after"), got.values(b"connection")) == ([b"1"], [b"close"])
        assert await beyond.ended() == b""
        await second.send(GET)
        assert (await second.message()).status == 200, "who is in, stays in"
        await first.close()
        async with asyncio.timeout(5):
            while (await edge.ask(GET)).status != 200:  # noqa: ASYNC110 -- the worker has yet to see the end
                await asyncio.sleep(0.01)
        assert not [request for request in upstream.requests if b"/b" in request.start]

    async def test_a_connection_beyond_the_cap_that_says_nothing_is_let_go(self, rig: Rig) -> None:
        edge, _ = await rig.simple(client_connections=1)
        await served(edge)
        assert await (await edge.connect()).ended() == b""

    async def test_a_flood_is_closed_without_a_word(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("proxy.edge.client.SURPLUS_S", 60.0)
        edge, _ = await rig.simple(client_connections=1)
        inside = await served(edge)
        flood = [await edge.connect() for _ in range(SURPLUS + 5)]
        assert [await client.ended() for client in flood[SURPLUS:]] == [b"reset"] * 5
        assert not any(client.gone for client in flood[:SURPLUS])
        await inside.send(GET)
        assert (await inside.message()).status == 200

    @pytest.mark.parametrize(
        ("limit", "status"), [("requests_in_flight", 503), ("requests_in_flight_per_address", 429)]
    )
    async def test_a_request_beyond_the_cap_is_answered_and_the_connection_lives_on(
        self, rig: Rig, limit: str, status: int
    ) -> None:
        held = Held()
        edge, upstream = await rig.simple(held.script, **{limit: 1})
        busy, more = await edge.connect(), await edge.connect()
        await busy.send(GET)
        await until(lambda: upstream.requests)
        await more.send(GET)
        got = await more.message()
        assert kind(got) == (status, "es_rejected_execution_exception")
        assert got.values(b"retry-after") == [b"1"]
        held.go.set()
        assert (await busy.message()).status == 200
        await more.send(GET)
        assert (await more.message()).status == 200

    async def test_one_that_brings_a_body_is_answered_and_closed(self, rig: Rig) -> None:
        held = Held()
        edge, upstream = await rig.simple(held.script, requests_in_flight=1)
        busy, more = await edge.connect(), await edge.connect()
        await busy.send(GET)
        await until(lambda: upstream.requests)
        await more.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        got = await more.message()
        assert (got.status, got.values(b"connection")) == (503, [b"close"])
        await more.close()
        held.go.set()
        assert (await busy.message()).status == 200
        assert len(upstream.requests) == 1

    async def test_who_sends_ahead_is_not_cut_off_from_the_answer(self, rig: Rig) -> None:
        held = Held()
        edge, upstream = await rig.simple(held.script, requests_in_flight=1)
        busy, more = await edge.connect(), await edge.connect()
        await busy.send(GET)
        await until(lambda: upstream.requests)
        await more.send(GET + GET)
        got = await more.message()
        assert (got.status, got.values(b"connection")) == (503, [b"close"])
        for _ in range(2):
            await more.send(GET)
            await asyncio.sleep(0.01)
        assert await more.ended() == b""
        held.go.set()
        assert (await busy.message()).status == 200
        assert len(upstream.requests) == 1

    async def test_requests_that_were_broken_off_are_no_longer_counted(self, rig: Rig) -> None:
        held = Held()
        edge, upstream = await rig.simple(held.script, requests_in_flight=1)
        for number in range(3):
            gone = await edge.connect()
            await gone.send(GET)
            await until(lambda: len(upstream.requests) > number)  # noqa: B023 -- it is over before the next
            await gone.reset()
            await until(lambda: upstream.wires[-1].gone)
        held.go.set()
        assert (await edge.ask(GET)).status == 200

    async def test_broken_requests_are_no_longer_counted(self, rig: Rig) -> None:
        edge, _ = await rig.simple(requests_in_flight=1)
        for _ in range(3):
            got = await edge.ask(b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
            assert got.status == 400
        assert (await edge.ask(GET)).status == 200


SERVE = """
import asyncio, resource, socket, sys, uvloop
from proxy.edge.door import Entrance
from proxy.edge.worker import run
from proxy.settings import EdgeLimits, EdgeSettings
soft = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
listener = socket.create_server(("127.0.0.1", 0))
settings = EdgeSettings(nodes=(sys.argv[1],), gate_socket="/nowhere", limits=EdgeLimits(drain_s=1))
ready = lambda: print(listener.getsockname()[1], flush=True)
uvloop.run(run(settings, [Entrance(listener)], asyncio.Event(), ready))
"""


@pytest.mark.slow
async def test_descriptors_that_run_out_cost_some_an_answer_and_nobody_else(rig: Rig) -> None:
    """The limit sinks below what is open already, as where something else on the host takes all there is: new clients
    are closed, a request in need of a connection to a node is told why, the worker does not die, and afterwards all is
    well."""
    held = Held()
    held.go.set()
    upstream = await rig.upstream(held.script)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVE, f"http://127.0.0.1:{upstream.port}", "400"), stdout=asyncio.subprocess.PIPE
    )
    wires: list[Wire] = []

    async def client() -> Wire:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        wires.append(Wire(reader, writer))
        return wires[-1]

    async def asked(wire: Wire) -> Message:
        await wire.send(GET)
        return await wire.message()

    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        one, two = await client(), await client()
        assert [(await asked(wire)).status for wire in (one, two)] == [200, 200]
        # Both used the same connection to the node, one after the other; both at a time need a second.
        held.go.clear()
        limit_descriptors(process.pid, lowest_free(process.pid))
        await one.send(GET)
        await until(lambda: len(upstream.requests) == 3)
        got = await asked(two)
        assert (kind(got), got.values(b"retry-after")) == ((503, "es_rejected_execution_exception"), [b"1"])
        assert "no descriptor" in json.loads(got.body)["error"]["reason"]
        for _ in range(3):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asked(await client())
        held.go.set()
        assert (await one.message()).status == 200
        limit_descriptors(process.pid, 400)
        assert [(await asked(wire)).status for wire in (one, two, await client())] == [200, 200, 200]
        assert process.returncode is None
    finally:
        for wire in wires:
            wire.writer.close()
        process.terminate()
        await process.wait()


def lowest_free(pid: int) -> int:
    """The descriptor that a process would get next."""
    taken = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    return next(number for number in range(len(taken) + 1) if number not in taken)


def limit_descriptors(pid: int, number: int) -> None:
    """Another process may from now on open only descriptors below a number."""
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (number, 400))
