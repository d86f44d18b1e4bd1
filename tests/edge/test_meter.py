"""What a worker tells: by real requests through a real worker, and of nodes that come and go."""

import asyncio
from typing import cast

from proxy.edge.context import Context
from proxy.edge.meter import NODES_MOST, Meter
from proxy.edge.nodes import Address, ProtocolFactory, gate_address
from proxy.edge.notes import Notes
from proxy.edge.pool import Pool
from proxy.edge.refusals import Reason
from proxy.edge.sides import Target
from proxy.edge.sweep import Sweep
from proxy.edge.upstream import UpstreamConnection
from proxy.metrics.snapshot import Telling
from proxy.settings import EdgeLimits


async def nowhere(_factory: ProtocolFactory) -> object:
    """Connects to nothing."""
    raise OSError


def address(name: str) -> Address:
    """A node that is never connected to."""
    return Address(name, nowhere)


def context_of(nodes: list[str], *, metered: bool = True) -> Context:
    """What a worker with these nodes shares."""
    limits, sweep = EdgeLimits(), Sweep(asyncio.get_running_loop())
    cluster = Target(Pool([address(one) for one in nodes], limits, sweep, metered=metered), "down", "slow", "broken")
    gate = Target(Pool([gate_address("/nowhere")], limits, sweep, gate=True, metered=metered), "down", "slow", "broken")
    return Context(limits=limits, sweep=sweep, cluster=cluster, gate=gate, notes=Notes("/nowhere", limits))


def told(meter: Meter) -> dict[tuple[str, ...], float]:
    """All values by name and labels; of histograms, how many they count."""
    telling = Telling()
    meter.tell(telling)
    values = {(one.family, *one.labels): one.value for one in telling.values}
    return values | {(many.family, *many.labels): sum(many.counts) for many in telling.buckets}


async def test_answers_are_told_by_node_and_class() -> None:
    context = context_of(["http://a:1", "http://b:1"])
    first, second = context.cluster.pool.nodes
    assert first.tally is not None
    assert second.tally is not None
    first.tally.note(200, 0.1)
    first.tally.note(404, 0.1)
    second.tally.note(200, 0.1)
    second.tally.received = 50
    found = told(Meter(context))
    assert found["startgate_upstream_duration_seconds", "http://a:1", "2xx"] == 1
    assert found["startgate_upstream_duration_seconds", "http://a:1", "4xx"] == 1
    assert found["startgate_upstream_duration_seconds", "http://b:1", "2xx"] == 1
    assert found["startgate_requests", "cluster", "2xx"] == 2
    assert found["startgate_requests", "cluster", "5xx"] == 0
    assert found["startgate_requests", "gate", "2xx"] == 0
    assert ("startgate_requests", "cluster", "3xx") not in found
    assert found["startgate_upstream_received_bytes", "cluster"] == 50
    context.sweep.stop()


async def test_what_nodes_counted_that_left_is_kept_and_the_nodes_are_not() -> None:
    context = context_of(["http://a:1", "http://b:1"])
    meter, pool = Meter(context), context.cluster.pool
    leaving = pool.nodes[0]
    assert leaving.tally is not None
    leaving.tally.note(200, 0.1)
    leaving.busy = 1
    pool.replace([leaving], [address("http://c:1")])
    leaving.tally.note(200, 0.1)
    for _ in range(2):
        found = told(meter)
        assert found["startgate_upstream_duration_seconds", "gone", "2xx"] == 2
        assert found["startgate_requests", "cluster", "2xx"] == 2
        assert ("startgate_upstream_connections", "http://a:1", "idle") not in found
    assert pool.departed == [leaving], "it has something to answer still"
    leaving.busy = 0
    leaving.tally.note(200, 0.1)
    for _ in range(2):
        assert told(meter)["startgate_upstream_duration_seconds", "gone", "2xx"] == 3
    assert pool.departed == []
    context.sweep.stop()


async def test_there_are_never_too_many_series() -> None:
    context = context_of([f"http://{number}:1" for number in range(NODES_MOST + 50)])
    for node in context.cluster.pool.nodes:
        assert node.tally is not None
        node.tally.note(200, 0.1)
    found = told(Meter(context))
    names = {key[1] for key in found if key[0] == "startgate_upstream_duration_seconds"}
    assert len(names) == NODES_MOST + 1
    assert found["startgate_upstream_duration_seconds", "other", "2xx"] == 50
    context.sweep.stop()


async def test_connections_and_refusals_are_told() -> None:
    context = context_of(["http://a:1"])
    context.caps.enter("10.0.0.1")
    peer, _ = context.caps.enter("10.0.0.2")
    context.caps.leave(peer, None)
    context.refusals.note(Reason.MALFORMED, "10.0.0.1:1", "broken", context.sweep.now)
    context.received = 1234
    found = told(Meter(context))
    assert found["startgate_connections",] == 1
    assert found["startgate_connections_accepted",] == 2
    assert found["startgate_client_received_bytes",] == 1234
    assert found["startgate_refused", "malformed"] == 1
    assert found["startgate_refused", "route"] == 0, "every reason is there from the beginning"
    assert {key[1] for key in found if key[0] == "startgate_refused"} == {reason.value for reason in Reason}
    assert found["startgate_observed_untold",] == 0
    context.sweep.stop()


async def test_ejected_nodes_are_told() -> None:
    context = context_of(["http://a:1", "http://b:1"])
    context.cluster.pool.nodes[1].health.refused(context.sweep.now)
    found = told(Meter(context))
    assert found["startgate_upstream_ejected", "http://a:1"] == 0
    assert found["startgate_upstream_ejected", "http://b:1"] == 1
    context.sweep.stop()


async def test_where_nobody_asks_nothing_is_counted() -> None:
    context = context_of(["http://a:1"], metered=False)
    (node,) = context.cluster.pool.nodes
    assert node.tally is None
    context.cluster.pool.replace([node], [address("http://b:1")])
    assert context.cluster.pool.departed == []
    context.sweep.stop()


async def test_a_busy_connection_counts_for_its_node() -> None:
    context = context_of(["http://a:1"])
    (node,) = context.cluster.pool.nodes
    connection = UpstreamConnection(node, 1024)
    node.hand_on(connection)
    assert connection.since > 0
    assert told(Meter(context))["startgate_upstream_connections", "http://a:1", "busy"] == 1
    connection.status = 503
    connection.sink = cast("None", object())
    node.lost(connection)
    found = told(Meter(context))
    assert found["startgate_upstream_connections", "http://a:1", "busy"] == 0
    assert found["startgate_requests", "cluster", "5xx"] == 1, "an answer that broke off counts, once"
    context.sweep.stop()
