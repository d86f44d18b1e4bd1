"""What a crash left open is closed with what the cluster knows."""

from typing import Any

import pytest

from proxy.errors import ClusterUnreachable, JournalError
from proxy.gate import record
from proxy.gate.flight import Credentials
from proxy.gate.ports import IndexState
from proxy.gate.reconcile import reconcile
from proxy.journal.read import Start
from proxy.model import Credential, Job, JobState, Stage
from tests.gate.fakes import STARTED, FakeClock, FakeCluster, FakeJournal, answer, made, refused_by_cluster
from tests.gate.test_record import judged

SERVICE = Credential(whose="service")


def past(receipt: str, *phases: str, status: int = 200) -> Start:
    one = judged(intended=True, cluster_answer=STARTED if status == 200 else answer(status))
    made_by = {
        "intent": lambda: record.intent(one, 0),
        "outcome": lambda: record.outcome(one, one.cluster_answer or STARTED, 0),
        "end": lambda: record.end(receipt, "outliers", None, "", 0),
    }
    return Start(receipt, {phase: made_by[phase]() for phase in phases})


async def closed(
    *starts: Start,
    service: Credential | None = SERVICE,
    **answers: Any,
) -> tuple[FakeCluster, FakeJournal, list[tuple[str, Credentials, str]]]:
    cluster, journal = FakeCluster([], answers), FakeJournal([])
    followed: list[tuple[str, Credentials, str]] = []

    def follow(job: Job, credentials: Credentials, receipt: str) -> None:
        followed.append((job.id, credentials, receipt))

    await reconcile(starts, cluster, journal, FakeClock(), service, follow)
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
    with pytest.raises(JournalError):
        await reconcile([past("r1", "intent")], FakeCluster([]), journal, FakeClock(), None, lambda *_: None)
    assert journal.entries == []
