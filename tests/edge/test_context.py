"""What connections share: limits for heads, and who is still there while draining."""

import asyncio

from proxy.edge.context import Context
from proxy.edge.nodes import gate_address
from proxy.edge.notes import Notes
from proxy.edge.pool import Pool
from proxy.edge.sides import Target
from proxy.edge.sweep import Sweep
from proxy.settings import EdgeLimits


class Client:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.drained = 0

    def drain(self) -> None:
        """Told to drain."""
        self.drained += 1

    def abort(self) -> None:
        """Not told here."""
        raise AssertionError

    forsake = abort


def make(limits: EdgeLimits) -> Context:
    sweep = Sweep(asyncio.get_running_loop())
    target = Target(Pool([gate_address("/nowhere")], limits, sweep), "down", "slow", "broken")
    sweep.stop()
    return Context(limits=limits, sweep=sweep, cluster=target, gate=target, notes=Notes("/nowhere", limits))


async def test_head_limits_come_from_the_settings() -> None:
    context = make(EdgeLimits(request_line_bytes=1, request_head_bytes=2, answer_head_bytes=3, headers=4))
    requests, answers = context.request_limits, context.answer_limits
    assert (requests.line_bytes, requests.head_bytes, requests.fields) == (1, 2, 4)
    assert (answers.line_bytes, answers.head_bytes, answers.fields) == (3, 3, 4)


async def test_draining_waits_for_the_last_client() -> None:
    context = make(EdgeLimits())
    one, two = Client(), Client()
    context.clients |= {one, two}
    context.drain()
    assert (one.drained, two.drained, context.empty.is_set()) == (1, 1, False)
    context.left(one)
    context.left(one)
    assert not context.empty.is_set()
    context.left(two)
    assert context.empty.is_set()


async def test_without_clients_it_is_drained_at_once() -> None:
    context = make(EdgeLimits())
    context.left(Client())
    assert not context.empty.is_set()
    context.drain()
    assert context.empty.is_set()
