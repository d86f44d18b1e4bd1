"""Where a request goes, in a client's words."""

import asyncio

import pytest

from proxy.edge.nodes import gate_address
from proxy.edge.pool import Pool
from proxy.edge.sides import Target
from proxy.edge.sweep import Sweep
from proxy.settings import EdgeLimits


@pytest.mark.parametrize(("receipts", "name"), [(False, "the cluster"), (True, "the gate")])
async def test_what_it_is_to_a_client(receipts: bool, name: str) -> None:
    sweep = Sweep(asyncio.get_running_loop())
    pool = Pool([gate_address("/nowhere")], EdgeLimits(), sweep)
    assert Target(pool, "down", "slow", "broken", receipts=receipts).name == name
    sweep.stop()
