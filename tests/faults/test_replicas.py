"""Several replicas, real processes on addresses of their own: one job started at two at once, restarts and changes of
rules one after another, one that is cut off from the cluster."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from proxy.control.client import Control
from proxy.journal.entry import Phase
from tests.faults.crashing import until
from tests.faults.replicas import DOCUMENTS, PATIENCE_S, Replica, Site, seal, site
from tests.faults.replicas_load import CLIENTS, Front, all_granted, load

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROUNDS = 6


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Site]:
    async with site(tmp_path) as found:
        yield found


async def test_one_job_started_at_two_replicas_runs_once_and_both_tell(two: Site) -> None:
    first, second = two.replicas
    for round_ in range(ROUNDS):
        job = f"job-{round_}"
        await two.job(job)
        answers = await asyncio.gather(*(one.start(job, two.cluster.superuser) for one in (first, second)))
        assert [answer.status for answer in answers].count(200) == 1, [answer.body for answer in answers]
        assert {answer.status for answer in answers} <= {200, 400, 409}
        outcomes = [
            one.recorded(answer).records[Phase.OUTCOME] for one, answer in zip((first, second), answers, strict=True)
        ]
        assert [one["http"]["response"]["status_code"] for one in outcomes] == [answer.status for answer in answers]
        made = [one["startgate"].get("destination", {}).get("created", False) for one in outcomes]
        assert made.count(True) == 1
        assert await two.ended(job) == "stopped"
        assert (await two.ok("GET", f"/out-{job}/_count"))["count"] == DOCUMENTS


async def test_a_job_that_is_refused_at_both_leaves_nothing_behind(two: Site) -> None:
    for round_ in range(ROUNDS):
        job = f"job-{round_}"
        await two.job(job, "void")
        answers = await asyncio.gather(*(one.start(job, two.cluster.superuser) for one in two.replicas))
        assert {answer.status for answer in answers} == {400}, [answer.body for answer in answers]
        for one, answer in zip(two.replicas, answers, strict=True):
            assert Phase.OUTCOME in one.recorded(answer).records
        indices = await two.ok("GET", "/_cat/indices?format=json")
        assert not [one for one in indices if one["index"].startswith("out-")]


async def test_replicas_are_restarted_one_after_another_under_load(two: Site) -> None:
    front, stop = Front(two), asyncio.Event()
    clients = [asyncio.ensure_future(load(front, number, stop)) for number in range(CLIENTS)]
    try:
        for replica in two.replicas:
            await asyncio.sleep(0.5)
            await replica.end()
            await replica.begin()
    finally:
        stop.set()
        started = await asyncio.gather(*clients)
    assert front.refused, "else nobody noticed the restarts, and nothing was tried"
    all_granted(two, sum(started))


async def _revision(replica: Replica) -> str:
    return (await Control(replica.journal / "control.sock").standing()).revision


async def _counted(replica: Replica) -> str:
    """The revision that its metrics tell, once its gate has told of itself there."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            status, text = await replica.told("/metrics")
            assert status == 200
            found = re.search(r'startgate_rules_info\{revision="([^"]+)"\} 1', text)
            if found is not None:
                return found[1]
            await asyncio.sleep(0.05)


async def _judged_by(two: Site, replica: Replica, job: str) -> str:
    """The revision on record of a start."""
    await two.job(job)
    answer = await replica.start(job, two.cluster.superuser)
    assert answer.status == 200, answer.body
    return str(replica.recorded(answer).records[Phase.OUTCOME]["startgate"]["rules"]["revision"])


async def _changed(replica: Replica, before: str) -> str:
    """New rules at one replica; the revision, once they are in force."""
    text = replica.rules.read_text()
    assert "settings: {}" in text
    replica.rules.write_text(text.replace("settings: {}", 'settings: {"*": {index.refresh_interval: 7s}}'))
    replica.reload()
    async with asyncio.timeout(PATIENCE_S):
        while await _revision(replica) == before:  # noqa: ASYNC110 -- of another process
            await asyncio.sleep(0.05)
    return await _revision(replica)


