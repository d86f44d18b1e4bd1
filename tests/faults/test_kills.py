"""Gate and workers are killed at random moments while starts are made: what was acknowledged is on record, what exists
was intended, and ordinary traffic flows."""

import asyncio
import random
import signal
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from proxy.config import load
from proxy.embedded.app import Cluster, serve_embedded
from proxy.journal.entry import Phase
from proxy.journal.read import starts
from proxy.supervisor import Supervisor
from tests.journal.checking import check_journal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(170)]

SEED = 20010101
JOBS = 32
KILLS = 8
# Answers of ordinary traffic meanwhile, below which nothing was tried.
ENOUGH = 100


@dataclass(slots=True)
class Seen:
    """What clients were told. Failures without an answer count apart: a killed worker cuts its connections."""

    acknowledged: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    cut: int = 0
    passed: int = 0
    passed_wrong: list[int] = field(default_factory=list)


def configure(folder: Path, cluster: Cluster) -> Path:
    """A configuration for the folder, with a service credential."""
    (folder / "key").write_text(cluster.add_api_key("startgate"))
    path = folder / "startgate.yml"
    path.write_text(
        f"listen: 127.0.0.1:0\nworkers: 2\n"
        f"cluster: {{nodes: ['{cluster.url}'], service: {{api_key_file: {folder / 'key'}}}}}\n"
        f"journal: {{path: {folder / 'journal'}}}\n"
    )
    return path


async def _prepare(session: aiohttp.ClientSession, cluster: Cluster) -> None:
    async def send(method: str, path: str, body: object) -> None:
        async with session.request(method, cluster.url + path, json=body) as answer:
            assert answer.status < 300, await answer.text()

    await send("PUT", "/src", {"mappings": {"properties": {"n": {"type": "long"}}}})
    for number in range(5):
        await send("PUT", f"/src/_doc/{number}?refresh=true", {"n": number})
    for number in range(JOBS):
        body = {
            "source": {"index": ["src"]},
            "dest": {"index": f"out-{number}"},
            "analysis": {"outlier_detection": {}},
        }
        await send("PUT", f"/_ml/data_frame/analytics/job-{number}", body)


async def _start_until_known(session: aiohttp.ClientSession, base: str, job: int, seen: Seen) -> None:
    """Start one job again and again, as a client would, until the cluster has said yes, or that it runs or has run."""
    while True:
        try:
            async with session.post(f"{base}/_ml/data_frame/analytics/job-{job}/_start") as answer:
                await answer.read()
        except aiohttp.ClientError:
            seen.cut += 1
            await asyncio.sleep(0.05)
            continue
        seen.statuses[answer.status] = seen.statuses.get(answer.status, 0) + 1
        if answer.status == 200:
            seen.acknowledged.append(answer.headers["X-Startgate-Receipt"])
        if answer.status in (200, 400, 409):
            return
        assert answer.status in (502, 503), answer.status
        await asyncio.sleep(0.05)


async def _starts(session: aiohttp.ClientSession, base: str, seen: Seen) -> None:
    for first in range(0, JOBS, 4):
        await asyncio.gather(*(_start_until_known(session, base, job, seen) for job in range(first, first + 4)))
        await asyncio.sleep(0.2)


async def _traffic(session: aiohttp.ClientSession, base: str, seen: Seen, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with session.get(f"{base}/src/_count") as answer:
                await answer.read()
        except aiohttp.ClientError:
            seen.cut += 1
        else:
            if answer.status == 200:
                seen.passed += 1
            else:
                seen.passed_wrong.append(answer.status)
        await asyncio.sleep(0.002)


async def _kills(running: Supervisor, done: asyncio.Event, *, workers: bool) -> int:
    chance = random.Random(SEED)  # noqa: S311 -- moments, not secrets
    killed = 0
    while not done.is_set() and killed < KILLS:
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        victim = chance.choice(running.edges) if workers else running.gate
        if victim is not None and victim.pid is not None:
            victim.signal(signal.SIGKILL)
            killed += 1
    return killed


@pytest.mark.parametrize("workers", [False, True], ids=["gate", "workers"])
async def test_no_committed_record_is_lost(tmp_path: Path, workers: bool) -> None:
    seen, done = Seen(), asyncio.Event()
    async with (
        serve_embedded() as cluster,
        aiohttp.ClientSession(headers={"authorization": cluster.superuser}) as session,
    ):
        await _prepare(session, cluster)
        running = Supervisor(load(configure(tmp_path, cluster), {}))
        await running.start()
        [base] = running.addresses
        traffic = asyncio.ensure_future(_traffic(session, base, seen, done))
        killing = asyncio.ensure_future(_kills(running, done, workers=workers))
        await _starts(session, base, seen)
        killed = await killing
        async with asyncio.timeout(60):
            while seen.passed <= ENOUGH:  # noqa: ASYNC110 -- it is counted by another task
                await asyncio.sleep(0.01)
        done.set()
        await traffic
        await _closed(tmp_path / "journal")
        await running.stop()
        async with session.get(f"{cluster.url}/_cat/indices/out-*?format=json&h=index") as answer:
            existing = {one["index"] for one in await answer.json()}
    assert killed == KILLS
    assert not seen.passed_wrong, "ordinary traffic saw errors"
    if not workers:
        assert seen.cut == 0, "the workers lived: no connection may have been cut"
    check_journal(tmp_path / "journal")
    recorded = {one.receipt: one for one in starts(tmp_path / "journal")}
    for receipt in seen.acknowledged:
        assert {Phase.INTENT, Phase.OUTCOME} <= recorded[receipt].records.keys()
    intended = {
        one.records[Phase.INTENT]["startgate"]["destination"]["index"]
        for one in recorded.values()
        if Phase.INTENT in one.records
    }
    assert existing <= intended, "an index exists that nobody meant to make"
    assert len(existing) == JOBS
    assert not [one.receipt for one in recorded.values() if one.open]


async def _closed(journal: Path) -> None:
    """Wait until the gate has closed what its predecessors left open."""
    async with asyncio.timeout(60):
        while any(one.open for one in starts(journal)):  # noqa: ASYNC110 -- another process writes
            await asyncio.sleep(0.1)
