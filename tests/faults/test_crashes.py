"""The gate ends by SIGKILL at every border between two steps of a start; what the next one finds, and what holds."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from proxy.gate import record
from proxy.journal.entry import Phase
from proxy.journal.read import starts
from proxy.journal.writer import open_journal
from tests.faults.crash_scene import GRANTED, RECEIPT, REFUSED, SIGKILL, Scene, opened, reconciled
from tests.faults.crashing import Gates, Halt, Halting, closed, gates, holds, until
from tests.faults.relay import Fault, Relay
from tests.gate.fakes import arrived
from tests.gate.test_create import PLAN
from tests.gate.test_record import judged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


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
    # Between these two the block is lifted, to be put anew: there is nothing left that has to be freed.
    (REFUSED, (f"after {BLOCK}", 1), (f"before {BLOCK}", 1), MADE),
    (REFUSED, (f"after {BLOCK}", 1), (f"after {DELETE}", 1), REMOVED),
    (REFUSED, (f"before {DELETE}", 1), ("half of outcome", 1), REMOVED),
]


@pytest.fixture(scope="module")
def processes() -> Iterator[Gates]:
    with gates() as made:
        yield made


@pytest.fixture
async def scene(tmp_path: Path, processes: Gates, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr("proxy.embedded.app.Front", Halting)
    async with opened(tmp_path, processes) as made:
        yield made


# In these two the creation and the second look are under way at the same time: the index may be made or not.
EITHER = {f"before {CREATE}", f"before {JOB}"}


@pytest.mark.parametrize(
    ("job", "step", "times", "expected"), POINTS, ids=[f"{job}: {step} ({n})" for job, step, n, _ in POINTS]
)
async def test_a_gate_that_is_killed_leaves_nothing_open(
    scene: Scene, job: str, step: str, times: int, expected: tuple[bool, bool]
) -> None:
    await scene.crash(job, step, times)
    found = await scene.left(job)
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
    assert await scene.left(job) == expected


@pytest.mark.parametrize("step", ["before write other", "half of other", "before fsync other", "after fsync other"])
async def test_a_gate_that_is_killed_while_it_makes_the_journal(scene: Scene, step: str) -> None:
    """The first record of a journal is of no start: the chain begins with it."""
    await scene.crash_again(GRANTED, step, 1)
    await scene.begin()
    assert await scene.client.start(GRANTED, RECEIPT) == 200
    await scene.processes.stop()
    [one] = await holds(scene.journal, scene.direct, scene.client.told)
    assert one.receipt == RECEIPT


def test_there_are_points_enough() -> None:
    assert len(POINTS) >= 12
    assert len(set(POINTS)) == len(POINTS)


async def halted(scene: Scene, job: str, halt: Halt) -> None:
    """Start the job, and kill the gate while the cluster is at what it was sent, and has not answered it."""
    Halting.halt = halt
    await scene.begin()
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
    assert await scene.left(job) == expected


async def _settled(scene: Scene, job: str, halt: Halt) -> None:
    """Wait until the cluster has done what it was sent, so that the next gate finds the same each time."""

    async def done() -> bool:
        return f"out-{job}" in await scene.direct.made() and (
            "_start" not in halt.call or job in await scene.direct.states()
        )

    if not halt.after:
        await until(done)


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
    await scene.begin()
    [one] = await closed(scene.journal)
    await scene.processes.stop()
    assert reconciled(one)["destination"] == "foreign"
    assert reconciled(one)["started"] == "not_seen"


async def test_a_job_that_starts_after_it_was_looked_at_is_followed_to_its_end(scene: Scene) -> None:
    """The cluster is still at the start when the next gate looks."""
    halt = Halt(f"POST /_ml/data_frame/analytics/{GRANTED}/_start")
    await halted(scene, GRANTED, halt)
    await scene.begin()
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


async def test_while_the_cluster_is_away_starts_stay_open_and_the_gate_serves(scene: Scene, tmp_path: Path) -> None:
    await scene.crash(GRANTED, "after forward", 1)
    relay = await Relay(scene.cluster.port).start()
    relay.fault = Fault.REFUSE
    try:
        await scene.processes.start(replace(scene.settings, nodes=(relay.url,)))
        assert await scene.processes.serves()
        assert await scene.client.start(REFUSED, "r2") == 503
        assert {one.receipt: one.open for one in starts(scene.journal)} == {RECEIPT: True, "r2": False}
        relay.fault = Fault.NONE
        assert reconciled((await closed(scene.journal))[0])["started"] == "yes"
        # What was refused only for that is granted, or refused by the cluster itself, from now on.
        assert await scene.client.start(REFUSED, "r3") == 400
        await scene.processes.stop()
    finally:
        await relay.close()
    await holds(scene.journal, scene.direct, scene.client.told)


async def test_a_thousand_open_starts_are_closed(scene: Scene) -> None:
    journal = open_journal(scene.journal, scene.settings.journaling)
    intents = [
        record.intent(judged(arrived=arrived(receipt=f"r{number}"), intended=True, plan=PLAN), 0)
        for number in range(1000)
    ]
    for number, one in enumerate(intents):
        one["startgate"]["job"]["id"] = f"job-{number}"
    await asyncio.gather(*(journal.append(one) for one in intents))
    await journal.close()
    await scene.begin()
    found = await closed(scene.journal)
    assert len(found) == 1000
    assert {reconciled(one)["job"] for one in found} == {"gone"}
    await scene.processes.stop()
    await holds(scene.journal, scene.direct, {})
