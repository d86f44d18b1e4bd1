"""A started job is looked at once more, and followed to its end."""

import asyncio
import logging
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable
from proxy.gate.flight import Credentials
from proxy.gate.follow import Followers, stop_if_changed, until_end
from proxy.model import Credential, JobState, Stage
from proxy.settings import GateLimits
from tests.gate.fakes import FakeClock, FakeCluster, FakeJournal, made, refused_by_cluster, until

CALLER = Credential(whose="caller")
RUNNING = JobState(state="started", stage=Stage.FIRST_TIME)
DONE = JobState(state="stopped", stage=Stage.FINISHED)
FAILED = JobState(state="failed", stage=Stage.RESUMING_REINDEXING, failure_reason="out of memory")


async def test_a_job_that_is_the_same_goes_on() -> None:
    cluster = FakeCluster([])
    assert await stop_if_changed(made(), CALLER, cluster) is None
    assert cluster.calls == ["job caller"]


async def test_a_job_that_was_changed_is_stopped() -> None:
    cluster = FakeCluster([], {"job": made(create_time=5)})
    done = await stop_if_changed(made(), CALLER, cluster)
    assert done == "the job was changed while it was being started, and has been stopped"
    assert cluster.calls == ["job caller", "stop caller"]


@pytest.mark.parametrize("call", ["job", "stop"])
@pytest.mark.parametrize("failure", [refused_by_cluster(403, reason="no"), ClusterUnreachable("no")])
async def test_what_could_not_be_done_is_said(call: str, failure: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.gate.follow.LOOK_AGAIN_S", (0.0, 0.0))
    cluster = FakeCluster([], {"job": made(create_time=5), call: failure})
    assert await stop_if_changed(made(), CALLER, cluster) == "the job could not be looked at after its start: no"


@pytest.mark.parametrize("call", ["job", "stop"])
async def test_a_node_that_restarts_does_not_let_a_changed_job_run_on(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.gate.follow.LOOK_AGAIN_S", (0.0, 0.0))
    changed = made(create_time=5)
    down = [ClusterUnreachable("down")] * 2
    answers = {"job": [*down, changed]} if call == "job" else {"job": changed, "stop": [*down, None]}
    cluster = FakeCluster([], answers)
    done = await stop_if_changed(made(), CALLER, cluster)
    assert done == "the job was changed while it was being started, and has been stopped"
    assert cluster.calls[-1] == "stop caller"


async def ended(*states: Any, limit_s: float = 60) -> tuple[JobState | None, str]:
    cluster = FakeCluster([], {"state": list(states)})
    return await until_end("outliers", CALLER, cluster, FakeClock(), poll_s=0.0001, limit_s=limit_s)


async def test_a_job_is_followed_until_it_stands_still() -> None:
    assert await ended(RUNNING, RUNNING, DONE, RUNNING) == (DONE, "the job stopped")


async def test_a_failed_job_says_why() -> None:
    assert await ended(RUNNING, FAILED) == (FAILED, "out of memory")


async def test_a_node_that_restarts_does_not_end_a_job() -> None:
    assert await ended(ClusterUnreachable("down"), RUNNING, ClusterUnreachable("down"), DONE) == (
        DONE,
        "the job stopped",
    )


async def test_a_job_that_is_gone_cannot_be_followed() -> None:
    told = await ended(RUNNING, refused_by_cluster(404, reason="No known job"))
    assert told == (None, "the job cannot be followed any more: No known job")


async def test_nobody_is_followed_for_ever() -> None:
    assert await ended(*[RUNNING] * 50, limit_s=0.2) == (RUNNING, "not followed any longer than 0.2 s")


async def test_a_cluster_that_never_answers_leaves_the_end_unknown() -> None:
    assert (await ended(*[ClusterUnreachable("down")] * 50, limit_s=0.2))[0] is None


LIMITS = GateLimits(follow_up_poll_s=0.001, follow_up_s=60)


class Following:
    """Followers of a fake cluster, and what they put on record."""

    def __init__(self, *states: Any, **answers: Any) -> None:
        self.cluster = FakeCluster([], {"state": list(states), **answers})
        self.journal = FakeJournal([])
        self.followers = Followers(self.cluster, self.journal, FakeClock(), LIMITS)

    def follow(self, receipt: str = "r1", service: bool = True) -> None:
        credentials = Credentials(
            caller=CALLER, secondary=None, service=Credential(whose="service") if service else None
        )
        self.followers.follow(made(), credentials, receipt)

    async def ends(self, count: int) -> list[tuple[str, str, str]]:
        await until(lambda: len(self.journal.entries) >= count)
        events = [(entry["event"], entry["startgate"]) for entry in self.journal.entries]
        assert all(ours["phase"] == "end" for _, ours in events)
        return [(ours["receipt"], event["outcome"], event["reason"]) for event, ours in events]


async def test_the_end_goes_on_record() -> None:
    following = Following(RUNNING, DONE)
    following.follow()
    assert await following.ends(1) == [("r1", "success", "the job stopped")]
    assert following.cluster.calls == ["job caller", "state service", "state service"]


async def test_without_a_service_the_callers_credentials_follow() -> None:
    following = Following(FAILED)
    following.follow(service=False)
    assert await following.ends(1) == [("r1", "failure", "out of memory")]
    assert following.cluster.calls == ["job caller", "state caller"]


async def test_a_job_that_was_stopped_says_so(caplog: pytest.LogCaptureFixture) -> None:
    following = Following(JobState(state="stopped", stage=Stage.FIRST_TIME), job=made(create_time=5))
    following.follow()
    why = "the job was changed while it was being started, and has been stopped"
    assert await following.ends(1) == [("r1", "unknown", why)]
    assert f"start r1 of outliers: {why}" in caplog.text


async def test_a_job_has_one_follower() -> None:
    following = Following(*[RUNNING] * 10_000)
    following.follow("r1")
    await asyncio.sleep(0.005)
    following.follow("r2")
    assert await following.ends(1) == [("r1", "unknown", "the job stopped, and was started again as r2")]
    following.cluster.answers["state"] = DONE
    assert (await following.ends(2))[1] == ("r2", "success", "the job stopped")
    assert following.followers._tasks == {}


async def test_a_job_that_ended_is_followed_anew() -> None:
    following = Following(DONE, DONE)
    following.follow("r1")
    await following.ends(1)
    following.follow("r2")
    assert [end[0] for end in await following.ends(2)] == ["r1", "r2"]


async def test_closing_leaves_the_end_to_the_next_process() -> None:
    following = Following(*[RUNNING] * 10_000)
    following.follow()
    await asyncio.sleep(0.005)
    await following.followers.close()
    assert following.journal.entries == []
    assert following.followers._tasks == {}


async def test_an_end_that_cannot_be_recorded_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    following = Following(DONE)
    following.journal.failing = {"end"}
    following.follow()
    await until(lambda: "its end is not on record" in caplog.text)
    assert caplog.records[-1].levelno == logging.ERROR
