"""`python -m proxy.admin_process`: the admin port, started by the supervisor only."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from proxy import child, logs
from proxy.admin import app
from proxy.orders import AdminOrder


def main() -> int:
    """Serves page, API, metrics and health until told to stop; returns the exit status."""
    order = msgspec.json.decode(child.read_order(), type=AdminOrder)
    logs.configure(order.name, order.log)
    return child.run(lambda: _work(order))


def _work(order: AdminOrder) -> child.Work:
    async def work(stop: asyncio.Event, ready: Callable[[], None], reload: asyncio.Event) -> None:
        await app.run(order.settings, Path(order.metrics), stop, ready, reload=reload)

    return work


if __name__ == "__main__":
    sys.exit(main())
