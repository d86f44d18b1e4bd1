"""What every process tells of itself."""

import asyncio
import time

import pytest

from proxy.metrics import vitals
from proxy.metrics.snapshot import Telling
from proxy.metrics.vitals import LoopLag, resident_bytes, tell_vitals


async def test_a_loop_that_was_held_up_is_late() -> None:
    lag = LoopLag()
    await asyncio.sleep(0)
    time.sleep(vitals.TICK_S + 0.2)  # noqa: ASYNC251 -- this is what is measured
    assert lag.worst_s >= 0.2, "before the timer had its turn"
    await asyncio.sleep(0.01)
    assert lag.worst_s >= 0.2, "and after it"
    lag.stop()


async def test_a_peak_is_kept_for_a_window_and_then_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "WINDOW_S", 0.0)
    monkeypatch.setattr(vitals, "TICK_S", 0.01)
    lag = LoopLag()
    time.sleep(0.5)  # noqa: ASYNC251 -- as above
    assert lag.worst_s >= 0.4
    # Each tick ends a window here; a busy machine may be late itself, but not for half a second each time.
    async with asyncio.timeout(60):
        while lag.worst_s >= 0.4:  # noqa: ASYNC110 -- of a timer
            await asyncio.sleep(0.05)
    lag.stop()


def test_memory_is_that_of_a_python_process() -> None:
    assert 1_000_000 < resident_bytes() < 100_000_000_000


async def test_all_of_it_is_told() -> None:
    telling, lag = Telling(), LoopLag()
    tell_vitals(telling, 1_700_000_000_500_000_000, lag)
    lag.stop()
    told = {one.family: one.value for one in telling.values}
    assert told["startgate_process_start_time_seconds"] == 1_700_000_000.5
    assert told["startgate_process_cpu_seconds"] > 0
    assert told["startgate_process_resident_memory_bytes"] > 0
    assert told["startgate_event_loop_lag_seconds"] >= 0
