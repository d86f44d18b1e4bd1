"""Probes find nodes that are down, and nodes that are back, before a request does."""

import asyncio

import pytest

from proxy.edge.nodes import node_addresses
from proxy.edge.pool import Pool
from proxy.edge.probes import keep_probing, probe_all
from proxy.edge.sweep import Sweep
from proxy.settings import EdgeLimits
from tests.edge.rig import Rig, Wire, echo, make_limits, until, unused_port


def no_tls() -> None:
    """No node of these tests speaks TLS."""
    raise AssertionError


def pool_of(*ports: int, **limits: float) -> tuple[Pool, Sweep]:
    sweep = Sweep(asyncio.get_running_loop())
    addresses = node_addresses([f"http://127.0.0.1:{port}" for port in ports], no_tls)  # type: ignore[arg-type] # unused
    return Pool(addresses, make_limits(**limits), sweep), sweep


async def test_a_node_that_is_down_is_ejected_and_brought_back() -> None:
    (port,) = unused_port()
    pool, sweep = pool_of(port, upstream_eject_s=600.0, upstream_eject_longest_s=600.0)
    (node,) = pool.nodes
    await probe_all(pool)
    assert node.health.ejected(sweep.now)
    await probe_all(pool)
    server = await asyncio.start_server(lambda reader, writer: echo(Wire(reader, writer)), "127.0.0.1", port)
    await probe_all(pool)
    assert not node.health.ejected(sweep.now)
    assert node.health.share(sweep.now) < 1.0, "with a small share at first"
    assert (node.busy, node.idle) == (0, 0)
    sweep.stop()
    server.close()
    await server.wait_closed()


async def test_one_that_breaks_its_answers_is_not_brought_back(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    pool, sweep = pool_of(upstream.port)
    (node,) = pool.nodes
    for _ in range(EdgeLimits().upstream_eject_failures):
        node.blame()
    await probe_all(pool)
    assert node.health.ejected(sweep.now)
    sweep.stop()


async def test_one_that_is_full_is_left_alone(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    pool, sweep = pool_of(upstream.port, upstream_connections=1)
    (node,) = pool.nodes
    busy = await node.open()
    await until(lambda: len(upstream.wires) == 1)
    await probe_all(pool)
    assert (len(upstream.wires), node.busy) == (1, 1)
    node.drop(busy)
    sweep.stop()


async def test_it_goes_on_until_it_is_cancelled(rig: Rig) -> None:
    upstream = await rig.upstream(echo)
    pool, sweep = pool_of(upstream.port)
    task = asyncio.ensure_future(keep_probing(pool, 0.01))
    await until(lambda: len(upstream.wires) >= 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    sweep.stop()


async def test_a_worker_probes_where_it_is_told_to(rig: Rig) -> None:
    _, upstream = await rig.simple(echo, upstream_probe_s=0.05)
    await until(lambda: len(upstream.wires) >= 2)
    assert upstream.requests == []
