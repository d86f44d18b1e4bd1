"""A started job is looked at once more, and followed to its end."""

import asyncio
import gc
import logging
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from proxy.errors import ClusterUnreachable
from proxy.gate import record
from proxy.gate.flight import Credentials, Judged
from proxy.gate.follow import AT_ONCE, FIRST_PAUSE_S, Followers, stop_if_changed, stop_if_denied
from proxy.model import Credential, JobState, Stage, Work
from proxy.privileges import Asked, Held
from proxy.rules import (
    Origin,
    Request,
    Rules,
    Situation,
    SourceName,
    Subject,
    Target,
    Unknown,
    asked_of,
    judge,
    subjects_of,
)
from proxy.rules.compiled import Flow
from proxy.settings import GateLimits
from tests.gate.fakes import ANN, RULES, FakeClock, FakeCluster, FakeJournal, made, refused_by_cluster, until
from tests.gate.samples import guard, guarded

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


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("job", "the job could not be looked at after its start: no"),
        ("stop", "the job was changed while it was being started, and could not be stopped (no)"),
    ],
)
@pytest.mark.parametrize("failure", [refused_by_cluster(403, reason="no"), ClusterUnreachable("no")])
async def test_what_could_not_be_done_is_said(
    call: str, said: str, failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.gate.follow.LOOK_AGAIN_S", (0.0, 0.0))
    cluster = FakeCluster([], {"job": made(create_time=5), call: failure})
    assert await stop_if_changed(made(), CALLER, cluster) == said


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


FLOWS = replace(RULES, flows=(Flow(sources=("flights",), destinations=("flights-*",), origin=Origin("r.yml", 1)),))
GUARDED = guarded(guard("private", 'job.source.resolved.exists(i, i.startsWith("hr-"))'))
NEW = guarded(guard("new", "destination.exists"))
PLAIN, HR = (SourceName(name="flights"),), (SourceName(name="hr-1", aliases=("flights",)),)
BEFORE = Target(name="flights-1", aliases=("flights-out",))
AWAY = "what the names of the job stand for could not be looked at after its start"


WHO = subjects_of(RULES, ANN, None, made().owner)


def all_of(asked: Asked) -> Held:
    index = {name: dict.fromkeys(one.privileges, True) for one in asked.index for name in one.names}
    return Held(cluster=dict.fromkeys(asked.cluster, True), index=index)


def judged(
    rules: Rules, sources: tuple[SourceName, ...] | Unknown | None = PLAIN, target: Target | None = BEFORE
) -> Judged:
    held = {Subject.CALLER: all_of(asked_of(rules, made(), WHO)[Subject.CALLER])}
    situation = Situation(
        caller=ANN, secondary=None, job=made(), request=Request(), now_ms=7, held=held, sources=sources, target=target
    )
    return Judged(rules=rules, situation=situation, reading=CALLER)


@pytest.mark.parametrize(
    ("rules", "now", "why"),
    [
        (FLOWS, (HR, BEFORE), "no flow lets [hr-1] be copied into [flights-1] behind [flights-out]"),
        (FLOWS, (PLAIN, Target(name="elsewhere")), "copied into [elsewhere] behind [flights-out]"),
        (FLOWS, (HR, Unknown("no")), "no flow lets [hr-1] be copied into [flights-1] behind [flights-out]"),
        (GUARDED, (HR, BEFORE), "the guard [private] denies it"),
    ],
)
async def test_a_job_whose_names_are_denied_now_is_stopped(rules: Rules, now: object, why: str) -> None:
    cluster = FakeCluster([], {"resolution": now})
    assert judge(rules, judged(rules).situation).allowed
    done = await stop_if_denied(judged(rules), CALLER, cluster)
    assert done is not None
    begins = "what its names stand for was changed while it was being started, and has been stopped: Cannot start"
    assert done.startswith(begins)
    assert why in done
    assert cluster.calls == ["resolution caller", "stop caller"]


@pytest.mark.parametrize(
    ("one", "now"),
    [
        (judged(FLOWS), (PLAIN, BEFORE)),
        (judged(FLOWS), (PLAIN, Target(name="flights-2"))),
        (judged(GUARDED), ((*PLAIN, SourceName(name="flights-2")), BEFORE)),
        # The destination is there now because the start made it.
        (judged(NEW, target=Target()), (PLAIN, Target(name="flights-out", aliases=("given",)))),
    ],
)
async def test_a_job_whose_names_are_still_allowed_goes_on(one: Judged, now: object) -> None:
    cluster = FakeCluster([], {"resolution": now})
    assert await stop_if_denied(one, CALLER, cluster) is None
    assert cluster.calls == ["resolution caller"]


async def test_a_destination_that_somebody_else_made_is_not_the_starts_own() -> None:
    cluster = FakeCluster([], {"resolution": (PLAIN, Target(name="flights-9", aliases=("flights-out",)))})
    done = await stop_if_denied(judged(NEW, target=Target()), CALLER, cluster)
    assert done is not None
    assert "the guard [new] denies it" in done


@pytest.mark.parametrize(
    "one", [judged(RULES, sources=None, target=None), replace(judged(FLOWS), reading=None)], ids=["no rule", "nobody"]
)
async def test_names_are_looked_up_again_only_where_a_rule_needs_them_and_somebody_can(one: Judged) -> None:
    cluster = FakeCluster([])
    assert await stop_if_denied(one, CALLER, cluster) is None
    assert cluster.calls == []


async def test_names_that_the_cluster_does_not_tell_any_more_are_recorded() -> None:
    cluster = FakeCluster([], {"resolution": (Unknown("no such index [flights]"), Unknown("not yours"))})
    done = await stop_if_denied(judged(FLOWS), CALLER, cluster)
    assert done == f"{AWAY}: no such index [flights]; not yours"
    assert cluster.calls == ["resolution caller"]


async def test_a_cluster_that_is_away_for_a_moment_is_asked_again_for_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.gate.follow.LOOK_AGAIN_S", (0.0, 0.0))
    down = [ClusterUnreachable("down")] * 2
    cluster = FakeCluster([], {"resolution": [*down, (HR, BEFORE)], "stop": [*down, None]})
    done = await stop_if_denied(judged(FLOWS), CALLER, cluster)
    assert done is not None
    assert "has been stopped" in done
    # The names are not looked up again between denial and stop: they may be back where they were.
    assert cluster.calls == ["resolution caller"] * 3 + ["stop caller"] * 3


async def test_names_that_nobody_told_and_a_job_that_was_not_stopped_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.gate.follow.LOOK_AGAIN_S", (0.0, 0.0))
    down = FakeCluster([], {"resolution": ClusterUnreachable("down")})
    assert await stop_if_denied(judged(FLOWS), CALLER, down) == f"{AWAY}: down"
    refusing = FakeCluster([], {"resolution": (HR, BEFORE), "stop": refused_by_cluster(403, reason="not yours")})
    done = await stop_if_denied(judged(FLOWS), CALLER, refusing)
    assert done is not None
    assert "and could not be stopped (not yours): Cannot start" in done


LIMITS = GateLimits(follow_up_poll_s=0.001, follow_up_s=60)
SERVICE = Credential(whose="service")


class Following:
    """Followers of a fake cluster, and what they put on record."""

    def __init__(self, *states: Any, limits: GateLimits = LIMITS, **answers: Any) -> None:
        self.cluster = FakeCluster([], {"states": list(states), **answers})
        self.journal = FakeJournal([])
        self.followers = Followers(self.cluster, self.journal, FakeClock(), limits)

    def follow(
        self,
        receipt: str = "r1",
        service: Credential | None = SERVICE,
        judged: Judged | None = None,
        caller: Credential = CALLER,
        **job: Any,
    ) -> None:
        credentials = Credentials(caller=caller, secondary=None, service=service)
        self.followers.follow(made(**job), credentials, receipt, judged)

    async def ends(self, count: int) -> list[tuple[str, str, str]]:
        await until(lambda: len(self.journal.entries) >= count)
        events = [(entry["event"], entry["startgate"]) for entry in self.journal.entries]
        assert all(ours["phase"] == "end" for _, ours in events)
        return [(ours["receipt"], event["outcome"], event["reason"]) for event, ours in events]

    async def settled(self) -> None:
        """Until nobody is followed any more."""
        await until(lambda: self.followers._polling is not None and self.followers._polling.done())


async def test_the_end_goes_on_record() -> None:
    following = Following(RUNNING, RUNNING, DONE, RUNNING)
    following.follow()
    assert await following.ends(1) == [("r1", "success", "the job stopped")]
    assert following.cluster.calls == ["job caller", *["states service"] * 3, "job service"]


async def test_without_a_service_the_callers_credentials_follow() -> None:
    following = Following(FAILED)
    following.follow(service=None)
    assert await following.ends(1) == [("r1", "failure", "out of memory")]
    assert following.cluster.calls == ["job caller", "states caller", "job caller"]


async def test_an_end_tells_what_was_done_and_how_long_it_took() -> None:
    work = Work(
        progress=(("reindexing", 100), ("analyzing", 40)),
        training=90,
        test=10,
        skipped=1,
        peak_memory_bytes=123_456,
        memory_status="ok",
        node="n1",
    )
    following = Following(RUNNING, replace(FAILED, work=work))
    following.follow(judged=judged(FLOWS))
    await following.ends(1)
    (record,) = following.journal.entries
    assert record["startgate"]["end"] == {
        "state": "failed",
        "stage": "resuming_reindexing",
        "failure_reason": "out of memory",
        "node": "n1",
        "progress": {"reindexing": 100, "analyzing": 40},
        "documents": {"training": 90, "test": 10, "skipped": 1},
        "peak_memory_bytes": 123_456,
        "memory_status": "ok",
    }
    assert record["event"]["start"] < record["@timestamp"]
    assert record["event"]["duration"] > 0
    assert record["startgate"]["caller"]["name"] == "ann"
    assert "secondary" not in record["startgate"]


async def test_of_a_start_by_another_process_nobody_says_when_it_began() -> None:
    following = Following(DONE)
    following.follow()
    await following.ends(1)
    (record,) = following.journal.entries
    assert not {"start", "duration"} & set(record["event"])
    assert "caller" not in record["startgate"]


async def test_a_node_that_restarts_does_not_end_a_job() -> None:
    following = Following(ClusterUnreachable("down"), RUNNING, ClusterUnreachable("down"), DONE)
    following.follow()
    assert await following.ends(1) == [("r1", "success", "the job stopped")]


async def test_who_may_not_look_any_more_cannot_follow() -> None:
    following = Following(RUNNING, refused_by_cluster(403, reason="no"))
    following.follow()
    assert await following.ends(1) == [("r1", "unknown", "the job cannot be followed any more: no")]


async def test_a_job_that_is_gone_has_ended() -> None:
    following = Following(RUNNING, {})
    following.follow()
    assert await following.ends(1) == [("r1", "unknown", "the job is gone: it was deleted")]


async def test_a_job_that_was_made_anew_is_another_one() -> None:
    following = Following(RUNNING, JobState(state="stopped", stage=Stage.FIRST_TIME), job=[made(), made(create_time=5)])
    following.follow()
    assert await following.ends(1) == [("r1", "unknown", "the job was deleted, and made anew since")]
    assert following.journal.entries[0]["startgate"]["end"] == {"made_anew": True}


@pytest.mark.parametrize("failure", [refused_by_cluster(404), ClusterUnreachable("down")])
async def test_the_state_counts_where_nobody_can_tell_whether_it_was_made_anew(failure: Exception) -> None:
    following = Following(RUNNING, DONE, job=[made(), failure])
    following.follow()
    assert await following.ends(1) == [("r1", "success", "the job stopped")]


async def test_nobody_is_followed_for_ever() -> None:
    following = Following(*[RUNNING] * 1000, limits=replace(LIMITS, follow_up_s=0.2))
    following.follow()
    assert await following.ends(1) == [("r1", "unknown", "not followed any longer than 0.2 s")]
    assert following.journal.entries[0]["startgate"]["end"]["state"] == "started"


async def test_a_cluster_that_never_answers_leaves_the_end_unknown() -> None:
    following = Following(*[ClusterUnreachable("down")] * 1000, limits=replace(LIMITS, follow_up_s=0.2))
    following.follow()
    await following.ends(1)
    assert "end" not in following.journal.entries[0]["startgate"]


async def test_a_job_that_was_stopped_says_so(caplog: pytest.LogCaptureFixture) -> None:
    changed = made(create_time=5)
    following = Following(JobState(state="stopped", stage=Stage.FIRST_TIME), job=changed)
    following.follow()
    why = "the job was changed while it was being started, and has been stopped"
    assert await following.ends(1) == [("r1", "unknown", why)]
    assert f"start r1 of outliers: {why}" in caplog.text


async def test_a_job_that_was_stopped_for_its_names_says_so_with_the_reasons(caplog: pytest.LogCaptureFixture) -> None:
    following = Following(JobState(state="stopped", stage=Stage.FIRST_TIME), resolution=(HR, BEFORE))
    following.follow(judged=judged(FLOWS))
    [(receipt, outcome, why)] = await following.ends(1)
    assert (receipt, outcome) == ("r1", "unknown")
    assert "has been stopped: Cannot start" in why
    assert "no flow lets [hr-1] be copied" in why
    assert f"start r1 of outliers: {why}" in caplog.text
    expected = ["job caller", "job service", "resolution caller", "states service", "stop caller"]
    assert sorted(following.cluster.calls) == expected


async def test_both_looks_are_on_record() -> None:
    following = Following(DONE, job=[made(create_time=5)], resolution=(Unknown("no"), BEFORE))
    following.follow(judged=judged(FLOWS))
    [(_, _, why)] = await following.ends(1)
    assert why == f"the job was changed while it was being started, and has been stopped; {AWAY}: no"


async def test_a_job_has_one_follower() -> None:
    following = Following(*[RUNNING] * 100_000)
    following.follow("r1")
    await until(lambda: bool(following.cluster.asked_states))
    following.follow("r2")
    assert await following.ends(1) == [("r1", "unknown", "the job stopped, and was started again as r2")]
    assert following.journal.entries[0]["startgate"]["end"] == {"state": "stopped", "started_again_as": "r2"}
    following.cluster.answers["states"] = DONE
    assert (await following.ends(2))[1] == ("r2", "success", "the job stopped")
    await following.settled()
    assert (following.followers._looks, following.followers._followed) == ({}, {})


async def test_a_start_is_superseded_while_it_is_looked_at() -> None:
    following = Following(DONE)
    following.follow("r1")
    following.follow("r2")
    ends = await following.ends(2)
    assert ends == [
        ("r1", "unknown", "the job stopped, and was started again as r2"),
        ("r2", "success", "the job stopped"),
    ]


async def test_a_job_that_was_made_anew_and_started_says_so() -> None:
    following = Following(DONE)
    following.follow("r1")
    following.follow("r2", create_time=5)
    [first, *_] = await following.ends(1)
    assert first == ("r1", "unknown", "the job was deleted and made anew, and was started as r2")
    assert following.journal.entries[0]["startgate"]["end"] == {"made_anew": True, "started_again_as": "r2"}


async def test_a_start_that_takes_a_jobs_place_while_it_is_asked_about_is_not_ended_by_the_answer() -> None:
    answers = asyncio.Event()

    async def slow() -> dict[str, JobState]:
        await answers.wait()
        return {"outliers": DONE}

    following = Following(slow, *[RUNNING] * 100_000)
    following.follow("r1")
    await until(lambda: bool(following.cluster.asked_states))
    following.follow("r2")
    await following.ends(1)
    answers.set()
    await until(lambda: len(following.cluster.asked_states) > 2)
    assert [entry["startgate"]["receipt"] for entry in following.journal.entries] == ["r1"]
    await following.followers.close()


async def test_a_job_that_ended_is_followed_anew() -> None:
    following = Following(DONE, DONE)
    following.follow("r1")
    await following.ends(1)
    await following.settled()
    following.follow("r2")
    assert [end[0] for end in await following.ends(2)] == ["r1", "r2"]


async def test_all_jobs_are_asked_about_in_one_call() -> None:
    jobs = [f"job-{number:04}" for number in range(450)]
    following = Following(*[RUNNING] * 6)
    following.cluster.answers["job"] = ClusterUnreachable("down")
    for name in jobs:
        following.followers.follow(made(id=name), Credentials(caller=CALLER, secondary=None, service=SERVICE), name)
        # Looked at once already, so that all are there when the first are asked about.
        following.followers._looks[name][1].cancel()
    following.cluster.answers["states"] = DONE
    await following.ends(450)
    assert [len(asked) for asked in following.cluster.asked_states] == [AT_ONCE, AT_ONCE, 50]
    assert sorted(name for asked in following.cluster.asked_states for name in asked) == jobs


async def test_thousands_of_jobs_take_little_memory() -> None:
    """Their configurations, and what their starts were judged over, are not kept."""
    count = 2000
    following = Following(limits=GateLimits(follow_up_poll_s=3600))
    following.cluster.answers["job"] = ClusterUnreachable("down")
    credentials = Credentials(caller=CALLER, secondary=None, service=SERVICE)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(count):
            big = made(id=f"job-{number}", description="x" * 20_000)
            following.followers.follow(big, credentials, f"r{number}")
            following.followers._looks[big.id][1].cancel()
        del big
        await until(lambda: len(following.followers._followed) == count)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < count * 2048
    finally:
        tracemalloc.stop()
    await following.followers.close()


async def test_who_is_asked_as_makes_a_call_of_its_own_and_the_trace_of_a_start_does_not() -> None:
    following = Following()
    following.cluster.answers["states"] = DONE
    ann, bob = (Credential(whose="caller", headers=(("authorization", name),)) for name in ("ann", "bob"))
    for number, who in enumerate((ann, bob, ann)):
        traced = replace(who, headers=(*who.headers, ("x-opaque-id", str(number)), ("traceparent", "t")))
        following.follow(f"r{number}", None, caller=traced, id=f"job-{number}")
    await following.ends(3)
    assert sorted(following.cluster.asked_states) == [("job-0", "job-2"), ("job-1",)]


async def test_pauses_grow_up_to_the_configured_one() -> None:
    following = Following(*[RUNNING] * 100_000, limits=GateLimits(follow_up_poll_s=0.5))
    following.follow()
    await until(lambda: bool(following.followers._followed))
    one = following.followers._followed["outliers"]
    assert one.pause_s == FIRST_PAUSE_S
    paused = []
    for _ in range(4):
        await following.followers._told(one, {"outliers": RUNNING}, "")
        paused.append(one.pause_s)
    assert paused == [0.375, 0.5, 0.5, 0.5]
    await following.followers.close()


class StillClock(FakeClock):
    """It goes on only when it is told to."""

    def ticks_s(self) -> float:
        return self.ms / 1000


async def test_a_job_that_comes_in_between_does_not_have_others_asked_about_early() -> None:
    following = Following(limits=GateLimits(follow_up_poll_s=0.01))
    following.cluster.answers["states"] = DONE
    clock = StillClock()
    following.followers._clock = clock
    following.follow("r1", id="job-1")
    await until(lambda: len(following.followers._followed) == 1)
    following.follow("r2", id="job-2")
    await until(lambda: len(following.followers._followed) == 2)
    for _ in range(10):
        await asyncio.sleep(0)
    assert following.cluster.asked_states == []
    clock.ms += 1000
    await following.ends(2)
    assert following.cluster.asked_states == [("job-1", "job-2")]


async def test_closing_leaves_the_end_to_the_next_process() -> None:
    following = Following(*[RUNNING] * 100_000)
    following.follow()
    await until(lambda: bool(following.cluster.asked_states))
    await following.followers.close()
    assert following.journal.entries == []
    assert (following.followers._looks, following.followers._followed) == ({}, {})
    await Following().followers.close()


async def test_an_end_that_cannot_be_recorded_is_logged_once_and_recorded_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    following = Following(states=DONE)
    following.journal.failing = {"end"}
    following.follow()
    await until(lambda: following.journal.calls.count("end") >= 3)
    following.journal.failing.clear()
    assert await following.ends(1) == [("r1", "success", "the job stopped")]
    await following.settled()
    assert len(following.journal.entries) == 1
    assert [one.levelno for one in caplog.records if "its end is not on record" in one.message] == [logging.ERROR]


async def test_an_end_that_cannot_be_recorded_gives_way_to_the_next_start() -> None:
    following = Following(states=DONE)
    following.journal.failing = {"end"}
    following.follow()
    await until(lambda: following.journal.calls.count("end") >= 1)
    following.follow("r2")
    following.journal.failing.clear()
    await until(lambda: "r2" in [one["startgate"]["receipt"] for one in following.journal.entries])
    await following.settled()
    ended = [one["startgate"]["receipt"] for one in following.journal.entries]
    assert (ended.count("r2"), ended.count("r1") <= 1) == (1, True)


async def test_an_answer_that_nobody_foresaw_ends_nobodys_following(caplog: pytest.LogCaptureFixture) -> None:
    odd = [KeyError("odd"), KeyError("odd")]

    async def states() -> object:
        return odd.pop() if odd else DONE

    following = Following(states=states)
    following.follow()
    assert await following.ends(1) == [("r1", "success", "the job stopped")]
    assert "was not foreseen" in caplog.text
    await following.settled()


async def test_a_record_that_cannot_be_made_keeps_no_other_job_from_its_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = record.end

    def odd(receipt: str, *told: Any) -> dict[str, Any]:
        if receipt == "r1":
            raise TypeError("odd")
        return end(receipt, *told)

    monkeypatch.setattr(record, "end", odd)
    following = Following(states=DONE)
    following.follow()
    following.follow("r2", id="other")
    assert [receipt for receipt, _, _ in await following.ends(1)] == ["r2"]
    await until(lambda: "start r1 of outliers cannot be followed" in caplog.text)
    await following.followers.close()
