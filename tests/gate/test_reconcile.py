"""What a crash left open is closed with what the cluster knows."""

import asyncio
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable, JournalError
from proxy.gate import record
from proxy.gate.flight import Credentials
from proxy.gate.ports import IndexState
from proxy.gate.reconcile import Aftermath, reconcile
from proxy.journal.entry import NOT_LIFTED
from proxy.journal.read import Start
from proxy.model import Credential, Job, JobState, Stage
from tests.gate.fakes import STARTED, FakeClock, FakeCluster, FakeJournal, answer, made, refused_by_cluster
from tests.gate.test_create import PLAN
from tests.gate.test_record import judged

SERVICE = Credential(whose="service")


META = PLAN.body["mappings"]["_meta"] if PLAN.body else {}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.gate.follow.LOOK_AGAIN_S", (0.001, 0.001))


def past(receipt: str, *phases: str, status: int = 200, **more: Any) -> Start:
    one = judged(intended=True, cluster_answer=STARTED if status == 200 else answer(status), **more)
    made_by = {
        "intent": lambda: record.intent(one, 0),
        "outcome": lambda: record.outcome(one, one.cluster_answer or STARTED, 0),
        "end": lambda: record.end(receipt, "outliers", None, "", 0),
    }
    return Start(receipt, {phase: made_by[phase]() for phase in phases})


def after(
    cluster: FakeCluster, journal: FakeJournal, service: Credential | None, follow: Any, turn: asyncio.Lock
) -> Aftermath:
    return Aftermath(
        cluster=cluster, journal=journal, clock=FakeClock(), service=service, follow=follow, lock=lambda _: turn
    )


async def closed(
    *starts: Start,
    service: Credential | None = SERVICE,
    turn: asyncio.Lock | None = None,
    **answers: Any,
) -> tuple[FakeCluster, FakeJournal, list[tuple[str, Credentials, str]]]:
    cluster, journal = FakeCluster([], answers), FakeJournal([])
    followed: list[tuple[str, Credentials, str]] = []

    def follow(job: Job, credentials: Credentials, receipt: str) -> None:
        followed.append((job.id, credentials, receipt))

    await reconcile(starts, after(cluster, journal, service, follow, turn or asyncio.Lock()))
    return cluster, journal, followed


AS_SERVICE = Credentials(caller=SERVICE, secondary=None, service=SERVICE)


async def test_an_open_start_is_closed_with_what_is_found_and_followed() -> None:
    _, journal, followed = await closed(
        past("r1", "intent"),
        state=JobState(state="started", stage=Stage.RESUMING_REINDEXING),
        index=IndexState(name="flights-out", uuid="u", mappings={}),
    )
    (outcome,) = journal.entries
    assert outcome["event"]["outcome"] == "unknown"
    assert outcome["event"]["reason"] == (
        "interrupted; the job is started (resuming_reindexing), its destination [flights-out] exists"
    )
    assert outcome["startgate"]["receipt"] == "r1"
    assert outcome["startgate"]["phase"] == "outcome"
    assert outcome["startgate"]["job"]["destination"] == "flights-out"
    assert followed == [("outliers", AS_SERVICE, "r1")]


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({}, "interrupted; the job is stopped (first_time), its destination [flights-out] is missing"),
        ({"job": made(create_time=5)}, "interrupted; the job was deleted and made anew since"),
        ({"job": refused_by_cluster(404, reason="No known job")}, "interrupted; the cluster says: No known job"),
        ({"state": ClusterUnreachable("down")}, "interrupted; the cluster could not be asked: down"),
    ],
)
async def test_whatever_is_found_closes_it(answers: dict[str, Any], found: str) -> None:
    _, journal, followed = await closed(past("r1", "intent"), **answers)
    assert [entry["event"]["reason"] for entry in journal.entries] == [found]
    assert len(followed) == (not answers)


async def test_without_a_service_nobody_can_look() -> None:
    cluster, journal, followed = await closed(past("r1", "intent"), past("r2", "outcome"), service=None)
    assert "without a service credential nobody could look" in journal.entries[0]["event"]["reason"]
    assert (cluster.calls, followed) == ([], [])


async def test_a_started_job_without_an_end_is_followed_further() -> None:
    _, journal, followed = await closed(past("r1", "intent", "outcome"), past("r2", "intent", "outcome", "end"))
    assert journal.entries == []
    assert followed == [("outliers", AS_SERVICE, "r1")]


@pytest.mark.parametrize("answers", [{"job": made(create_time=5)}, {"job": refused_by_cluster(404)}])
async def test_a_job_that_is_another_now_is_not_followed(answers: dict[str, Any]) -> None:
    _, journal, followed = await closed(past("r1", "intent", "outcome"), **answers)
    assert (journal.entries, followed) == ([], [])


async def test_refused_starts_are_left_alone() -> None:
    cluster, journal, followed = await closed(
        past("r1", "outcome", status=403), past("r2", "intent", "outcome", status=400)
    )
    assert (cluster.calls, journal.entries, followed) == ([], [], [])