async def test_while_rules_change_one_after_another_each_replica_tells_which_it_has(two: Site) -> None:
    first, second = two.replicas
    before = await _revision(first)
    assert await _revision(second) == before, "the same files are the same revision, wherever they lie"
    after = await _changed(first, before)
    for replica, revision in ((first, after), (second, before)):
        assert await _counted(replica) == revision
        assert await _judged_by(two, replica, f"mixed-{replica.host}") == revision
    settings = (await two.ok("GET", f"/out-mixed-{first.host}/_settings?flat_settings=true")).popitem()[1]["settings"]
    assert settings["index.refresh_interval"] == "7s"
    assert await _changed(second, before) == after
    assert await _judged_by(two, second, "same") == after == await _counted(second)


async def _cluster_is(replica: Replica, path: str, there: bool) -> bool:
    """Whether it says so, and is ready or not for that reason alone: a busy one may miss others for a moment."""
    status, text = await replica.told(path)
    failing = [one["name"] for one in json.loads(text)["checks"] if not one["ok"]]
    return (status, failing) == ((200, []) if there else (503, ["cluster"]))


async def test_a_replica_that_is_cut_off_refuses_starts_and_says_so_and_heals(two: Site) -> None:
    cut, other = two.replicas
    await two.job("one")
    await two.ways[0].cut()
    answer = await cut.start("one", two.cluster.superuser)
    assert answer.status == 503, answer.body
    assert (await cut.call("GET", "/src/_count", two.cluster.superuser)).status in (502, 503)
    for path in ("/health/ready", "/health/ready?for=traffic"):
        await until(partial(_cluster_is, cut, path, False))
        await until(partial(_cluster_is, other, path, True))
    assert (await other.start("one", two.cluster.superuser)).status == 200
    outcome = cut.recorded(answer).records[Phase.OUTCOME]
    assert outcome["http"]["response"]["status_code"] == 503
    await two.ways[0].heal()
    await two.job("two")
    await until(partial(_cluster_is, cut, "/health/ready", True))
    healed = await cut.start("two", two.cluster.superuser)
    assert healed.status == 200, healed.body
    assert await two.ended("two") == "stopped"


async def test_a_client_of_a_replica_that_ends_is_served_to_its_end(two: Site) -> None:
    """A request that is under way when the replica is told to stop is answered; the next finds nobody."""
    replica = two.replicas[0]
    two.cluster.delay_s = 1.0
    under_way = asyncio.ensure_future(replica.call("GET", "/src/_count", two.cluster.superuser))
    async with asyncio.timeout(PATIENCE_S):
        while not any(one.target == "/src/_count" for one in two.cluster.calls):  # noqa: ASYNC110 -- a list
            await asyncio.sleep(0.02)
    await replica.end()
    assert (await under_way).json["count"] == DOCUMENTS
    two.cluster.delay_s = 0.0
    with pytest.raises(aiohttp.ClientConnectorError):
        await replica.call("GET", "/src/_count", two.cluster.superuser)


async def test_two_replicas_may_each_let_one_pass_a_limit_and_a_third_start_is_denied(tmp_path: Path) -> None:
    """What is documented: starts in the same moment do not see each other, later ones do, through whichever replica."""
    async with site(tmp_path, prepare=one_at_a_time, job_pace_s=600) as two:
        for job in ("one", "two", "three"):
            await two.job(job)
        answers = await asyncio.gather(
            *(
                replica.start(job, two.cluster.superuser)
                for replica, job in zip(two.replicas, ("one", "two"), strict=True)
            )
        )
        assert [answer.status for answer in answers].count(200) in (1, 2), [answer.body for answer in answers]
        assert {answer.status for answer in answers} <= {200, 403}
        for replica in two.replicas:
            denied = await replica.start("three", two.cluster.superuser)
            assert denied.status == 403, denied.body
            assert replica.recorded(denied).records[Phase.OUTCOME]["startgate"]["verdict"]["allowed"] is False


def one_at_a_time(replica: Replica) -> None:
    """A guard that lets one job run at a time."""
    guard = "{id: one-at-a-time, deny: 'running.exists(r, r.id != job.id)', message: One at a time.}"
    seal(replica, f"{replica.rules.read_text().rstrip()}\n  guards:\n    - {guard}\n")
