"""Faults on the way to a node: whatever is cut, no answer is wrong, nothing that changes something is sent twice, and
every failure is told once."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edge.rig import Edge, Rig, Upstream, Wire
from tests.faults.relay import Fault, Relay

# Statuses with which the edge says that the way to the node failed.
FAILED = {502, 503, 504}
PATIENCE_S = 20.0


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Edges and nodes that end with the test."""
    rig = Rig(tmp_path)
    yield rig
    await rig.close()


async def origin(wire: Wire) -> None:
    """Answers each request with its tag and body, whose length it says."""
    while True:
        request = await wire.message()
        body = request.values(b"x-tag")[0] + b" " + request.body + b"." * 2000
        await wire.send(b"HTTP/1.1 200 OK\r\nx-tag: %s\r\n" % request.values(b"x-tag")[0])
        await wire.send(b"content-length: %d\r\n\r\n" % len(body) + body)


class Client:
    """Sends tagged requests, one at a time, and judges every answer. `outcomes` counts what each request came to:
    `ok`, a status of `FAILED`, or `cut`: exactly one for each."""

    numbers = itertools.count()

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.outcomes: Counter[str] = Counter()
        self.answered: set[bytes] = set()
        self._wire: Wire | None = None

    async def ask(self, method: bytes) -> str:
        """One request."""
        tag = b"t%d" % next(self.numbers)
        outcome = await self._ask(method, tag)
        self.outcomes[outcome] += 1
        return outcome

    async def _ask(self, method: bytes, tag: bytes) -> str:
        wire = self._wire
        if wire is None or wire.gone:
            wire = self._wire = await self.edge.connect()
        body = b"body of " + tag if method == b"POST" else b""
        await wire.send(
            b"%s /a HTTP/1.1\r\nHost: x\r\nX-Tag: %s\r\nContent-Length: %d\r\n\r\n%s" % (method, tag, len(body), body)
        )
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await wire.message()
        except (ConnectionError, asyncio.IncompleteReadError):
            self._wire = None
            return "cut"
        if b"close" in answer.values(b"connection"):
            self._wire = None
        if answer.status in FAILED:
            assert not answer.values(b"x-tag"), "an error of our own is no answer of the node's"
            return str(answer.status)
        assert answer.status == 200
        assert answer.values(b"x-tag") == [tag], "each answer is to its own request"
        assert answer.body == tag + b" " + body + b"." * 2000, "whole, byte for byte"
        self.answered.add(tag)
        return "ok"


def tags(upstream: Upstream) -> Counter[bytes]:
    """How often each POST reached the node."""
    return Counter(one.values(b"x-tag")[0] for one in upstream.requests if one.start.startswith(b"POST"))


@pytest.fixture
async def relay(rig: Rig) -> AsyncIterator[tuple[Relay, Upstream]]:
    """A relay and the node behind it."""
    upstream = await rig.upstream(origin)
    relay = await Relay(upstream.port).start()
    yield relay, upstream
    await relay.close()


@pytest.mark.parametrize(
    ("fault", "after_bytes", "outcome"),
    [
        (Fault.NONE, 0, {"ok"}),
        (Fault.DRIP, 0, {"ok"}),
        # The node takes the end of its input for the client's leaving; it may have answered before.
        (Fault.HALF_CLOSE, 0, {"ok", "502"}),
        (Fault.REFUSE, 0, {"502", "503"}),
        (Fault.TRUNCATE, 0, {"502"}),
        (Fault.TRUNCATE, 10, {"502"}),
        (Fault.TRUNCATE, 60, {"cut"}),
        (Fault.TRUNCATE, 1000, {"cut"}),
        (Fault.RESET, 0, {"502"}),
        (Fault.RESET, 10, {"502"}),
        # What was sent before a reset may be lost.
        (Fault.RESET, 1000, {"cut", "502"}),
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_each_fault_is_told_as_what_it_is(
    rig: Rig, relay: tuple[Relay, Upstream], fault: Fault, after_bytes: int, outcome: set[str], method: bytes
) -> None:
    way, upstream = relay
    way.fault, way.after_bytes = fault, after_bytes
    client = Client(await rig.edge(way.url))
    for _ in range(3):
        assert await client.ask(method) in outcome
    assert set(tags(upstream).values()) <= {1}
    way.fault = Fault.NONE
    way.reset_all()
    async with asyncio.timeout(PATIENCE_S):
        # Connections from before may still have to be found dead.
        while await client.ask(b"GET") != "ok":  # noqa: ASYNC110 -- each turn is a request
            await asyncio.sleep(0.01)


async def test_a_node_that_says_nothing_holds_its_own_requests_only(rig: Rig, relay: tuple[Relay, Upstream]) -> None:
    way, upstream = relay
    way.fault = Fault.BLACKHOLE
    edge = await rig.edge(way.url, upstream)
    stuck = await edge.connect()
    await stuck.send(b"GET /a HTTP/1.1\r\nHost: x\r\nX-Tag: stuck\r\n\r\n")
    other = await edge.connect()
    await other.send(b"GET /a HTTP/1.1\r\nHost: x\r\nX-Tag: other\r\n\r\n")
    # One of the two met the node that answers; which one is left to the turn.
    waits = [asyncio.ensure_future(wire.message()) for wire in (stuck, other)]
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_S)
    assert [one.result().status for one in done] == [200]
    for one in pending:
        one.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_idle_connections_that_died_unseen(rig: Rig, relay: tuple[Relay, Upstream], method: bytes) -> None:
    """The reset of an idle connection and the next request meet on the way: what reads is asked again, what changes
    something is not, unless none of it was sent."""
    way, upstream = relay
    client = Client(await rig.edge(way.url))
    for _ in range(20):
        assert await client.ask(b"GET") == "ok"
        way.reset_all()
        outcome = await client.ask(method)
        assert outcome in ({"ok"} if method == b"GET" else {"ok", "502"})
    assert set(tags(upstream).values()) <= {1}


@pytest.mark.slow
async def test_a_node_that_is_restarted_under_load(rig: Rig, relay: tuple[Relay, Upstream]) -> None:
    """Some 500 requests a second for some seconds, half of which change something; the node is killed again and again,
    at any moment, and refuses connections for a while each time."""
    way, upstream = relay
    edge = await rig.edge(way.url)
    clients = [Client(edge) for _ in range(16)]
    stop = False

    async def life(client: Client) -> None:
        for method in itertools.cycle((b"GET", b"POST")):
            if stop:
                return
            await client.ask(method)
            await asyncio.sleep(0.03)

    lives = [asyncio.ensure_future(life(client)) for client in clients]
    for _ in range(6):
        await asyncio.sleep(0.5)
        way.fault = Fault.REFUSE
        way.reset_all()
        await asyncio.sleep(0.2)
        way.fault = Fault.NONE
    stop = True
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*lives)
    outcomes: Counter[str] = sum((client.outcomes for client in clients), Counter())
    assert outcomes["ok"] > 0
    assert set(outcomes) <= {"ok", "502", "503", "504", "cut"}
    reached = tags(upstream)
    assert set(reached.values()) <= {1}, "nothing that changes something was sent twice"
    answered = set.union(*(client.answered for client in clients))
    posted = {one.values(b"x-tag")[0] for one in upstream.requests}
    assert answered <= posted, "nothing was answered that did not reach the node"
    async with asyncio.timeout(PATIENCE_S):
        while await clients[0].ask(b"POST") != "ok":  # noqa: ASYNC110 -- each turn is a request
            await asyncio.sleep(0.05)