async def test_what_cannot_be_recorded_stays_open() -> None:
    journal = FakeJournal([], failing={"outcome"})
    world = after(FakeCluster([]), journal, None, lambda *_: None, asyncio.Lock())
    with pytest.raises(JournalError):
        await reconcile([past("r1", "intent")], world)
    assert journal.entries == []


LOOKED = "blocked flights-out as service"
REMOVED = "remove flights-out as service"


async def test_a_removal_that_was_begun_is_finished() -> None:
    cluster, journal, followed = await closed(past("r1", "intent", plan=PLAN), blocked=True)
    (outcome,) = journal.entries
    assert cluster.calls[:3] == [LOOKED, "state service", REMOVED]
    assert cluster.bodies == [META, META]
    assert cluster.idle is not None
    assert await cluster.idle()
    assert outcome["startgate"]["destination"] == {"index": "flights-out", "removal": "removed"}
    assert outcome["event"]["reason"].endswith("is missing; it was left blocked for its removal: removed")
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
    cluster, journal, _ = await closed(past("r1", "intent", plan=PLAN), blocked=True, **answers)
    assert cluster.calls[2] == done
    removal = journal.entries[0]["startgate"]["destination"]["removal"]
    assert removal == ("removed" if done == REMOVED else "kept")


async def test_a_removal_waits_for_a_start_of_the_job() -> None:
    turn = asyncio.Lock()
    await turn.acquire()
    work = asyncio.ensure_future(closed(past("r1", "intent", plan=PLAN), blocked=True, turn=turn))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not work.done()
    turn.release()
    cluster, _, _ = await work
    assert REMOVED in cluster.calls


@pytest.mark.parametrize("one", [past("r1", "intent"), past("r1", "intent", plan=PLAN)])
async def test_what_was_not_blocked_is_left_alone(one: Start) -> None:
    cluster, journal, _ = await closed(one)
    assert REMOVED not in cluster.calls
    assert "destination" not in journal.entries[0]["startgate"]


@pytest.mark.parametrize("failure", [refused_by_cluster(403), ClusterUnreachable("down")])
async def test_a_destination_that_cannot_be_looked_at_is_left_alone(failure: Exception) -> None:
    cluster, journal, _ = await closed(past("r1", "intent", plan=PLAN), blocked=failure)
    assert REMOVED not in cluster.calls
    assert "destination" not in journal.entries[0]["startgate"]


async def test_a_cluster_that_is_away_for_a_moment_is_asked_again() -> None:
    answers: list[Any] = [ClusterUnreachable("down"), True]

    async def blocked() -> bool:
        one = answers.pop(0)
        if isinstance(one, Exception):
            raise one
        return bool(one)

    cluster, journal, _ = await closed(past("r1", "intent", plan=PLAN), blocked=blocked)
    assert cluster.calls[:4] == [LOOKED, LOOKED, "state service", REMOVED]
    assert journal.entries[0]["startgate"]["destination"]["removal"] == "removed"


STUCK = f"unknown: down; its write block {NOT_LIFTED}: down"


async def test_a_block_that_stayed_with_a_recorded_refusal_is_looked_at_again() -> None:
    one = past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK)
    assert one.blocked
    assert not one.unended
    _, journal, followed = await closed(one, blocked=True)
    (end,) = journal.entries
    assert (end["startgate"]["phase"], end["startgate"]["end"]) == ("end", {"removal": "removed"})
    assert end["event"]["reason"] == "its destination was left blocked for its removal: removed"
    assert followed == []


async def test_a_block_that_somebody_lifted_is_closed() -> None:
    _, journal, _ = await closed(past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK))
    assert journal.entries[0]["startgate"]["end"] == {"removal": "no longer blocked"}


@pytest.mark.parametrize("failure", [refused_by_cluster(403), ClusterUnreachable("down")])
async def test_a_block_that_nobody_can_look_at_is_left_for_the_next_process(failure: Exception) -> None:
    one = past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK)
    _, journal, followed = await closed(one, blocked=failure)
    assert (journal.entries, followed) == ([], [])


async def test_a_block_that_stays_again_is_left_for_the_next_process() -> None:
    one = past("r1", "intent", "outcome", status=400, plan=PLAN, removal=STUCK)
    _, journal, followed = await closed(one, blocked=True, remove=STUCK)
    assert (journal.entries, followed) == ([], [])


async def test_an_outcome_that_nobody_knew_is_looked_at_for_a_block_too() -> None:
    """The process before could not ask the cluster, and closed it so."""
    one = past("r1", "intent", plan=PLAN)
    intent = one.records["intent"]["startgate"]
    one.records["outcome"] = record.reconciled("r1", "interrupted", 0, job=intent["job"])
    cluster, journal, followed = await closed(one, blocked=True)
    assert REMOVED in cluster.calls
    assert [entry["startgate"]["phase"] for entry in journal.entries] == ["end"]
    assert followed == []
