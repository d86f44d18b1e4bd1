"""The index follows the journal, also one that is not there yet."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.admin.views import follow as module
from proxy.admin.views.follow import follow
from proxy.admin.views.index import Index
from proxy.admin.views.reader import Reader
from proxy.tasks import spawn
from tests.admin.views.reading import append, denied, receipts

PATIENCE_S = 30.0


@asynccontextmanager
async def following(folder: Path) -> AsyncIterator[Index]:
    """An index that follows a folder meanwhile."""
    index = Index()
    task = spawn(follow(index, Reader(folder, 100)), name="follow")
    try:
        yield index
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that a thread brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 -- of files that a thread looks at
            await asyncio.sleep(0.01)


async def test_what_comes_is_seen(tmp_path: Path) -> None:
    append(tmp_path / "starts-000001.jsonl", denied("a"))
    async with following(tmp_path) as index:
        await asyncio.wait_for(index.ready.wait(), PATIENCE_S)
        assert receipts(index) == ["a"]
        append(tmp_path / "starts-000001.jsonl", denied("b"))
        await until(lambda: receipts(index) == ["b", "a"])


async def test_a_journal_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    folder = tmp_path / "journal"
    with caplog.at_level(logging.WARNING):
        async with following(folder) as index:
            await until(lambda: bool(index.problems))
            await asyncio.sleep(0.05)
            assert [record.message for record in caplog.records].count(caplog.records[0].message) == 1
            assert "there is no journal" in index.problems[0]
            folder.mkdir()
            append(folder / "starts-000001.jsonl", denied("a"))
            await until(lambda: receipts(index) == ["a"])
