"""All sinks of a gate, each moved on in the background. None of them can hold up a start, or the end of the process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.settings import GateSettings
from proxy.ship.model import Status
from proxy.ship.shipper import Shipper
from proxy.ship.sinks import made
from proxy.tasks import spawn

# For connections to be closed in good order when the gate ends; what hangs longer is left to the system.
_CLOSE_S = 2.0


class Fleet:
    """The shippers of a gate."""

    def __init__(self, shippers: Sequence[Shipper]) -> None:
        self._shippers = tuple(shippers)

    def status(self) -> tuple[Status, ...]:
        """How each sink stands at this moment."""
        return tuple(shipper.status for shipper in self._shippers)


@asynccontextmanager
async def shipping(settings: GateSettings, durable: Callable[[], int] | None = None) -> AsyncIterator[Fleet]:
    """Ship to every sink of the settings meanwhile, up to the record whose number `durable` gives."""
    sinks = made(settings)
    shippers = [Shipper(Path(settings.journal), sink, settings.sinks.limits, durable=durable) for sink in sinks]
    tasks = [spawn(shipper.run(), name=f"ship to {sink.name}") for shipper, sink in zip(shippers, sinks, strict=True)]
    try:
        yield Fleet(shippers)
    finally:
        for task in tasks:
            task.cancel()
        closing = [*tasks, *(spawn(sink.close(), name=f"close {sink.name}") for sink in sinks)]
        if closing:
            await asyncio.wait(closing, timeout=_CLOSE_S)
