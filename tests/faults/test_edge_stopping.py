"""A worker that is told to stop in the middle of its work: what it has begun it finishes, and nothing is left over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edge.rig import Edge, Rig, Wire, make_limits, until

REQUEST = b"POST /a HTTP/1.1\r\nHost: x\r\nX-Tag: %d\r\nContent-Length: 4\r\n\r\nbody"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Edges and nodes that end with the test."""
    rig = Rig(tmp_path)
    yield rig
    await rig.close()


async def slow(wire: Wire) -> None:
    """Answers each request with its tag after a while, in two pieces."""
    while True:
        tag = (await wire.message()).values(b"x-tag")[0]
        await asyncio.sleep(0.05)
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(tag) + 1))
        await asyncio.sleep(0.05)
        await wire.send(b"." + tag)


async def client_life(edge: Edge, number: int, outcomes: Counter[str]) -> None:
    """One request after the other on a connection, until the connection ends; each comes to one outcome."""
    client = await edge.connect()
    for count in range(number, 1_000_000, 1000):
        try:
            await client.send(REQUEST % count)
            head = await client.reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError) as failure:
            # The connection ended between two requests, before a byte of an answer.
            partial = failure.partial if isinstance(failure, asyncio.IncompleteReadError) else b""
            outcomes["cut" if partial else "not begun"] += 1
            return
        body = await client.reader.readexactly(len(b".%d" % count))
        assert body == b".%d" % count
        outcomes["answered"] += 1
        if b"connection: close" in head.lower():
            return


@pytest.mark.slow
async def test_what_is_in_flight_is_finished_under_load(rig: Rig) -> None:
    upstream = await rig.upstream(slow)
    edge = await rig.edge(upstream, limits=make_limits(drain_s=20.0))
    outcomes: Counter[str] = Counter()
    lives = [asyncio.ensure_future(client_life(edge, number, outcomes)) for number in range(40)]
    await until(lambda: outcomes["answered"] >= 80)
    edge.stop.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*lives)
        await edge.task
    assert outcomes["cut"] == 0
    assert outcomes["not begun"] <= 40, "at most the one that met the end of an idle connection, for each client"
    reached = Counter(one.values(b"x-tag")[0] for one in upstream.requests)
    assert set(reached.values()) == {1}
    assert len(reached) == outcomes["answered"], "whatever reached the node was answered, and nothing else"


async def test_many_that_drip_leave_room_for_one_that_asks(rig: Rig) -> None:
    """A slowloris: a hundred connections that send their heads a byte at a time do not keep another from being served,
    and are all gone when their time is over."""
    upstream = await rig.upstream(slow)
    edge = await rig.edge(upstream, limits=make_limits(client_head_s=0.5, client_linger_s=0.2))
    drips = [await edge.connect() for _ in range(100)]
    for at in range(3):
        for drip in drips:
            drip.writer.write(REQUEST[at : at + 1])
        await asyncio.sleep(0.05)
    client = await edge.connect()
    await client.send(REQUEST % 1)
    assert (await client.message()).body == b".1"
    for drip in drips:
        assert b" 408 " in await drip.ended()
    assert len(upstream.requests) == 1
