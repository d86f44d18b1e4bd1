"""The checks of `_start`, one after the other."""

import pytest

from proxy.embedded.core.json_text import Json
from proxy.embedded.ml import start
from proxy.embedded.ml.jobs import Jobs
from proxy.embedded.node import NODE_ID
from tests.embedded.support import OUTLIERS, Asker

JOB = "/_ml/data_frame/analytics/job"
PROPERTIES = {"mappings": {"properties": {"x": {"type": "long"}, "k": {"type": "keyword"}}}}


@pytest.fixture
async def ask() -> Asker:
    asker = Asker()
    await asker.ok("PUT", "/flights", PROPERTIES)
    await asker.fill("flights", [{"x": n, "k": "a"} for n in range(5)])
    return asker


async def put(ask: Asker, **change: Json) -> None:
    await ask.ok("PUT", JOB, {**OUTLIERS, **change})


async def refused(ask: Asker, target: str = f"{JOB}/_start", body: object = None, status: int = 400) -> str:
    said = await ask("POST", target, body)
    assert said.status == status, said
    return said.reason


async def test_a_start(ask: Asker) -> None:
    await put(ask)
    assert await ask.ok("POST", f"{JOB}/_start?timeout=1m") == {"acknowledged": True, "node": NODE_ID}
    assert (await ask.ended("job"))["state"] == "stopped"
    assert await refused(ask) == "Cannot start because the job has already finished"


@pytest.mark.parametrize("body", [{}, {"id": "job"}, {"id": "job", "timeout": "5s"}])
async def test_small_bodies(ask: Asker, body: dict[str, str]) -> None:
    await put(ask)
    await ask.ok("POST", f"{JOB}/_start", body)


@pytest.mark.parametrize(
    ("query", "body", "text"),
    [
        ("", {"id": "other"}, "Inconsistent id; 'other' specified in the body differs from 'job' specified as a URL"),
        ("", {"ids": "x"}, "[1:2] [cluster:admin/xpack/ml/data_frame/analytics/start] unknown field [ids] did you"),
        ("", {"timeout": "x"}, "failed to parse setting [timeout] with value [x] as a time value:"),
        ("?timeout=5", None, "failed to parse setting [timeout] with value [5] as a time value:"),
        ("?timeout=5s", {}, f"request [{JOB}/_start] contains unrecognized parameter: [timeout]"),
        ("?master_timeout=5s", None, f"request [{JOB}/_start] contains unrecognized parameter: [master_timeout]"),
    ],
)
async def test_malformed_requests(ask: Asker, query: str, body: object, text: str) -> None:
    assert (await refused(ask, f"{JOB}/_start{query}", body)).startswith(text)


async def test_ids_are_expressions(ask: Asker) -> None:
    base = "/_ml/data_frame/analytics"
    assert await refused(ask, f"{base}/job/_start", status=404) == "No known data frame analytics with id [job]"
    assert await refused(ask, f"{base}/jo*/_start") == (
        "Expected a single match for data frame analytics [jo*] but got [0]"
    )
    await put(ask)
    await ask.ok("PUT", f"{base}/job-2", OUTLIERS)
    assert await refused(ask, f"{base}//_start") == "Expected a single match for data frame analytics [] but got [2]"
    await ask.ok("POST", f"{base}/job-*/_start")


async def test_the_source_is_gone(ask: Asker) -> None:
    await put(ask)
    await ask.ok("DELETE", "/flights")
    assert await refused(ask) == "Validation Failed: 1: no such index [flights];"


async def test_a_query_that_does_not_parse(ask: Asker) -> None:
    await put(ask, source={"index": "flights", "query": {"nothing_like_it": {}}})
    assert "nothing_like_it" in await refused(ask)


async def test_the_destination_must_be_empty(ask: Asker) -> None:
    await put(ask)
    await ask.ok("PUT", "/flights-out", {})
    await ask.fill("flights-out", [{"a": 1}])
    assert await refused(ask) == "dest index [flights-out] must be empty"


async def test_sources_that_do_not_agree(ask: Asker) -> None:
    await ask.ok("PUT", "/flights2", {"mappings": {"properties": {"x": {"type": "keyword"}}}})
    await put(ask, source={"index": ["flights", "flights2"]})
    reason = await refused(ask)
    assert reason.startswith(
        "cannot merge [properties] mappings because of differences for field [x]; mapped as [{type="
    )


