"""The gate ends by SIGKILL at every border between two steps of a start; what the next one finds, and what holds."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.embedded.app import Cluster, serve_embedded
from proxy.journal.entry import Phase
from proxy.journal.read import Start
from tests.faults.crashing import Client, Direct, Gates, Halt, Halting, closed, gates, holds, settings_for, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

SIGKILL = int(signal.SIGKILL)
GRANTED, REFUSED = "granted", "refused"
RECEIPT = "r1"

JOB = "GET /_ml/data_frame/analytics/{job}"
CREATE = "PUT /out-{job}"
BLOCK = "PUT /out-{job}/_block/write"
COUNT = "GET /out-{job}/_stats/docs"
DELETE = "DELETE /out-{job}"

# What is on record of the start after the next gate, and whether its destination is there.
NOTHING: tuple[bool, bool] = (False, False)
INTENDED, MADE = (True, False), (True, True)
REMOVED = INTENDED

# Which job is started, where the gate ends (a step, and how often it is come to before), and what is left.
POINTS: list[tuple[str, str, int, tuple[bool, bool]]] = [
    (GRANTED, "before GET /_security/_authenticate", 1, NOTHING),
    (GRANTED, "after GET /_security/_authenticate", 1, NOTHING),
    (GRANTED, f"after {JOB}", 1, NOTHING),
    (GRANTED, "before POST /_security/user/_has_privileges", 1, NOTHING),
    (GRANTED, "after POST /_security/user/_has_privileges", 1, NOTHING),
    (GRANTED, "after GET /src/_mapping", 1, NOTHING),
    (GRANTED, "before plan", 1, NOTHING),
    (GRANTED, "after plan", 1, NOTHING),
    (GRANTED, "before write intent", 1, NOTHING),
    (GRANTED, "half of intent", 1, NOTHING),
    (GRANTED, "before fsync intent", 1, INTENDED),
    (GRANTED, "after fsync intent", 1, INTENDED),
    (GRANTED, f"before {CREATE}", 1, INTENDED),
    (GRANTED, f"after {CREATE}", 1, MADE),
    (GRANTED, f"before {JOB}", 2, INTENDED),
    (GRANTED, "before forward", 1, MADE),
    (GRANTED, "after forward", 1, MADE),
    (GRANTED, "before write outcome", 1, MADE),
    (GRANTED, "half of outcome", 1, MADE),
    (GRANTED, "before fsync outcome", 1, MADE),
    (GRANTED, "after fsync outcome", 1, MADE),
    (GRANTED, "before answer", 1, MADE),
    (GRANTED, "after answer", 1, MADE),
    (GRANTED, f"after {JOB}", 3, MADE),
    (GRANTED, "before write end", 1, MADE),
    (GRANTED, "half of end", 1, MADE),
    (GRANTED, "after fsync end", 1, MADE),
    (REFUSED, "after forward", 1, MADE),
    (REFUSED, f"before {BLOCK}", 1, MADE),
    (REFUSED, f"after {BLOCK}", 1, REMOVED),
    (REFUSED, f"after {COUNT}", 1, REMOVED),
    (REFUSED, f"before {DELETE}", 1, REMOVED),
    (REFUSED, f"after {DELETE}", 1, REMOVED),
    (REFUSED, "before write outcome", 1, REMOVED),
    (REFUSED, "after fsync outcome", 1, REMOVED),
]
# The same again, and then the next gate ends while it closes what the first has left.
TWICE: list[tuple[str, tuple[str, int], tuple[str, int], tuple[bool, bool]]] = [
    (GRANTED, ("after forward", 1), (f"before {JOB}", 1), MADE),
    (GRANTED, ("after forward", 1), (f"after {JOB}", 1), MADE),
    (GRANTED, ("after forward", 1), ("before write outcome", 1), MADE),
    (GRANTED, ("after forward", 1), ("half of outcome", 1), MADE),
    (GRANTED, ("after forward", 1), ("before fsync outcome", 1), MADE),
    (GRANTED, ("after forward", 1), ("after fsync outcome", 1), MADE),
    (GRANTED, ("half of intent", 1), ("before write other", 1), NOTHING),
    (REFUSED, (f"after {BLOCK}", 1), (f"before {BLOCK}", 1), REMOVED),
    (REFUSED, (f"after {BLOCK}", 1), (f"after {DELETE}", 1), REMOVED),
    (REFUSED, (f"before {DELETE}", 1), ("half of outcome", 1), REMOVED),
]


@pytest.fixture(scope="module")
def processes() -> Iterator[Gates]:
    with gates() as made:
        yield made


class Scene:
    """A cluster with two jobs, a client of the gate, and gates one after the other over one journal."""

    def __init__(self, folder: Path, processes: Gates, cluster: Cluster, direct: Direct, client: Client) -> None:
        self.journal = folder / "journal"
        self.settings = settings_for(folder, cluster)
        self.processes, self.direct, self.client = processes, direct, client

    async def crash(self, job: str, step: str, times: int) -> None:
        """Start the job through a gate that ends at the step."""
        await self.processes.start(self.settings, step.format(job=job), times)
        assert await self.processes.serves()
        await self.client.start(job, RECEIPT)
        assert await self.processes.gone() == SIGKILL

    async def crash_again(self, job: str, step: str, times: int) -> None:
        """Another gate that closes what was left, and ends at the step."""
        await self.processes.start(self.settings, step.format(job=job), times)
        assert await self.processes.gone() == SIGKILL

    async def recovered(self) -> Start | None:
        """What is on record of the start once another gate has closed it; what must hold does."""
        await self.processes.start(self.settings)
        assert await self.processes.serves()
        await closed(self.journal)
        await self.processes.stop()
        found = await holds(self.journal, self.direct, self.client.told)
        return next((one for one in found if one.receipt == RECEIPT), None)


@pytest.fixture
async def scene(tmp_path: Path, processes: Gates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr("proxy.embedded.app.Front", Halting)
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(serve_embedded())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        connector = aiohttp.UnixConnector(str(tmp_path / "gate.sock"), force_close=True)
        own = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        direct = Direct(session, cluster)
        await direct.sources()
        await direct.job(GRANTED, "src")
        await direct.job(REFUSED, "void")
        yield Scene(tmp_path, processes, cluster, direct, Client(own, cluster.superuser))
        if processes.pid is not None:
            processes.signal(signal.SIGKILL)
            await processes.gone()


async def left(scene: Scene, job: str) -> tuple[bool, bool]:
    """What is left in the end: whether the start is on record, and whether its destination exists."""
    one = await scene.recovered()
    if one is not None:
        assert {Phase.INTENT, Phase.OUTCOME} <= one.records.keys()
    return one is not None, f"out-{job}" in await scene.direct.made()


# In these two the creation and the second look are under way at the same time: the index may be made or not.
EITHER = {f"before {CREATE}", f"before {JOB}"}


@pytest.mark.parametrize(
    ("job", "step", "times", "expected"), POINTS, ids=[f"{job}: {step} ({n})" for job, step, n, _ in POINTS]
)
async def test_a_gate_that_is_killed_leaves_nothing_open(
    scene: Scene, job: str, step: str, times: int, expected: tuple[bool, bool]
) -> None:
    await scene.crash(job, step, times)
    found = await left(scene, job)
    if step in EITHER and times == 2:
        assert found in (INTENDED, MADE)
    else:
        assert found == expected
    assert set(scene.client.told.values()) <= {200, 400}
    if not step.startswith(("after answer", "before write end", "half of end", "after fsync end", f"after {JOB}")):
        assert not scene.client.told, "nobody is answered before the last step"


@pytest.mark.parametrize(
    ("job", "first", "second", "expected"),
    TWICE,
    ids=[f"{job}: {first[0]}, {second[0]}" for job, first, second, _ in TWICE],
)
async def test_a_gate_that_is_killed_while_it_closes_what_another_left(
    scene: Scene, job: str, first: tuple[str, int], second: tuple[str, int], expected: tuple[bool, bool]
) -> None:
    await scene.crash(job, *first)
    await scene.crash_again(job, *second)
    assert await left(scene, job) == expected


def test_there_are_points_enough() -> None:
    assert len(POINTS) >= 12
    assert len(set(POINTS)) == len(POINTS)


async def halted(scene: Scene, job: str, halt: Halt) -> None:
    """Start the job, and kill the gate while the cluster is at what it was sent, and has not answered it."""
    Halting.halt = halt
    await scene.processes.start(scene.settings)
    assert await scene.processes.serves()
    starting = asyncio.ensure_future(scene.client.start(job, RECEIPT))
    await asyncio.wait_for(halt.reached.wait(), 30)
    scene.processes.signal(signal.SIGKILL)
    assert await scene.processes.gone() == SIGKILL
    assert await starting is None


SENT: list[tuple[str, str, bool, tuple[bool, bool]]] = [
    (GRANTED, CREATE, False, MADE),
    (GRANTED, CREATE, True, MADE),
    (GRANTED, "POST /_ml/data_frame/analytics/{job}/_start", False, MADE),
    (GRANTED, "POST /_ml/data_frame/analytics/{job}/_start", True, MADE),
    (REFUSED, BLOCK, True, REMOVED),
    (REFUSED, DELETE, True, REMOVED),
]


@pytest.mark.parametrize(
    ("job", "call", "after", "expected"),
    SENT,
    ids=[f"{job}: {call}, {'done' if after else 'not done'}" for job, call, after, _ in SENT],
)
async def test_what_was_sent_and_not_answered_is_done_all_the_same(
    scene: Scene, job: str, call: str, after: bool, expected: tuple[bool, bool]
) -> None:
    halt = Halt(call.format(job=job), after)
    await halted(scene, job, halt)
    halt.go_on.set()
    await _settled(scene, job, halt)
    assert await left(scene, job) == expected


async def _settled(scene: Scene, job: str, halt: Halt) -> None:
    """Wait until the cluster has done what it was sent, so that the next gate finds the same each time."""

    async def done() -> bool:
        return f"out-{job}" in await scene.direct.made() and (
            "_start" not in halt.call or job in await scene.direct.states()
        )

    if not halt.after:
        await until(done)


def reconciled(one: Start | None) -> dict[str, Any]:
    """What the outcome says that was found."""
    assert one is not None
    told: dict[str, Any] = one.records[Phase.OUTCOME]["startgate"]["reconciled"]
    return told


async def test_a_job_that_was_started_is_known_as_such(scene: Scene) -> None:
    await scene.crash(GRANTED, "after forward", 1)
    told = reconciled(await scene.recovered())
    assert told["job"] == "same"
    assert told["destination"] == "made_by_us"
    assert told["started"] == "yes"


async def test_a_destination_that_somebody_else_made_is_known_as_such(scene: Scene) -> None:
    await scene.crash(GRANTED, f"before {CREATE}", 1)
    if f"out-{GRANTED}" in await scene.direct.made():
        await scene.direct.send("DELETE", f"/out-{GRANTED}")
    await scene.direct.send("PUT", f"/out-{GRANTED}")
    await scene.processes.start(scene.settings)
    assert await scene.processes.serves()
    [one] = await closed(scene.journal)
    await scene.processes.stop()
    assert reconciled(one)["destination"] == "foreign"
    assert reconciled(one)["started"] == "not_seen"


async def test_a_job_that_starts_after_it_was_looked_at_is_followed_to_its_end(scene: Scene) -> None:
    """The cluster is still at the start when the next gate looks."""
    halt = Halt(f"POST /_ml/data_frame/analytics/{GRANTED}/_start")
    await halted(scene, GRANTED, halt)
    await scene.processes.start(scene.settings)
    assert await scene.processes.serves()
    [one] = await closed(scene.journal)
    assert reconciled(one)["started"] == "not_seen"
    assert Phase.END not in one.records
    halt.go_on.set()

    async def ended() -> bool:
        return Phase.END in (await closed(scene.journal))[0].records

    await until(ended)
    [one] = await closed(scene.journal)
    assert one.records[Phase.END]["startgate"]["end"]["stage"] == "finished"
    await scene.processes.stop()
    await holds(scene.journal, scene.direct, scene.client.told)
