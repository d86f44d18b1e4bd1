"""How fast a job goes: long work gives way to the event loop, and may be slowed down for tests to watch."""

import asyncio
import time

# How long computing may hold the event loop before it gives way.
_SLICE_S = 0.005
# Into how many parts a long computation is cut where a job is to be watched.
PARTS = 5


class Pace:
    """`step` between the parts of a job, `part` or `breathe` within a long computation."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._since = time.monotonic()

    async def step(self) -> None:
        """Wait as long as the cluster was told to wait at each step."""
        await asyncio.sleep(self._step_s)
        self._since = time.monotonic()

    async def part(self, done: int, total: int) -> None:
        """After each of `total` pieces of a computation: a step at the end of each part, a breath in between."""
        if PARTS * done // total > PARTS * (done - 1) // total:
            await self.step()
        else:
            await self.breathe()

    async def breathe(self) -> None:
        """Give way if this slice of time is used up."""
        if time.monotonic() - self._since >= _SLICE_S:
            await asyncio.sleep(0)
            self._since = time.monotonic()
