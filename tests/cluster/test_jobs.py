"""A job as the cluster holds it, and what a start of it would do next."""

import copy
from typing import Any

import pytest

from proxy.cluster.jobs import job, job_of, job_state, job_states, stage_of, stop
from proxy.cluster.transport import in_pieces
from proxy.errors import ClusterUnreachable, PassedOn
from proxy.model import JobState, Owner, OwnerKind, SourceFilter, Stage, Work
from tests.cluster.nodes import ANN, node, refusal, reply, transport
from tests.gate.fakes import CONFIG, made

NO_NAMES: tuple[object, ...] = (None, 5, ["a"], {})
NO_OBJECTS: tuple[object, ...] = (None, 5, "x", [])

GET = "GET /_ml/data_frame/analytics/outliers"
STATS = f"{GET}/_stats"


def found(*configs: dict[str, Any]) -> bytes:
    return reply(200, {"count": len(configs), "data_frame_analytics": list(configs)})


async def test_a_job_is_found_by_its_exact_id() -> None:
    async with node({GET: found(CONFIG | {"id": "outliers-2"}, CONFIG)}) as one, transport(one.url) as opened:
        assert await job(opened, "outliers", ANN) == made()
        assert one.seen[0].header("authorization") == "Basic YW5u"


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_the_cluster_refuses_is_passed_on(status: int) -> None:
    script = {GET: refusal(status, reason="why"), STATS: refusal(status, reason="why")}
    async with node(script) as one, transport(one.url) as opened:
        for ask in (job, job_state):
            with pytest.raises(PassedOn, match="why") as told:
                await ask(opened, "outliers", ANN)
            assert told.value.status == status


BROKEN: list[Any] = [
    {},
    [],
    None,
    "text",
    {"data_frame_analytics": []},
    {"data_frame_analytics": [{"id": "other"}]},
    {"data_frame_analytics": [1]},
    {"data_frame_analytics": 1},
    {"data_frame_analytics": [{"id": "outliers"}]},
]


@pytest.mark.parametrize("content", BROKEN)
async def test_what_is_no_job_is_no_answer(content: Any) -> None:
    async with node({GET: reply(200, content), STATS: reply(200, content)}) as one, transport(one.url) as opened:
        for ask in (job, job_state):
            with pytest.raises(ClusterUnreachable, match=r"^GET /_ml/data_frame/analytics/outliers"):
                await ask(opened, "outliers", ANN)


@pytest.mark.parametrize(
    "changes",
    [
        {"source": {}},
        {"source": {"index": [1]}},
        {"source": {"index": ["a"], "_source": True}},
        {"dest": {}},
        {"analysis": {}},
        {"analysis": {"a": {}, "b": {}}},
        {"create_time": "yesterday"},
        {"create_time": None},
        {"authorization": {"api_key": {}}},
        {"authorization": ["roles"]},
        {"authorization": {"roles": 1}},
        *({"authorization": value} for value in ({"roles": [5]}, {"service_account": 5}, {"api_key": {"id": 5}})),
        *({"dest": {"index": value}} for value in NO_NAMES),
        *({"dest": {"index": "a", "results_field": value}} for value in (None, 5, ["a"])),
        *({"analysis": {"outlier_detection": value}} for value in NO_OBJECTS),
        {"source": {"index": ["a"], "runtime_mappings": "x"}},
    ],
)
async def test_a_configuration_that_is_not_understood_is_no_answer(changes: dict[str, Any]) -> None:
    async with node({GET: found(CONFIG | changes)}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable, match=r"^GET /_ml/data_frame/analytics/outliers"):
            await job(opened, "outliers", ANN)


