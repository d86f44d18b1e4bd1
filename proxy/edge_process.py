"""`python -m proxy.edge_process`: an edge worker, started by the supervisor only. It loads nothing of the gate."""

import asyncio
import sys
from collections.abc import Callable
from socket import socket
from typing import Final

import msgspec

from proxy import child, logs
from proxy.edge import worker
from proxy.edge.access import open_access
from proxy.edge.door import Entrance
from proxy.edge.heap import keep_freed, keep_lean
from proxy.expiry import dated_files, keep_warning
from proxy.metrics.teller import Teller
from proxy.orders import EdgeOrder
from proxy.renewal import renewable_listener
from proxy.tasks import spawn

# What the supervisor calls the first worker.
_FIRST: Final = "edge-1"


def main() -> int:
    """Serves on the inherited sockets until told to stop; returns the exit status."""
    order = msgspec.json.decode(child.read_order(), type=EdgeOrder)
    logs.configure(order.name, order.log)
    keep_freed()
    return child.run(lambda: _work(order))


def _work(order: EdgeOrder) -> child.Work:
    entrances = [
        Entrance(
            sock=socket(fileno=one.fd),
            tls=None if one.tls is None else renewable_listener(one.tls),
            fronts=one.proxy_protocol,
        )
        for one in order.listeners
    ]

    async def work(stop: asyncio.Event, ready: Callable[[], None], reload: asyncio.Event) -> None:
        spawn(keep_lean(), name="edge-memory")
        if order.name == _FIRST:
            # One tells for all: they use the same files.
            files = dated_files([one.tls for one in order.listeners if one.tls is not None], order.settings.cluster_tls)
            spawn(keep_warning(files), name="edge-expiry")
        teller = Teller(order.name, order.metrics) if order.metrics is not None else None
        access = open_access(order.log, order.name)
        try:
            await worker.run(order.settings, entrances, stop, ready, reload, teller, access)
        finally:
            if access is not None:
                await asyncio.to_thread(access.close)

    return work


if __name__ == "__main__":
    sys.exit(main())
