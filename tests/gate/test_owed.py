"""Outcomes that the journal would not take are tried again until it does."""

import asyncio
import logging
from typing import Any

import pytest

from proxy.gate.owed import AGAIN_S, Owed
from tests.gate.fakes import Scene, until


async def outcome(receipt: str) -> dict[str, Any]:
    """As the flow makes it."""
    one = Scene()
    await one.run()
    made = dict(one.outcome)
    return {**made, "startgate": {**made["startgate"], "receipt": receipt}}


def told(scene: Scene) -> list[str]:
    return [entry["startgate"]["receipt"] for entry in scene.records]


async def test_what_is_owed_is_tried_until_it_is_on_record() -> None:
    one = Scene()
    one.journal.failing = {"outcome"}
    owed = Owed(one.journal, (0.0,))
    owed.later("r1", await outcome("r1"))
    owed.later("r2", await outcome("r2"))
    await until(lambda: len(one.calls) > 3)
    assert (told(one), len(owed)) == ([], 2)
    one.journal.failing = set()
    await until(lambda: not owed)
    assert told(one) == ["r1", "r2"]
    # One that comes when all is paid is tried, too.
    owed.later("r3", await outcome("r3"))
    await until(lambda: not owed)
    assert told(one) == ["r1", "r2", "r3"]
    await owed.close()


async def test_where_one_is_not_taken_the_others_wait() -> None:
    """A disk without room would refuse each of them."""
    one = Scene()
    one.journal.failing = {"outcome"}
    owed = Owed(one.journal, (0.0, 3600.0))
    for receipt in ("r1", "r2", "r3"):
        owed.later(receipt, await outcome(receipt))
    await until(lambda: len(one.calls) > 0)
    for _ in range(10):
        await asyncio.sleep(0)
    assert one.calls == ["outcome"]
    await owed.close()


async def test_what_is_left_at_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    one = Scene()
    owed = Owed(one.journal, (3600.0,))
    owed.later("r1", await outcome("r1"))
    with caplog.at_level(logging.ERROR):
        await owed.close()
    assert caplog.messages == ["start r1: its outcome is not on record; the next process looks into it"]


async def test_nothing_is_owed_at_first() -> None:
    owed = Owed(Scene().journal)
    await owed.close()
    assert len(owed) == 0


def test_tries_become_rarer_and_go_on() -> None:
    assert list(AGAIN_S) == sorted(AGAIN_S)
    assert AGAIN_S[-1] <= 30
