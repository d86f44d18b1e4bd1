"""Active probes: each node is connected to every now and then, so that it is not a client's request that finds out.

A probe is a connection (over TLS, with its handshake) that is closed again: it needs no credentials, and leaves no line
in the cluster's audit log. See docs/decisions/104-names-and-probes.md.
"""

import asyncio

from proxy.edge.pool import Pool


async def keep_probing(pool: Pool, interval_s: float) -> None:
    """Probes all nodes side by side, every `interval_s` seconds from when the slowest has answered; until cancelled."""
    while True:
        await asyncio.sleep(interval_s)
        await probe_all(pool)


async def probe_all(pool: Pool) -> None:
    """Probes each node once. One that has all its connections is at work, and needs no probe."""
    await asyncio.gather(*(node.probe() for node in pool.nodes if not node.full))