def test_a_configuration_is_read() -> None:
    read = job_of(
        copy.deepcopy(CONFIG)
        | {
            "source": {"index": ["a,b", "c*", ",", "-d"], "runtime_mappings": {"hour": {"type": "long"}}},
            "dest": {"index": "out"},
            "analysis": {"regression": {"dependent_variable": "x"}},
        }
    )
    assert read.sources == ("a,b", "c*", ",", "-d")
    assert (read.destination, read.results_field) == ("out", "ml")
    assert (read.analysis, read.analysis_settings) == ("regression", {"dependent_variable": "x"})
    assert read.runtime_mappings == {"hour": {"type": "long"}}
    assert read.source_filter == SourceFilter()
    assert job_of(CONFIG | {"source": {"index": "one"}}).sources == ("one",)
    assert job_of(CONFIG | {"source": {"index": "one,two"}}).sources == ("one,two",)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, SourceFilter()),
        ("a*", SourceFilter(includes=("a*",))),
        (["a", "b"], SourceFilter(includes=("a", "b"))),
        ({"includes": ["a"], "excludes": "b"}, SourceFilter(includes=("a",), excludes=("b",))),
        ({"excludes": ["b"]}, SourceFilter(excludes=("b",))),
        ({}, SourceFilter()),
    ],
)
def test_source_filters_come_in_several_forms(given: Any, read: SourceFilter) -> None:
    assert job_of(CONFIG | {"source": {"index": ["a"], "_source": given}}).source_filter == read


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        (None, Owner(kind=OwnerKind.UNKNOWN)),
        ({}, Owner(kind=OwnerKind.UNKNOWN)),
        ({"roles": []}, Owner(kind=OwnerKind.ROLES)),
        ({"roles": ["a", "b"]}, Owner(kind=OwnerKind.ROLES, roles=("a", "b"))),
        ({"api_key": {"id": "k", "name": "n"}}, Owner(kind=OwnerKind.API_KEY, api_key_id="k", api_key_name="n")),
        ({"api_key": {"id": "k"}, "roles": ["a"]}, Owner(kind=OwnerKind.API_KEY, api_key_id="k")),
        ({"service_account": "elastic/x"}, Owner(kind=OwnerKind.SERVICE_ACCOUNT, service_account="elastic/x")),
    ],
)
def test_owners_are_told_in_one_of_three_ways(given: Any, owner: Owner) -> None:
    assert job_of(CONFIG | {"authorization": given}).owner == owner


@pytest.mark.parametrize(
    ("progress", "stage"),
    [
        ([], Stage.FIRST_TIME),
        ([("reindexing", 0), ("loading_data", 0)], Stage.FIRST_TIME),
        ([("reindexing", 1), ("loading_data", 0)], Stage.RESUMING_REINDEXING),
        ([("reindexing", 99), ("loading_data", 100)], Stage.RESUMING_REINDEXING),
        ([("reindexing", 100), ("loading_data", 0)], Stage.RESUMING_ANALYZING),
        ([("reindexing", 100), ("loading_data", 100), ("inference", 5)], Stage.RESUMING_ANALYZING),
        ([("reindexing", 100), ("writing_results", 100)], Stage.FINISHED),
    ],
)
def test_the_stage_is_told_by_the_progress(progress: list[tuple[str, int]], stage: Stage) -> None:
    assert stage_of(progress) is stage


async def test_a_state_is_read() -> None:
    stats = {
        "id": "outliers",
        "state": "failed",
        "failure_reason": "out of memory",
        "progress": [
            {"phase": "reindexing", "progress_percent": 100},
            {"phase": "loading_data", "progress_percent": 3},
        ],
    }
    async with node({STATS: found(stats)}) as one, transport(one.url) as opened:
        assert await job_state(opened, "outliers", ANN) == JobState(
            state="failed", stage=Stage.RESUMING_ANALYZING, failure_reason="out of memory"
        )


@pytest.mark.parametrize(
    "progress",
    [
        *(None, [1], [{}], [{"phase": 5, "progress_percent": 1}]),
        *([{"phase": "reindexing", "progress_percent": percent}] for percent in ("much", "5", True, -1, 101, 0.5)),
    ],
)
async def test_a_state_that_is_not_understood_is_no_answer(progress: Any) -> None:
    stats = {"id": "outliers", "state": "stopped", "progress": progress}
    async with node({STATS: found(stats)}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable):
            await job_state(opened, "outliers", ANN)


