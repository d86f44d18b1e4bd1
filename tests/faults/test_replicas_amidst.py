"""A replica that is cut off in the middle of a start, at each border between two steps: what its client is told, what
is on record, what another replica does with the same job meanwhile, and how it heals."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.journal.entry import Phase
from proxy.journal.verify import verify
from tests.faults.crashing import until
from tests.faults.replicas import DOCUMENTS, Replica, Site, site
from tests.faults.replicas_hold import Held, Point
from tests.faults.replicas_means import followed, nothing_open
from tests.stack import Replied

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PATIENCE_S = 120
# With this, a job still runs when a replica is cut off just after its start.
PACE_S = 0.05
JOBS = "/_ml/data_frame/analytics"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is so once the replica is cut off: whether an intent of it is on record, whether the destination is there,
    whether it knows that it made it, and what the other replica may be told by the cluster."""

    intended: bool
    made: bool
    created: bool
    other: frozenset[int] = frozenset({200})


# By the job's name: the call that is held, whether it is done, and what is so then.
POINTS = {
    "look": ("GET {jobs}/{job}", True, Expected(intended=False, made=False, created=False)),
    "no-creation": ("PUT /out-{job}", False, Expected(intended=True, made=False, created=False)),
    "creation": ("PUT /out-{job}", True, Expected(intended=True, made=True, created=False)),
    "no-start": ("POST {jobs}/{job}/_start", False, Expected(intended=True, made=True, created=True)),
    "start": (
        "POST {jobs}/{job}/_start",
        True,
        Expected(intended=True, made=True, created=True, other=frozenset({400, 409})),
    ),
}


async def test_a_replica_that_is_cut_off_in_the_middle_of_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.embedded.app.Front", Held)
    async with site(tmp_path, job_pace_s=PACE_S) as two:
        for job, (call, done, expected) in POINTS.items():
            await _amidst(two, job, Point(call.format(jobs=JOBS, job=job), done), expected)
        await _just_after(two, "after")
        for replica in two.replicas:
            await nothing_open(replica)
    for replica in two.replicas:
        assert verify(replica.journal).whole


async def _amidst(two: Site, job: str, point: Point, expected: Expected) -> None:
    """Cut the first replica off at that point of a start of the job; start it by the other; heal."""
    cut, other = two.replicas
    await two.job(job)
    answer = await _cut_at(two, job, point)
    assert answer.status == 503, (job, answer.body)
    _told_of(job, cut, answer, expected)
    assert await _made(two, job) == expected.made, job
    # The other is not concerned, and goes on from where the first was: it uses the index, or makes it.
    second = await other.start(job, two.cluster.superuser)
    assert second.status in expected.other, (job, second.body)
    if second.status == 200:
        assert _destination(other, second)["created"] is not expected.made, job
        await followed(other, second)
    assert await two.ended(job) == "stopped"
    assert (await two.ok("GET", f"/out-{job}/_count"))["count"] == DOCUMENTS
    await _healed(two)
    await _closed(cut, answer, started="start" in point.call)


async def _cut_at(two: Site, job: str, point: Point) -> Replied:
    """What the client of the first replica is told that is cut off when the cluster has come to the point."""
    Held.point = point
    starting = asyncio.ensure_future(two.replicas[0].start(job, two.cluster.superuser))
    await asyncio.wait_for(point.reached.wait(), PATIENCE_S)
    await two.ways[0].cut()
    point.go_on.set()
    return await starting


def _told_of(job: str, cut: Replica, answer: Replied, expected: Expected) -> None:
    one = cut.recorded(answer)
    outcome = one.records[Phase.OUTCOME]
    assert outcome["http"]["response"]["status_code"] == 503, job
    assert (Phase.INTENT in one.records) == expected.intended, job
    # What was meant, and may have come to pass, is no failure: nobody knows yet.
    assert outcome["event"]["outcome"] == ("unknown" if expected.intended else "failure"), job
    if expected.intended:
        assert _destination(cut, answer)["created"] == expected.created, job
        assert _destination(cut, answer)["index"] == f"out-{job}"


def _destination(replica: Replica, answer: Replied) -> Mapping[str, Any]:
    found: Mapping[str, Any] = replica.recorded(answer).records[Phase.OUTCOME]["startgate"]["destination"]
    return found


async def _healed(two: Site) -> None:
    """Heal the first replica, and wait until it says so."""

    async def ready() -> bool:
        return (await two.replicas[0].told("/health/ready"))[0] == 200

    await two.ways[0].heal()
    await until(ready)


async def _closed(cut: Replica, answer: Replied, *, started: bool) -> None:
    """Nothing is left open; of a job that it may have started, the end comes on record."""
    await nothing_open(cut)
    if started:
        await followed(cut, answer)
    assert (Phase.END in cut.recorded(answer).records) == started


async def _just_after(two: Site, job: str) -> None:
    """The cluster has answered, and the replica is cut off before it sees the job end."""
    cut, other = two.replicas
    await two.job(job)
    answer = await cut.start(job, two.cluster.superuser)
    assert answer.status == 200, answer.body
    await two.ways[0].cut()
    assert (await other.start(job, two.cluster.superuser)).status in (400, 409)
    assert await two.ended(job) == "stopped"
    await _healed(two)
    await followed(cut, answer)
    assert cut.recorded(answer).records[Phase.END]["startgate"]["end"]["stage"] == "finished"


async def _made(two: Site, job: str) -> bool:
    indices = await two.ok("GET", "/_cat/indices?format=json")
    return any(one["index"] == f"out-{job}" for one in indices)
