"""`python -m proxy.gate_process`: the gate, started by the supervisor only."""

import asyncio
import sys
from collections.abc import Callable

import msgspec

from proxy import child, logs
from proxy.gate import app
from proxy.orders import GateOrder


def main() -> int:
    """Serves on the Unix socket until told to stop; returns the exit status."""
    order = msgspec.json.decode(child.read_order(), type=GateOrder)
    logs.configure(order.name)
    return child.run(lambda: _work(order))


def _work(order: GateOrder) -> child.Work:
    async def work(stop: asyncio.Event, ready: Callable[[], None], reload: asyncio.Event) -> None:
        await app.run(order.settings, stop, ready, reload)

    return work


if __name__ == "__main__":
    sys.exit(main())
