"""What was found after a crash: the fields, the words, and whether a job was started."""

from typing import Any

import pytest

from proxy.errors import ClusterUnreachable
from proxy.gate.found import Asked, Found, JobIs, MadeBy, Started, at_rest, look, was_started
from proxy.gate.ports import IndexState
from proxy.model import Credential, JobState, Stage
from tests.gate.fakes import STOPPED, FakeCluster, made, refused_by_cluster

SERVICE = Credential(whose="service")
META = {"created_by": "startgate", "creation_date_in_millis": 5}
RECORDED: dict[str, Any] = {
    "job": {
        "id": "outliers",
        "create_time": made().create_time,
        "state": "stopped",
        "stage": "first_time",
        "destination": "flights-out",
    },
    "destination": {"index": "flights-out", "meta": META},
}


def state(name: str, stage: Stage = Stage.FIRST_TIME) -> JobState:
    return JobState(state=name, stage=stage)


@pytest.mark.parametrize(
    ("before", "now", "started"),
    [
        (("stopped", "first_time"), state("stopped"), Started.NOT_SEEN),
        (("stopped", "first_time"), state(""), Started.NOT_SEEN),
        (("stopped", "first_time"), state("starting"), Started.YES),
        (("stopped", "first_time"), state("failed"), Started.YES),
        (("failed", "first_time"), state("failed"), Started.NOT_SEEN),
        (("failed", "first_time"), state("stopped"), Started.NOT_SEEN),
        (("stopped", "first_time"), state("stopped", Stage.FINISHED), Started.YES),
        (("stopped", "resuming_reindexing"), state("stopped", Stage.RESUMING_REINDEXING), Started.NOT_SEEN),
        (("started", "resuming_reindexing"), state("reindexing", Stage.RESUMING_REINDEXING), Started.UNKNOWN),
        ((None, None), state("stopped"), Started.UNKNOWN),
        ((None, None), state("started"), Started.YES),
    ],
)
def test_a_job_was_started_if_it_stands_elsewhere_than_before(
    before: tuple[str | None, str | None], now: JobState, started: Started
) -> None:
    recorded = {name: value for name, value in zip(("state", "stage"), before, strict=True) if value is not None}
    assert was_started(recorded, now) is started


def test_what_stands_still_is_at_rest() -> None:
    assert [at_rest(one) for one in ("stopped", "failed", "", "starting", "started", "stopping")] == [True] * 3 + [
        False
    ] * 3


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            Found(asked=Asked.ANSWERED, job=JobIs.SAME, state=STOPPED, destination=MadeBy.NOBODY, index="out"),
            "interrupted; the job is stopped (first_time), its destination [out] is missing",
        ),
        (
            Found(asked=Asked.ANSWERED, job=JobIs.SAME, state=state(""), destination=MadeBy.OTHERS, index="out"),
            "interrupted; the job is in no state (first_time), "
            "its destination [out] exists and is not of this start's making",
        ),
        (
            Found(asked=Asked.ANSWERED, job=JobIs.MADE_ANEW),
            "interrupted; the job was deleted and made anew since",
        ),
        (
            Found(asked=Asked.ANSWERED, job=JobIs.GONE, refusal="No known job", removal="removed"),
            "interrupted; the job is gone; the cluster says: No known job; "
            "it was left blocked for its removal: removed",
        ),
        (
            Found(asked=Asked.REFUSED, refusal="no"),
            "interrupted; what became of the job could not be told; the cluster says: no",
        ),
        (
            Found(asked=Asked.NO_CREDENTIAL),
            "interrupted; without a service credential nobody could look what became of it",
        ),
    ],
)
def test_what_is_found_is_told_in_words(found: Found, words: str) -> None:
    assert found.words() == words


@pytest.mark.parametrize(
    ("answers", "fields"),
    [
        ({}, {"destination": "missing", "started": "not_seen"}),
        (
            {"index": IndexState(name="flights-out", uuid="u", mappings={"_meta": {**META, "more": 1}})},
            {"destination": "made_by_us"},
        ),
        ({"index": IndexState(name="flights-out", uuid="u", mappings={"_meta": {"a": 1}})}, {"destination": "foreign"}),
        ({"index": IndexState(name="behind", uuid="u", mappings={"_meta": META})}, {"destination": "foreign"}),
        ({"index": refused_by_cluster(403)}, {"destination": "unknown", "cluster": "refused", "job": "same"}),
        ({"job": refused_by_cluster(404)}, {"job": "gone", "cluster": "answered", "destination": "missing"}),
        ({"job": refused_by_cluster(403)}, {"job": "unknown", "cluster": "refused", "started": "unknown"}),
        ({"job": made(create_time=5)}, {"job": "made_anew", "started": "unknown"}),
        ({"state": refused_by_cluster(403)}, {"job": "same", "cluster": "refused", "started": "unknown"}),
        (
            {"state": state("started", Stage.RESUMING_REINDEXING)},
            {"started": "yes", "job_state": "started", "stage": "resuming_reindexing"},
        ),
    ],
)
async def test_the_cluster_is_looked_at(answers: dict[str, Any], fields: dict[str, str]) -> None:
    cluster = FakeCluster([], answers)
    found, job = await look(RECORDED, cluster, SERVICE, None)
    assert fields.items() <= found.fields().items()
    assert sorted(cluster.calls) == ["index service", "job service", "state service"]
    assert (job is not None) is (found.job is JobIs.SAME)


async def test_what_runs_after_another_start_may_be_that_ones() -> None:
    found, _ = await look(RECORDED, FakeCluster([], {"state": state("started")}), SERVICE, "r2")
    assert found.started is Started.UNKNOWN
    assert found.fields()["started_again_as"] == "r2"


@pytest.mark.parametrize("call", ["job", "state", "index"])
@pytest.mark.parametrize("failure", [ClusterUnreachable("down"), refused_by_cluster(401)])
async def test_a_cluster_that_tells_nothing_now_is_no_finding(call: str, failure: Exception) -> None:
    with pytest.raises(ClusterUnreachable):
        await look(RECORDED, FakeCluster([], {call: failure}), SERVICE, None)


async def test_without_a_credential_nobody_asks() -> None:
    cluster = FakeCluster([])
    found, job = await look(RECORDED, cluster, None, None)
    assert (found.asked, job, cluster.calls) == (Asked.NO_CREDENTIAL, None, [])


async def test_an_intent_that_names_no_destination_says_nothing_of_one() -> None:
    recorded = {"job": {key: value for key, value in RECORDED["job"].items() if key != "destination"}}
    cluster = FakeCluster([])
    found, _ = await look(recorded, cluster, SERVICE, None)
    assert "index service" not in cluster.calls
    assert found.words() == "interrupted; the job is stopped (first_time)"