async def test_no_fields(ask: Asker) -> None:
    await put(ask, analyzed_fields={"excludes": ["x"]})
    assert await refused(ask) == "at least one field must be included in the analysis"


async def test_only_the_dependent_variable(ask: Asker) -> None:
    analysis = {"regression": {"dependent_variable": "x"}}
    await put(ask, analysis=analysis, analyzed_fields={"includes": ["x"]})
    assert await refused(ask) == "at least one field must be included in the analysis (excluding fields [x])"


async def test_no_documents(ask: Asker) -> None:
    await ask.ok("PUT", "/flights/_mapping", {"properties": {"never": {"type": "long"}}})
    await put(ask)
    assert (await refused(ask)).startswith(
        "Unable to start job as no documents in the source indices [flights] contained all the fields selected for"
    )


async def test_too_few_classes(ask: Asker) -> None:
    await put(ask, analysis={"classification": {"dependent_variable": "k"}})
    assert await refused(ask) == "Field [k] must have at least [2] distinct values but there were [1]"


async def test_too_many_classes(ask: Asker) -> None:
    await ask.fill("flights", [{"x": n, "k": str(n)} for n in range(101)])
    await put(ask, analysis={"classification": {"dependent_variable": "k"}})
    assert await refused(ask) == "Field [k] must have at most [100] distinct values but there were at least [101]"


async def test_an_unknown_dependent_variable(ask: Asker) -> None:
    await put(ask, analysis={"classification": {"dependent_variable": "missing"}})
    assert await refused(ask) == "no mappings could be found for field [missing]"


async def test_the_second_start_of_a_running_job() -> None:
    ask = Asker(jobs=Jobs(pace_s=0.2))
    await ask.flights()
    await put(ask)
    await ask.ok("POST", f"{JOB}/_start")
    said = await ask("POST", f"{JOB}/_start")
    assert said.status == 409
    assert said.body["error"] == {
        "root_cause": [
            {
                "type": "resource_already_exists_exception",
                "reason": "task with id {data_frame_analytics-job} already exist",
            }
        ],
        "type": "status_exception",
        "reason": "Cannot start data frame analytics [job] because it has already been started",
        "caused_by": {
            "type": "resource_already_exists_exception",
            "reason": "task with id {data_frame_analytics-job} already exist",
        },
    }
    await ask.world.jobs.close()


async def test_a_job_that_ends_while_its_start_is_checked_was_started_already(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(ask)
    job = ask.world.jobs.by_id["job"]
    job.state = "started"

    async def ends_meanwhile(*_: object) -> None:
        job.state = "stopped"

    monkeypatch.setattr(start, "prepare", ends_meanwhile)
    assert (
        await refused(ask, status=409) == "Cannot start data frame analytics [job] because it has already been started"
    )


async def test_no_node_to_run_on() -> None:
    ask = Asker(jobs=Jobs(nodes=0))
    await ask.flights()
    await put(ask)
    said = await ask("POST", f"{JOB}/_start")
    assert (said.status, said.type) == (429, "status_exception")
    assert said.reason.startswith("Could not start data frame analytics task, allocation explanation [")


async def test_a_job_that_may_wait_for_a_node() -> None:
    ask = Asker(jobs=Jobs(nodes=0))
    await ask.flights()
    await put(ask, allow_lazy_start=True)
    assert await ask.ok("POST", f"{JOB}/_start") == {"acknowledged": True, "node": ""}
    [shown] = (await ask.ok("GET", f"{JOB}/_stats"))["data_frame_analytics"]
    assert (shown["state"], "assignment_explanation" in shown) == ("starting", True)
    await ask.ok("POST", f"{JOB}/_stop")


async def test_a_job_deleted_meanwhile(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    await put(ask)

    async def deletes(*_: object) -> None:
        del ask.world.jobs.by_id["job"]

    monkeypatch.setattr("proxy.embedded.ml.start.prepare", deletes)
    assert await refused(ask, status=404) == "No known data frame analytics with id [job]"


async def test_the_owner_must_be_able_to_read(ask: Asker) -> None:
    await put(ask)
    ask.world.jobs.by_id["job"].owner = None
    await ask.ok("POST", f"{JOB}/_start")
    await ask.ended("job")
