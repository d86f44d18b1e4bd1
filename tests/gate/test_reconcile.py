"""What a crash left open is closed with what the cluster knows, once it tells."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable
from proxy.gate import record
from proxy.gate.flight import Credentials, Plan
from proxy.gate.found import Asked, Found
from proxy.gate.ports import IndexState
from proxy.gate.reconcile import AT_ONCE, Aftermath, reconcile
from proxy.journal.entry import NOT_LIFTED
from proxy.journal.read import Start
from proxy.model import Credential, Job, JobState, Stage
from tests.gate.fakes import (
    STARTED,
    STOPPED,
    FakeClock,
    FakeCluster,
    FakeJournal,
    answer,
    known,
    made,
    refused_by_cluster,
    until,
)
from tests.gate.test_create import PLAN
from tests.gate.test_record import judged

SERVICE = Credential(whose="service")


META = PLAN.body["mappings"]["_meta"] if PLAN.body else {}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.gate.reconcile.AGAIN_S", (0.001, 0.002))
    monkeypatch.setattr("proxy.gate.reconcile.LATE_S", (0.001, 0.001))


def past(receipt: str, *phases: str, status: int = 200, **more: Any) -> Start:
    flight = judged(intended=True, cluster_answer=STARTED if status == 200 else answer(status), **more)
    one = replace(flight, arrived=replace(flight.arrived, receipt=receipt))
    made_by = {
        "intent": lambda: record.intent(one, 0),
        "outcome": lambda: record.outcome(one, one.cluster_answer or STARTED, 0),
        "end": lambda: record.end(receipt, "outliers", None, "", 0),
    }
    return Start(receipt, {phase: made_by[phase]() for phase in phases})


def after(
    cluster: FakeCluster,
    journal: FakeJournal,
    service: Credential | None,
    follow: Any,
    turn: asyncio.Lock | None = None,
    since: Callable[[str], str | None] = lambda _: None,
) -> Aftermath:
    locks: dict[str, asyncio.Lock] = {}
    return Aftermath(
        cluster=cluster,
        journal=journal,
        clock=FakeClock(),
        service=service,
        follow=follow,
        lock=lambda job_id: turn or locks.setdefault(job_id, asyncio.Lock()),
        since=since,
    )


async def closed(
    *starts: Start,
    service: Credential | None = SERVICE,
    turn: asyncio.Lock | None = None,
    since: str | None = None,
    **answers: Any,
) -> tuple[FakeCluster, FakeJournal, list[tuple[str, Credentials, str]]]:
    cluster, journal = FakeCluster([], answers), FakeJournal([])
    followed: list[tuple[str, Credentials, str]] = []

    def follow(job: Job, credentials: Credentials, receipt: str) -> None:
        followed.append((job.id, credentials, receipt))

    async with asyncio.timeout(20):
        await reconcile(starts, after(cluster, journal, service, follow, turn, lambda _: since))
    return cluster, journal, followed


AS_SERVICE = Credentials(caller=SERVICE, secondary=None, service=SERVICE)
RUNNING = JobState(state="started", stage=Stage.RESUMING_REINDEXING)
OURS = IndexState(name="flights-out", uuid="u", mappings={"_meta": META})
DOWN = ClusterUnreachable("down")


async def test_an_open_start_is_closed_with_what_is_found_and_followed() -> None:
    _, journal, followed = await closed(past("r1", "intent", plan=PLAN), state=RUNNING, index=OURS)
    (outcome,) = journal.entries
    assert outcome["event"]["outcome"] == "unknown"
    assert outcome["event"]["reason"] == (
        "interrupted; the job is started (resuming_reindexing), "
        "its destination [flights-out] is the one that was made for it"
    )
    assert outcome["startgate"]["receipt"] == "r1"
    assert outcome["startgate"]["phase"] == "outcome"
    assert outcome["startgate"]["job"]["destination"] == "flights-out"
    assert outcome["startgate"]["reconciled"] == {
        "cluster": "answered",
        "job": "same",
        "started": "yes",
        "destination": "made_by_us",
        "job_state": "started",
        "stage": "resuming_reindexing",
    }
    assert followed == [("outliers", AS_SERVICE, "r1")]


@pytest.mark.parametrize(
    ("answers", "found", "ended"),
    [
        ({"job": made(create_time=5)}, "made_anew", True),
        ({"job": refused_by_cluster(404, reason="No known job")}, "gone", True),
        ({"job": refused_by_cluster(403)}, "unknown", False),
    ],
)
async def test_a_job_that_cannot_be_followed_has_its_end_where_it_is_certain(
    answers: dict[str, Any], found: str, ended: bool
) -> None:
    """Else every process after this one would look for it again."""
    _, journal, followed = await closed(past("r1", "intent"), **answers)
    assert journal.entries[0]["startgate"]["reconciled"]["job"] == found
    assert [one["startgate"]["phase"] for one in journal.entries] == ["outcome", "end"][: 1 + ended]
    assert followed == []
    _, again, followed = await closed(past("r1", "intent", "outcome"), **answers)
    assert [one["startgate"]["phase"] for one in again.entries] == ["end"][:ended]
    assert followed == []


async def test_without_a_service_nobody_can_look() -> None:
    cluster, journal, followed = await closed(past("r1", "intent"), past("r2", "outcome"), service=None)
    assert "without a service credential nobody could look" in journal.entries[0]["event"]["reason"]
    assert journal.entries[0]["startgate"]["reconciled"]["cluster"] == "no_service_credential"
    assert (cluster.calls, followed) == ([], [])


async def test_a_started_job_without_an_end_is_followed_further() -> None:
    _, journal, followed = await closed(past("r1", "intent", "outcome"), past("r2", "intent", "outcome", "end"))
    assert journal.entries == []
    assert followed == [("outliers", AS_SERVICE, "r1")]


async def test_refused_starts_are_left_alone() -> None:
    cluster, journal, followed = await closed(
        past("r1", "outcome", status=403), past("r2", "intent", "outcome", status=400)
    )
    assert (cluster.calls, journal.entries, followed) == ([], [], [])


class Coming:
    """An answer that comes after some failures; `asked` counts."""

    def __init__(self, answer: object, *failures: Exception) -> None:
        self.answer, self.failures, self.asked = answer, list(failures), 0

    async def __call__(self) -> object:
        self.asked += 1
        return self.failures.pop(0) if self.failures else self.answer


@pytest.mark.parametrize("failure", [DOWN, refused_by_cluster(401)])
async def test_a_start_stays_open_until_the_cluster_tells(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """A cluster that is not up yet may also say that it does not know who asks."""
    caplog.set_level(logging.WARNING)
    state = Coming(RUNNING, *[failure] * 5)
    _, journal, followed = await closed(past("r1", "intent"), state=state)
    (outcome,) = journal.entries
    assert outcome["startgate"]["reconciled"]["started"] == "yes"
    assert len(followed) == 1
    assert "1 starts stay open, and are looked into again in 0.001 s" in caplog.text


async def test_a_journal_that_cannot_be_written_is_tried_again() -> None:
    journal = FakeJournal([], failing={"outcome"})
    world = after(FakeCluster([]), journal, None, lambda *_: None)
    work = asyncio.ensure_future(reconcile([past("r1", "intent")], world))
    await until(lambda: journal.calls.count("outcome") > 3)
    assert not work.done()
    journal.failing.clear()
    await work
    assert [one["startgate"]["phase"] for one in journal.entries] == ["outcome"]


def of_job(number: int, *phases: str) -> Start:
    """A start of a job of its own."""
    one = past(f"r{number}", *phases)
    for entry in one.records.values():
        entry["startgate"]["job"]["id"] = f"job-{number}"
    return one


async def test_a_thousand_are_closed_a_few_at_a_time_and_each_once() -> None:
    busy = most = 0

    async def state() -> JobState:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return RUNNING

    _, journal, followed = await closed(*(of_job(number, "intent") for number in range(1000)), state=state)
    receipts = [one["startgate"]["receipt"] for one in journal.entries]
    assert sorted(receipts) == sorted(f"r{number}" for number in range(1000))
    assert len(followed) == 1000
    assert 1 < most <= AT_ONCE


async def test_a_cluster_that_is_away_is_not_asked_for_each_of_a_thousand() -> None:
    state = Coming(RUNNING, *[DOWN] * 3 * AT_ONCE)
    _, journal, _ = await closed(*(of_job(number, "intent") for number in range(1000)), state=state)
    assert len(journal.entries) == 1000
    assert state.asked <= 1000 + 3 * AT_ONCE


async def test_a_record_that_cannot_be_understood_keeps_no_other_open(caplog: pytest.LogCaptureFixture) -> None:
    strange = of_job(1, "intent")
    del strange.records["intent"]["startgate"]["job"]
    _, journal, _ = await closed(strange, of_job(2, "intent"), state=RUNNING)
    assert [one["startgate"]["receipt"] for one in journal.entries] == ["r2"]
    assert "start r1 cannot be closed" in caplog.text


async def test_a_start_under_way_keeps_only_its_own_job_waiting() -> None:
    locks = {"job-1": asyncio.Lock(), "job-2": asyncio.Lock()}
    await locks["job-1"].acquire()
    journal = FakeJournal([])
    world = replace(
        after(FakeCluster([], {"state": RUNNING}), journal, SERVICE, lambda *_: None), lock=lambda one: locks[one]
    )
    work = asyncio.ensure_future(reconcile([of_job(1, "intent"), of_job(2, "intent")], world))
    await until(lambda: len(journal.entries) == 1)
    assert journal.entries[0]["startgate"]["receipt"] == "r2"
    locks["job-1"].release()
    await work
    assert [one["startgate"]["receipt"] for one in journal.entries] == ["r2", "r1"]


async def test_a_job_that_was_started_again_since_is_followed_by_that_start() -> None:
    _, journal, followed = await closed(past("r1", "intent"), state=RUNNING, since="r9")
    outcome, end = journal.entries
    assert outcome["startgate"]["reconciled"]["started"] == "unknown"
    assert outcome["startgate"]["reconciled"]["started_again_as"] == "r9"
    assert outcome["event"]["reason"].startswith(
        "interrupted; the job is started (resuming_reindexing), and was started again as r9"
    )
    assert end["startgate"]["end"] == {"state": "stopped", "started_again_as": "r9"}
    assert followed == []


async def test_of_two_open_starts_of_a_job_the_later_one_is_followed() -> None:
    _, journal, followed = await closed(past("r1", "intent", "outcome"), past("r2", "intent"), state=RUNNING)
    first, second = journal.entries
    assert first["startgate"]["end"]["started_again_as"] == "r2"
    assert second["startgate"]["reconciled"]["started"] == "yes"
    assert [receipt for _, _, receipt in followed] == ["r2"]


async def test_a_start_of_a_job_that_ran_already_is_not_followed() -> None:
    ran = past("r2", "intent", known=known(state=RUNNING))
    _, journal, followed = await closed(past("r1", "intent", "outcome"), ran, state=RUNNING)
    outcome, end = journal.entries
    assert outcome["startgate"]["reconciled"]["started"] == "unknown"
    assert end["event"]["reason"] == "the job ran before this start, and is followed for the one before"
    assert [receipt for _, _, receipt in followed] == ["r1"]


async def test_a_job_that_starts_late_is_followed_from_then_on() -> None:
    """The cluster was still working at a start that was sent just before the crash."""
    states = [STOPPED, STOPPED, RUNNING]
    _, journal, followed = await closed(past("r1", "intent"), state=states)
    assert journal.entries[0]["startgate"]["reconciled"]["started"] == "not_seen"
    assert states == []
    assert [receipt for _, _, receipt in followed] == ["r1"]


@pytest.mark.parametrize("later", [STOPPED, DOWN, refused_by_cluster(404)])
async def test_a_job_that_never_starts_is_followed_in_the_end_to_be_closed(later: object) -> None:
    _, journal, followed = await closed(past("r1", "intent"), state=[STOPPED, later, later])
    assert [one["startgate"]["phase"] for one in journal.entries] == ["outcome"]
    assert [receipt for _, _, receipt in followed] == ["r1"]


LOOKED = "blocked flights-out as service"
REMOVED = "remove flights-out as service"


def removal_of(cluster: FakeCluster) -> list[str]:
    """The calls that are about what was left blocked."""
    return [call for call in cluster.calls if call.split()[0] in ("blocked", "remove", "allow")]


async def test_a_removal_that_was_begun_is_finished() -> None:
    cluster, journal, followed = await closed(past("r1", "intent", plan=PLAN), blocked=True, index=OURS)
    (outcome,) = journal.entries
    assert removal_of(cluster) == [LOOKED, REMOVED]
    assert cluster.bodies == [META, META]
    assert cluster.idle is not None
    assert await cluster.idle()
    assert outcome["startgate"]["destination"] == {"index": "flights-out", "removal": "removed"}
    assert outcome["event"]["reason"].endswith("; it was left blocked for its removal: removed")
    assert [receipt for _, _, receipt in followed] == ["r1"]


@pytest.mark.parametrize(
    ("answers", "done"),
    [
        ({"state": refused_by_cluster(404)}, REMOVED),
        ({"state": JobState(state="", stage=Stage.FIRST_TIME)}, REMOVED),
        ({"state": JobState(state="started", stage=Stage.FIRST_TIME)}, "allow flights-out as service"),
        ({"state": JobState(state="stopped", stage=Stage.RESUMING_REINDEXING)}, "allow flights-out as service"),
        ({"state": refused_by_cluster(403)}, "allow flights-out as service"),
    ],
)
async def test_a_destination_in_use_is_only_made_writable(answers: dict[str, Any], done: str) -> None:
    cluster, journal, _ = await closed(past("r1", "intent", plan=PLAN), blocked=True, index=OURS, **answers)
    assert removal_of(cluster) == [LOOKED, done]
    removal = journal.entries[0]["startgate"]["destination"]["removal"]
    assert removal == ("removed" if done == REMOVED else "kept")


async def test_a_removal_waits_for_a_start_of_the_job() -> None:
    turn = asyncio.Lock()
    await turn.acquire()
    one = past("r1", "intent", plan=PLAN)
    work = asyncio.ensure_future(closed(one, blocked=True, index=OURS, turn=turn))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not work.done()
    turn.release()
    cluster, _, _ = await work
    assert REMOVED in cluster.calls


@pytest.mark.parametrize("index", [None, OURS, replace(OURS, mappings={})], ids=["missing", "ours", "foreign"])
@pytest.mark.parametrize("plan", [None, PLAN])
async def test_what_was_not_blocked_is_left_alone(plan: Plan | None, index: IndexState | None) -> None:
    cluster, journal, _ = await closed(past("r1", "intent", plan=plan), index=index)
    assert REMOVED not in cluster.calls
    assert "destination" not in journal.entries[0]["startgate"]


async def test_a_destination_that_nobody_may_look_at_is_left_alone() -> None:
    cluster, journal, _ = await closed(
        past("r1", "intent", plan=PLAN), blocked=refused_by_cluster(403), index=refused_by_cluster(403)
    )
    assert REMOVED not in cluster.calls
    assert "destination" not in journal.entries[0]["startgate"]
    assert journal.entries[0]["startgate"]["reconciled"]["destination"] == "unknown"


async def test_a_removal_that_a_cluster_breaks_off_is_tried_again() -> None:
    blocked = Coming(True, DOWN)
    cluster, journal, _ = await closed(past("r1", "intent", plan=PLAN), blocked=blocked, index=OURS)
    assert removal_of(cluster) == [LOOKED, LOOKED, REMOVED]
    assert journal.entries[0]["startgate"]["destination"]["removal"] == "removed"


STUCK = f"unknown: down; its write block {NOT_LIFTED}: down"


async def test_a_block_that_stayed_with_a_recorded_refusal_is_looked_at_again() -> None:
    one = past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK)
    assert one.blocked
    assert not one.unended
    _, journal, followed = await closed(one, blocked=True, index=OURS)
    (end,) = journal.entries
    assert (end["startgate"]["phase"], end["startgate"]["end"]) == ("end", {"removal": "removed"})
    assert end["event"]["reason"] == "its destination was left blocked for its removal: removed"
    assert followed == []


@pytest.mark.parametrize("index", [OURS, None])
async def test_a_block_that_somebody_lifted_is_closed(index: IndexState | None) -> None:
    one = past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK)
    _, journal, _ = await closed(one, index=index)
    assert journal.entries[0]["startgate"]["end"] == {"removal": "no longer blocked"}


async def test_a_block_that_nobody_may_look_at_is_left_for_the_next_process() -> None:
    one = past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK)
    _, journal, followed = await closed(one, blocked=refused_by_cluster(403), index=refused_by_cluster(403))
    assert (journal.entries, followed) == ([], [])


async def test_a_block_that_stays_again_is_left_for_the_next_process() -> None:
    one = past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK)
    _, journal, followed = await closed(one, blocked=True, remove=STUCK, index=OURS)
    assert (journal.entries, followed) == ([], [])


async def test_an_outcome_that_nobody_knew_is_looked_at_for_a_block_too() -> None:
    """The process before had no credential to ask with, and closed it so."""
    one = past("r1", "intent", plan=PLAN)
    intent = one.records["intent"]["startgate"]
    one.records["outcome"] = record.reconciled("r1", Found(asked=Asked.NO_CREDENTIAL), 0, job=intent["job"])
    cluster, journal, followed = await closed(one, blocked=True, index=OURS)
    assert REMOVED in cluster.calls
    assert [entry["startgate"]["phase"] for entry in journal.entries] == ["end"]
    assert followed == []
