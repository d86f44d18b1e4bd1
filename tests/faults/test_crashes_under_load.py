"""The gate is killed at random moments while clients start jobs on and on: what was acknowledged is on record, what
exists was intended, nothing stays open.

`STARTGATE_CRASHES` says how often it is killed; `make crash` does it 500 times. Moments are drawn from a seed, and what
they hit differs from run to run all the same: what must hold does whatever they hit.
"""

import asyncio
import os
import random
import signal
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from proxy.embedded.app import serve_embedded
from proxy.journal.entry import Phase
from proxy.journal.read import Start
from tests.faults.crashing import Client, Direct, Gates, closed, gates, holds, settings_for, until

KILLS = int(os.environ.get("STARTGATE_CRASHES", "60"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 3 * KILLS)]

SEED = 20020202
CLIENTS = 6
# So many starts, at most, are made for each kill: more would make the cluster slow, and find no more.
STARTS_A_KILL = 8
# Of starts, one in so many is of a job that the cluster refuses, so that its destination is removed again.
REFUSED_EVERY = 4
# A file of some twenty starts, so that kills hit its change to the next one, too.
ROTATE_BYTES = 128 * 1024


@dataclass(slots=True)
class Load:
    """What clients do until they are told to stop. `allowed` are starts that may still be made."""

    direct: Direct
    client: Client
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    allowed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STARTS_A_KILL))
    receipts: int = 0
    jobs: int = 0

    async def run(self) -> None:
        """One client: a new job, started until an answer comes, and so on."""
        while not self.stop.is_set():
            await self.allowed.acquire()
            self.jobs += 1
            name = f"job-{self.jobs}"
            await self.direct.job(name, "void" if self.jobs % REFUSED_EVERY == 0 else "src")
            while not self.stop.is_set() and await self._start(name) is None:  # noqa: ASYNC110 -- a client tries again
                await asyncio.sleep(0.01)

    async def end(self, clients: list[asyncio.Task[None]]) -> None:
        """Stop, once all of them have been answered by a gate that lives: on a slow machine that may be the first."""
        before = len(self.client.told)

        async def answered() -> bool:
            return len(self.client.told) >= before + CLIENTS

        for _ in range(2 * CLIENTS):
            self.allowed.release()
        await until(answered)
        self.stop.set()
        for _ in range(CLIENTS):
            self.allowed.release()
        await asyncio.gather(*clients)

    async def _start(self, name: str) -> int | None:
        self.receipts += 1
        return await self.client.start(name, f"r{self.receipts}")


async def _killed(processes: Gates, load: Load, settle: random.Random) -> None:
    """Let the gate run for a moment that is drawn, and kill it. One in eight is killed before it serves."""
    if settle.random() >= 1 / 8:
        assert await processes.serves()
        await asyncio.sleep(settle.uniform(0, 0.15))
    else:
        await asyncio.sleep(settle.uniform(0, 0.3))
    processes.signal(signal.SIGKILL)
    assert await processes.gone() == int(signal.SIGKILL)
    for _ in range(STARTS_A_KILL):
        load.allowed.release()


@pytest.fixture
def chance() -> random.Random:
    return random.Random(SEED)  # noqa: S311 -- moments, not secrets


async def test_whenever_the_gate_is_killed_what_must_hold_does(tmp_path: Path, chance: random.Random) -> None:
    connector = aiohttp.UnixConnector(str(tmp_path / "gate.sock"), force_close=True)
    with gates() as processes:
        async with (
            serve_embedded() as cluster,
            aiohttp.ClientSession() as session,
            aiohttp.ClientSession(connector=connector) as own,
        ):
            direct, client = Direct(session, cluster), Client(own, cluster.superuser)
            await direct.sources()
            load = Load(direct, client)
            settings = settings_for(tmp_path, cluster, rotate_size_bytes=ROTATE_BYTES)
            clients = [asyncio.ensure_future(load.run()) for _ in range(CLIENTS)]
            for _ in range(KILLS):
                await processes.start(settings)
                await _killed(processes, load, chance)
            await processes.start(settings)
            assert await processes.serves()
            await load.end(clients)
            await closed(tmp_path / "journal")
            await processes.stop()
            found = await holds(tmp_path / "journal", direct, client.told)
            _tell(load, found)
    assert set(client.told.values()) <= {200, 400, 409, 503}


def _tell(load: Load, found: list[Start]) -> None:
    """How much was tried, for who looks at it (`pytest -s`)."""
    outcomes = [one.records[Phase.OUTCOME]["startgate"] for one in found if Phase.OUTCOME in one.records]
    reconciled = [one["reconciled"] for one in outcomes if "reconciled" in one]
    statuses = {status: [*load.client.told.values()].count(status) for status in sorted(set(load.client.told.values()))}
    print(
        f"\n{KILLS} kills, {load.receipts} starts of {load.jobs} jobs: {load.client.cut} cut, answered {statuses}; "
        f"{len(found)} on record, {len(reconciled)} closed by another process, "
        f"of which {sum(one['started'] == 'yes' for one in reconciled)} had started"
    )
