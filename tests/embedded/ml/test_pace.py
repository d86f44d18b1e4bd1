"""Giving way."""

import asyncio
import time

from proxy.embedded.ml.pace import Pace


async def test_a_step_waits() -> None:
    begun = time.monotonic()
    await Pace(0.02).step()
    assert time.monotonic() - begun >= 0.02


async def test_long_work_lets_others_in() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    other = asyncio.get_running_loop().create_task(tick())
    pace = Pace(0.0)
    for _ in range(5):
        time.sleep(0.006)  # noqa: ASYNC251 - stands for computing
        await pace.breathe()
    other.cancel()
    assert ticks >= 4


async def test_short_work_goes_on() -> None:
    pace = Pace(0.0)
    await pace.step()
    await asyncio.wait_for(pace.breathe(), 1)
