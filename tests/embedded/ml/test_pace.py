"""Giving way."""

import asyncio
import time

import pytest

from proxy.embedded.ml.pace import PARTS, Pace


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


@pytest.mark.parametrize("total", [1, 3, PARTS, 7, 50, 1001])
async def test_a_computation_waits_at_the_end_of_each_part(total: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    pace = Pace(0.0)
    done = 0

    async def step() -> None:
        steps.append(done)

    monkeypatch.setattr(pace, "step", step)
    for done in range(1, total + 1):
        await pace.part(done, total)
    assert len(steps) == min(PARTS, total)
    assert steps[-1] == total
