"""The gate is killed at random moments while jobs are made, changed, stopped and removed: every call passes, and each
is on record or in a gap that is."""

import asyncio
import itertools
import random
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from proxy.config import load
from proxy.embedded.app import serve_embedded
from proxy.journal.observed import observed
from proxy.supervisor import Supervisor
from tests.faults.test_kills import configure
from tests.journal.checking import check_journal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]

SEED = 20010102
KILLS = 6
CLIENTS = 4
BODY = {"source": {"index": ["src"]}, "dest": {"index": "out"}, "analysis": {"outlier_detection": {}}}


async def _lives(
    session: aiohttp.ClientSession, base: str, client: int, made: Counter[str], over: asyncio.Future[None]
) -> None:
    """One life of a job after the other, until all kills are over, and one more."""
    for number in itertools.count():
        last = over.done()
        job = f"{base}/_ml/data_frame/analytics/job-{client}-{number}"
        for action, method, target, body in (
            ("put", "PUT", job, BODY),
            ("update", "POST", f"{job}/_update", {"description": "other"}),
            ("stop", "POST", f"{job}/_stop", None),
            ("delete", "DELETE", job, None),
        ):
            async with session.request(method, target, json=body) as answer:
                assert answer.status == 200, await answer.text()
            made[f"{action}-data-frame-analytics"] += 1
            await asyncio.sleep(0.01)
        if last:
            return


async def _kills(running: Supervisor) -> None:
    chance = random.Random(SEED)  # noqa: S311 -- moments, not secrets
    killed = 0
    while killed < KILLS:
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        if running.gate is not None and running.gate.pid is not None:
            running.gate.signal(signal.SIGKILL)
            killed += 1


def _told(journal: Path) -> tuple[Counter[str], Counter[str]]:
    """How many calls of each kind are on record, and how many in gaps."""
    recorded: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for one in observed(journal):
        gap = one["startgate"]["observed"].get("missed")
        if gap is None:
            recorded[one["event"]["action"]] += 1
        else:
            missed.update(gap["calls"])
            assert gap["refused"] == 0
    return recorded, missed


def _all(journal: Path) -> Counter[str]:
    recorded, missed = _told(journal)
    return recorded + missed


async def test_every_call_passes_and_is_on_record_or_in_a_gap(tmp_path: Path) -> None:
    made: Counter[str] = Counter()
    async with (
        serve_embedded() as cluster,
        aiohttp.ClientSession(headers={"authorization": cluster.superuser}) as session,
    ):
        body = {"mappings": {"properties": {"n": {"type": "long"}}}}
        async with session.put(f"{cluster.url}/src", json=body) as answer:
            assert answer.status == 200
        running = Supervisor(load(configure(tmp_path, cluster), {}))
        await running.start()
        [base] = running.addresses
        killing = asyncio.ensure_future(_kills(running))
        await asyncio.gather(*(_lives(session, base, client, made, killing) for client in range(CLIENTS)))
        await killing
        async with asyncio.timeout(60):
            while not _all(tmp_path / "journal") >= made:  # noqa: ASYNC110 -- processes write
                await asyncio.sleep(0.1)
        await running.stop()
    recorded, missed = _told(tmp_path / "journal")
    check_journal(tmp_path / "journal")
    # A note whose answer was lost with the gate is on record and counted, too.
    assert recorded + missed >= made
    assert recorded <= made
    assert missed <= made
    assert missed.total() > 0, "no call met a gate that was down: nothing was tried"
