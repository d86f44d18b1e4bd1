"""A whole Startgate of real processes: one scrape tells of all, and sums hold whoever dies."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.config import load
from proxy.settings import AdminPort
from proxy.supervisor import Supervisor
from tests.cluster_double import Double, cluster

# Of three processes that come up again on a busy machine.
PATIENCE_S = 90.0
START = "/_ml/data_frame/analytics/flights/_start"

Found = dict[tuple[str, ...], float]


@dataclass(slots=True)
class Whole:
    """What runs. `admin` is the base address of its admin port."""

    supervisor: Supervisor
    admin: str
    session: aiohttp.ClientSession

    async def get(self, path: str, method: str = "GET") -> int:
        """The status of one request through the proxy, on a connection of its own."""
        async with self.session.request(method, self.supervisor.addresses[0] + path) as response:
            await response.read()
            return response.status

    async def scraped(self) -> Found:
        """Every value by name and labels."""
        async with self.session.get(f"{self.admin}/metrics") as response:
            text = await response.text()
        return {
            (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def until(self, holds: Callable[[Found], bool]) -> Found:
        """Scrape until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds(found := await self.scraped()):  # noqa: ASYNC110 -- of other processes
                await asyncio.sleep(0.1)
        return found

    async def ready(self, wanted: int, purpose: str = "starts") -> dict[str, Any]:
        """Ask whether it is ready until it is answered with this status; the answer."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                async with self.session.get(f"{self.admin}/health/ready?for={purpose}") as response:
                    if response.status == wanted:
                        return dict(json.loads(await response.read()))
                await asyncio.sleep(0.1)


async def admin_address(output: pytest.CaptureFixture[str]) -> str:
    """Where the newest admin process says that it listens."""
    told = ""
    async with asyncio.timeout(PATIENCE_S):
        while not (found := re.findall(r"metrics and health at (http://127\.0\.0\.1:\d+)", told)):
            told += output.readouterr().err
            await asyncio.sleep(0.02)
    return str(found[-1])


@asynccontextmanager
async def whole(folder: Path, output: pytest.CaptureFixture[str], workers: int) -> AsyncIterator[Whole]:
    """A Startgate in front of a double, with its admin port on one that the system chooses."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with cluster(Double()) as double, aiohttp.ClientSession(connector=connector) as session:
        path = folder / "startgate.yml"
        path.write_text(f"listen: 127.0.0.1:0\nworkers: {workers}\ncluster: {{nodes: ['{double.url}']}}\n")
        config = replace(load(path, {}), admin=AdminPort(host="127.0.0.1", port=0))
        supervisor = Supervisor(config)
        try:
            await supervisor.start()
            running = Whole(supervisor, await admin_address(output), session)
            await running.ready(200)
            yield running
        finally:
            await supervisor.stop()


def answered(found: Found) -> float:
    """How many requests the cluster answered, as all workers count them."""
    return sum(value for key, value in found.items() if key[0] == "startgate_requests_total" and "cluster" in key)


def starts_of(found: Found) -> Found:
    """The counts of starts."""
    return {key: value for key, value in found.items() if key[0] == "startgate_starts_total"}


def failing(health: dict[str, Any]) -> list[str]:
    """The names of what is not well."""
    return [check["name"] for check in health["checks"] if not check["ok"]]


@pytest.mark.slow
async def test_a_worker_that_is_killed_takes_nothing_with_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with whole(tmp_path, capfd, workers=2) as running:
        for _ in range(30):
            await running.get("/_cat/indices")
        found = await running.until(lambda found: answered(found) == 30)
        timed = [key for key in found if key[0] == "startgate_upstream_duration_seconds_count" and "gate" not in key]
        assert sum(found[key] for key in timed) == 30
        assert sum(value for key, value in found.items() if key[0] == "startgate_client_received_bytes_total") > 30 * 50
        for number, child in enumerate(running.supervisor.edges, 1):
            os.kill(child.pid or 0, signal.SIGKILL)
            dead = ("startgate_process_deaths_total", f"edge-{number}")
            found = await running.until(lambda found, dead=dead: found.get(dead) == 1)  # type: ignore[misc] # a default
            assert answered(found) == 30
        await running.until(lambda found: all(found["startgate_process_up", f"edge-{one}"] == 1 for one in (1, 2)))
        for _ in range(5):
            await running.get("/_cat/indices")
        await running.until(lambda found: answered(found) == 35)


@pytest.mark.slow
async def test_a_gate_that_is_gone_is_told_and_so_is_that_it_is_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with whole(tmp_path, capfd, workers=1) as running:
        await running.get(START, "POST")
        found = await running.until(lambda found: sum(starts_of(found).values()) == 1)
        starts = starts_of(found)
        assert found["startgate_journal_writable",] == 1
        gate = running.supervisor.gate
        assert gate is not None
        # Not killed: it would be back before anybody could ask.
        gate.signal(signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE_S):
            # A worker may be slow to answer, too, on a machine that is busy.
            while failing(await running.ready(503)) != ["gate", "rules", "journal"]:
                pass
        assert (await running.ready(200, "traffic"))["ready"] is True
        found = await running.scraped()
        assert found["startgate_process_up", "gate"] == 0
        assert {key: found[key] for key in starts} == starts
        os.kill(gate.pid or 0, signal.SIGKILL)
        await running.ready(200)
        found = await running.until(lambda found: found["startgate_process_deaths_total", "gate"] == 1)
        assert {key: found[key] for key in starts} == starts


@pytest.mark.slow
async def test_an_admin_process_that_dies_keeps_nobody_from_anything(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with whole(tmp_path, capfd, workers=1) as running:
        admin = running.supervisor.admin
        assert admin is not None
        before = admin.pid
        capfd.readouterr()
        os.kill(before or 0, signal.SIGKILL)
        assert await running.get("/_cat/indices") == 200
        async with asyncio.timeout(PATIENCE_S):
            while admin.pid in (before, None):  # noqa: ASYNC110 -- of another process
                await asyncio.sleep(0.05)
        running.admin = await admin_address(capfd)
        # The living tell it what they have counted.
        await running.until(lambda found: answered(found) == 1)


@pytest.mark.slow
async def test_off_there_is_no_such_process(tmp_path: Path) -> None:
    async with cluster(Double()) as double:
        path = tmp_path / "startgate.yml"
        path.write_text(f"listen: 127.0.0.1:0\ncluster: {{nodes: ['{double.url}']}}\nadmin: {{listen: off}}\n")
        supervisor = Supervisor(load(path, {}))
        try:
            await supervisor.start()
            assert supervisor.admin is None
            assert supervisor.gate is not None
        finally:
            await supervisor.stop()
