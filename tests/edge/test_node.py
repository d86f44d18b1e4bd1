"""One node: what it counts, whom it hands its connections to, and when it is ejected."""

import asyncio
import errno
import logging

import pytest

from proxy.edge.node import Node, own_trouble
from proxy.edge.nodes import Address, ProtocolFactory
from proxy.edge.sweep import Sweep
from proxy.edge.upstream import UpstreamConnection
from proxy.settings import EdgeLimits
from tests.edge.rig import Rig, Upstream, echo


class Bench:
    """A node on a scripted server; `released` notes what it lets go of, and says whether somebody takes it."""

    def __init__(self, upstream: Upstream | None, **limits: int) -> None:
        self.sweep = Sweep(asyncio.get_running_loop())
        self.released: list[UpstreamConnection | None] = []
        self.refused = 0
        self.wanted = False
        self.error: OSError | None = None
        self._port = upstream.port if upstream is not None else 0
        address = Address("http://node:1", self._open)
        self.node = Node(address, EdgeLimits(**limits), self.sweep, released=self._note, refused=self._refuse)

    def _note(self, connection: UpstreamConnection | None) -> bool:
        self.released.append(connection)
        return self.wanted

    def _refuse(self) -> None:
        self.refused += 1

    async def _open(self, factory: ProtocolFactory) -> object:
        if self.error is not None:
            raise self.error
        return await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", self._port)

    async def close(self) -> None:
        self.node.close()
        self.sweep.stop()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "own"),
    [
        (errno.EMFILE, True),
        (errno.ENFILE, True),
        (errno.EADDRNOTAVAIL, True),
        (errno.EAGAIN, True),
        (errno.ECONNREFUSED, False),
        (errno.EHOSTUNREACH, False),
        (errno.ETIMEDOUT, False),
    ],
)
async def test_our_own_trouble_is_not_the_nodes_fault(number: int, own: bool, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(None)
    bench.error = OSError(number, "no")
    with pytest.raises(OSError, match="no"):
        await bench.node.open()
    assert own_trouble(bench.error) is own
    assert bench.node.health.troubled is not own
    assert ("for want of" in caplog.text) is own
    assert (bench.node.busy, bench.released, bench.refused) == (0, [], 1)
    await bench.close()


async def test_a_connection_that_somebody_waits_for_is_handed_on(rig: Rig) -> None:
    bench = Bench(await rig.upstream(echo))
    connection = await bench.node.open()
    bench.wanted = True
    bench.node.give_back(connection)
    assert (bench.released, bench.node.idle) == ([connection], 0)
    bench.node.hand_on(connection)
    assert (connection.reused, bench.node.busy) == (True, 1)
    bench.wanted = False
    bench.node.give_back(connection)
    assert (bench.node.busy, bench.node.idle) == (0, 1)
    await bench.close()


async def test_whatever_ends_a_connection_makes_room(rig: Rig) -> None:
    bench = Bench(await rig.upstream(echo), upstream_connections=1)
    node = bench.node
    node.drop(await node.open())
    assert bench.released == [None]
    closing = await node.open()
    assert node.full
    closing.transport.close()
    node.give_back(closing)
    assert (bench.released, node.busy) == ([None, None], 0)
    await bench.close()


async def test_what_is_idle_counts_too_where_a_new_one_is_asked_for(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    bench = Bench(upstream, upstream_connections=2)
    kept, other = await bench.node.open(), await bench.node.open()
    bench.node.give_back(kept)
    fresh = await bench.node.open()
    assert (bench.node.busy, bench.node.idle, kept.transport.is_closing()) == (2, 0, True)
    for connection in (other, fresh):
        bench.node.drop(connection)
    await bench.close()


async def test_broken_answers_in_a_row_are_told_once(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(None, upstream_eject_failures=3)
    with caplog.at_level(logging.WARNING, "proxy.edge.node"):
        for _ in range(2):
            bench.node.blame()
        bench.node.worked()
        for _ in range(4):
            bench.node.blame()
    assert bench.node.health.ejected(bench.sweep.now)
    assert [record.getMessage() for record in caplog.records] == [
        "http://node:1 broke off 3 answers in a row: others are asked first"
    ]
    await bench.close()


async def test_a_retired_node_keeps_nothing(rig: Rig) -> None:
    bench = Bench(await rig.upstream(echo))
    idle, busy = await bench.node.open(), await bench.node.open()
    bench.node.give_back(idle)
    bench.node.retire()
    assert idle.transport.is_closing()
    assert not busy.transport.is_closing()
    bench.node.give_back(busy)
    assert busy.transport.is_closing()
    await bench.close()
