"""The long run: the inputs of a seed through the proxy to genuine nodes, and directly to them."""

import asyncio
import itertools
import time
from dataclasses import dataclass

from tests.fuzz.campaign import LIMITS, Failure, Run, directly, through
from tests.fuzz.case import Case, tag_of
from tests.fuzz.drive import send
from tests.fuzz.judge import faults
from tests.fuzz.nodes import hardened
from tests.fuzz.seeds import inputs
from tests.fuzz.shrink import shrink
from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`count` inputs of `seed` in all, dealt out among the nodes; none is begun after `seconds`. With `compare` the
    same inputs are sent to the nodes directly afterwards."""

    seed: int
    count: int
    seconds: float
    compare: bool = True


def run_on(node: RealNode, plan: Plan, share: int, shares: int) -> Run:
    """Every `shares`th input, beginning with input `share`, through a proxy to `node`. Each failure is made small."""
    until = time.monotonic() + plan.seconds / shares
    with hardened(node), DenyingProxy((node.url,), LIMITS) as proxy:
        run = asyncio.run(through(proxy.port, _dealt(plan, share, shares), node.hits, until))
        run.failures = [asyncio.run(_small(proxy.port, node, failure)) for failure in run.failures]
        run.figures["start handler reached through the proxy"] += node.hits()
        run.figures["starts that the gate was asked about"] += proxy.asked
        if plan.compare:
            sent = run.figures["inputs"]
            cases = itertools.islice(_dealt(plan, share, shares), sent)
            # Not +=, which would drop what is 0.
            run.figures.update(asyncio.run(directly(node.port, cases, until + plan.seconds / shares)))
            run.figures["directly: requests that the start handler saw"] += node.hits()
    return run


def _dealt(plan: Plan, share: int, shares: int) -> "itertools.islice[tuple[int, Case]]":
    return itertools.islice(enumerate(inputs(plan.seed, plan.count)), share, None, shares)


async def _small(port: int, node: RealNode, failure: Failure) -> Failure:
    """The smallest input that is found to fail in the same way."""
    kind = failure.what[0].partition(":")[0]

    async def fails(case: Case) -> bool:
        before = await asyncio.to_thread(node.hits)
        tag = tag_of(failure.number)
        outcome = await send(port, case.tagged(tag), patience_s=10.0)
        found = faults(case, tag, outcome, Run().figures)
        if await asyncio.to_thread(node.hits) > before:
            found.append("reach")
        return any(what.startswith(kind) for what in found)

    if not await fails(failure.case):
        return failure
    small = await shrink(failure.case, fails)
    return Failure(failure.number, small, failure.what)