WORK = {
    "data_counts": {"training_docs_count": 7, "test_docs_count": 0, "skipped_docs_count": 1},
    "memory_usage": {"timestamp": 1, "peak_usage_bytes": 1234, "status": "hard_limit"},
    "node": {"id": "x", "name": "n1", "attributes": {}},
}


def stats_of(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "state": "started", "progress": [{"phase": "reindexing", "progress_percent": 9}], **more}


async def test_the_work_of_a_job_is_told() -> None:
    async with node({STATS: found(stats_of("outliers", **WORK))}) as one, transport(one.url) as opened:
        assert (await job_state(opened, "outliers", ANN)).work == Work(
            progress=(("reindexing", 9),),
            training=7,
            test=0,
            skipped=1,
            peak_memory_bytes=1234,
            memory_status="hard_limit",
            node="n1",
        )


@pytest.mark.parametrize(
    "work",
    [
        {},
        {"data_counts": None, "memory_usage": [], "node": "n1"},
        {"data_counts": {"training_docs_count": "7", "test_docs_count": -1}, "memory_usage": {"status": 1}, "node": {}},
        {"data_counts": {"training_docs_count": True, "test_docs_count": 2**63, "skipped_docs_count": 1.5}},
    ],
)
async def test_work_that_is_not_told_stops_nobody(work: dict[str, Any]) -> None:
    async with node({STATS: found(stats_of("outliers", **work))}) as one, transport(one.url) as opened:
        assert (await job_state(opened, "outliers", ANN)).work == Work(progress=(("reindexing", 9),))


BASE = "GET /_ml/data_frame/analytics"


async def test_many_states_come_in_one_call() -> None:
    many = {f"{BASE}/a,b/_stats": found(stats_of("b"), stats_of("a"))}
    async with node(many) as one, transport(one.url) as opened:
        states = await job_states(opened, ["a", "b"], ANN)
        assert states == dict.fromkeys("ab", JobState(state="started", stage=Stage.RESUMING_REINDEXING))
        assert one.seen[0].line == "GET /_ml/data_frame/analytics/a,b/_stats?size=2 HTTP/1.1"
        assert await job_states(opened, [], ANN) == {}
        assert len(one.seen) == 1


async def test_jobs_that_are_gone_do_not_hide_the_others() -> None:
    """Of several names of which one is not known the cluster answers for none: 404."""
    there = {f"{BASE}/{name}/_stats": found(stats_of(name)) for name in ("b", "e")}
    async with node(there) as one, transport(one.url) as opened:
        assert set(await job_states(opened, ["a", "b", "c", "d", "e"], ANN)) == {"b", "e"}
        assert len(one.seen) == 9


async def test_thousands_of_names_take_as_many_calls_as_lines() -> None:
    names = [f"job-{number:060}" for number in range(120)]
    pieces = in_pieces(names)
    there = {f"{BASE}/{','.join(piece)}/_stats": found(*map(stats_of, piece)) for piece in pieces}
    async with node(there) as one, transport(one.url) as opened:
        assert set(await job_states(opened, names, ANN)) == set(names)
        assert len(one.seen) == len(pieces) == 3


async def test_states_that_are_refused_are_no_states() -> None:
    async with node({f"{BASE}/a,b/_stats": refusal(403)}) as one, transport(one.url) as opened:
        with pytest.raises(PassedOn):
            await job_states(opened, ["a", "b"], ANN)


@pytest.mark.parametrize("content", [{}, {"data_frame_analytics": [stats_of("a")]}])
async def test_states_that_lack_a_job_are_no_answer(content: Any) -> None:
    async with node({f"{BASE}/a,b/_stats": reply(200, content)}) as one, transport(one.url) as opened:
        with pytest.raises(ClusterUnreachable):
            await job_states(opened, ["a", "b"], ANN)


async def test_a_job_is_stopped() -> None:
    async with node({"POST /_ml/data_frame/analytics/outliers/_stop": reply()}) as one, transport(one.url) as opened:
        await stop(opened, "outliers", ANN)
        assert one.calls == ["POST /_ml/data_frame/analytics/outliers/_stop"]
        with pytest.raises(PassedOn):
            await stop(opened, "others", ANN)
