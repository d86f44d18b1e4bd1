"""What somebody may try to stay off the record, to fill it, to read what is masked, or to be taken for another."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.journal.folder import journal_files
from proxy.journal.observed import observed
from proxy.journal.read import administrative, unfinished
from proxy.journal.screened import ScreenedJournal
from proxy.journal.verify import verify
from proxy.journal.writer import open_journal
from proxy.privileges import Held
from tests.faults.test_attacks_starts import put
from tests.gate.fakes import Scene, made
from tests.stack import Stack, whole

pytestmark = pytest.mark.slow  # together some ten seconds

FLOOD = 60


async def _source(stack: Stack) -> None:
    """The source of the jobs of these tests."""
    await stack.ok("PUT", "/src-1", {"mappings": {"properties": {"delay": {"type": "integer"}}}})
    for number in range(12):
        await stack.ok("PUT", f"/src-1/_doc/{number}?refresh=true", {"delay": number})


def _lines(stack: Stack) -> int:
    return sum(len(path.read_bytes().splitlines()) for path in stack.journal.glob("starts-*.jsonl"))


def _counts(journal: Path) -> dict[str, int]:
    """How many attempts of each kind have no record of their own."""
    found: dict[str, int] = {}
    for record in administrative(journal):
        told: Any = record["startgate"]["admin"].get("unauthenticated")
        if told is not None:
            action = record["event"]["action"]
            found[action] = found.get(action, 0) + told["count"]
    return found


@pytest.mark.parametrize(
    ("method", "target", "body", "action"),
    [
        ("POST", "/_ml/data_frame/analytics/NO+ID/_start", "", "starts"),
        ("POST", "/_ml/data_frame/analytics/job/_start?timeout=never", "", "starts"),
        ("POST", "/_ml/data_frame/analytics/job/_start?no=parameter", "", "starts"),
        ("POST", "/_ml/data_frame/analytics/job/_start", "no JSON", "starts"),
        ("POST", "/_ml/data_frame/analytics/job/_start", "", "starts"),
        ("PUT", "/_ml/data_frame/analytics/job", "no JSON", "calls"),
        ("DELETE", "/_ml/data_frame/analytics/job", "", "calls"),
    ],
)
async def test_nobody_fills_the_journal_who_shows_no_credentials(
    tmp_path: Path, method: str, target: str, body: str, action: str
) -> None:
    """Neither by starts that are refused for their form, before credentials count, nor by calls that are observed."""
    async with whole(tmp_path) as stack:
        before = _lines(stack)
        answers = await asyncio.gather(
            *(stack.call(method, target, body or None, auth="Basic bm9ib2R5Om5v") for _ in range(FLOOD))
        )
        assert {400, 401} >= {answer.status for answer in answers}
        assert _lines(stack) == before + 1
        journal = stack.journal
    assert _counts(journal) == {f"startgate-unauthenticated-{action}": FLOOD - 1}
    assert verify(journal).whole


async def test_nobody_fills_the_journal_by_hanging_up_before_they_are_refused(tmp_path: Path) -> None:
    async with whole(tmp_path) as stack:
        stack.cluster.delay_s = 0.3
        for _ in range(15):
            _, writer = await asyncio.open_connection("127.0.0.1", stack.port)
            writer.write(b"DELETE /_ml/data_frame/analytics/job HTTP/1.1\r\nHost: x\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.transport.abort()
        stack.cluster.delay_s = 0.0
        journal = stack.journal
    told = [one for one in observed(journal) if one["event"]["action"] == "delete-data-frame-analytics"]
    assert len(told) <= 1, "of one address within a minute"
    assert verify(journal).whole


@pytest.mark.parametrize("odd", ["\x01", "\N{BLACK DIAMOND}"])
async def test_no_job_makes_a_record_that_keeps_the_next_gate_from_starting(tmp_path: Path, odd: str) -> None:
    """Thousands of sources with names that take six bytes a character as JSON, each of them with a reason."""
    sources = [f"{number:05d}{odd * 2000}" for number in range(1200)]
    lives = open_journal(tmp_path)
    for held in ({"held caller": Held()}, {}):
        scene = Scene()
        scene.cluster.answers = {"job caller": made(source={"index": sources}), **held}
        await scene.run()
        for record in scene.records:
            await ScreenedJournal(lives).append(record)
    await lives.close()
    assert [start.open for start in unfinished(tmp_path)] == [False], "granted, and without an end"
    assert verify(tmp_path).whole
    assert max(len(line) for path in journal_files(tmp_path) for line in path.read_bytes().splitlines()) < 3 * 1024**2


async def test_whoever_is_known_is_on_record_each_time(tmp_path: Path) -> None:
    async with whole(tmp_path) as stack:
        await _source(stack)
        await put(stack, "job")
        stack.cluster.add_user("eve", "secret", [])
        before = _lines(stack)
        answers = [await stack.start("job", "Basic ZXZlOnNlY3JldA==") for _ in range(5)]
        assert {answer.status for answer in answers} == {403}
        assert len({answer.receipt for answer in answers}) == 5
        assert _lines(stack) == before + 5
        names = [start.told["user"]["name"] for start in stack.all_recorded()]
        assert names == ["eve"] * 5, json.dumps(names)
