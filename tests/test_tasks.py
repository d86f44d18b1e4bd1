"""Background tasks live until they end, and say so when they fail."""

import asyncio
import gc
import logging

import pytest

from proxy.tasks import spawn


async def test_task_is_named_and_returns_its_value() -> None:
    async def work() -> int:
        return 7

    task = spawn(work(), name="seven")
    assert task.get_name() == "seven"
    assert await task == 7


async def test_task_outlives_its_last_reference() -> None:
    done = asyncio.Event()
    gate = asyncio.Event()

    async def work() -> None:
        await gate.wait()
        done.set()

    spawn(work(), name="forgotten")
    await asyncio.sleep(0)
    gc.collect()
    gate.set()
    await asyncio.wait_for(done.wait(), 2)


async def test_failure_is_logged_with_its_name_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise ValueError("broken on purpose")

    with caplog.at_level(logging.ERROR):
        await asyncio.wait([spawn(work(), name="doomed")])
    assert "doomed" in caplog.text
    assert "ValueError: broken on purpose" in caplog.text


async def test_cancelling_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    task = spawn(asyncio.sleep(60), name="cut short")
    await asyncio.sleep(0)
    task.cancel()
    with caplog.at_level(logging.DEBUG):
        await asyncio.wait([task])
    assert task.cancelled()
    assert "cut short" not in caplog.text
