"""Which jobs are under way, from the cluster's answers."""

from typing import Any

import pytest

from proxy.cluster.running import running
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.rules import RunningJob
from tests.cluster.nodes import ANN, Script, node, refusal, reply, transport

STATS, CONFIGS = "GET /_ml/data_frame/analytics/_stats", "GET /_ml/data_frame/analytics"


def config(id: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id,
        "create_time": 1,
        "version": "12.0.0",
        "source": {"index": ["a", "b"]},
        "dest": {"index": "d"},
        "analysis": {"regression": {}},
        "authorization": {"roles": ["r1"]},
        "model_memory_limit": "512mb",
    } | changes


def listed(*entries: Any, count: int | None = None) -> bytes:
    return reply(200, {"count": len(entries) if count is None else count, "data_frame_analytics": list(entries)})


def stats(**states: str) -> bytes:
    return listed(*({"id": id, "state": state} for id, state in states.items()))


async def asked(script: Script) -> tuple[tuple[RunningJob, ...], list[str]]:
    async with node(dict(script)) as one, transport(one.url) as opened:
        found = await running(opened, ANN)
        return found, sorted(seen.line.split(" ")[1] for seen in one.seen)


async def test_all_that_is_neither_stopped_nor_failed_is_under_way() -> None:
    states = stats(z="analyzing", a="starting", b="stopped", c="failed", d="stopping")
    found, calls = await asked({STATS: states, CONFIGS: listed(*(config(id) for id in "abcdz"))})
    assert [job.id for job in found] == ["a", "d", "z"]
    assert found[0] == RunningJob(
        id="a",
        analysis="regression",
        sources=("a", "b"),
        destination="d",
        model_memory_limit_bytes=512 * 1024**2,
        owner_roles=("r1",),
    )
    assert calls == ["/_ml/data_frame/analytics/_stats?size=10000", "/_ml/data_frame/analytics?size=10000"]


async def test_a_job_that_was_made_in_between_is_asked_for() -> None:
    script = {STATS: stats(new="started", gone="started"), CONFIGS: listed()}
    new = {f"{CONFIGS}/new,gone": listed(config("new"))}
    found, _ = await asked({**script, **new})
    assert [job.id for job in found] == ["new"]
    found, _ = await asked({**script, f"{CONFIGS}/new,gone": refusal(404, "resource_not_found_exception")})
    assert found == ()
    with pytest.raises(PassedOn):
        await asked({**script, f"{CONFIGS}/new,gone": refusal(403)})


async def test_nothing_is_asked_twice_where_nothing_runs() -> None:
    found, calls = await asked({STATS: stats(a="stopped"), CONFIGS: listed()})
    assert (found, len(calls)) == ((), 2)


async def test_more_than_can_be_listed_are_not_known() -> None:
    with pytest.raises(Refusal, match="more than 10000 jobs"):
        await asked({STATS: listed({"id": "a", "state": "stopped"}, count=10_001), CONFIGS: listed()})


@pytest.mark.parametrize("call", [STATS, CONFIGS])
async def test_who_may_not_list_jobs_is_told_so(call: str) -> None:
    with pytest.raises(PassedOn):
        await asked({STATS: stats(), CONFIGS: listed(), call: refusal(403)})


@pytest.mark.parametrize(
    "script",
    [
        {STATS: reply(200, []), CONFIGS: listed()},
        {STATS: listed({"id": "a"}), CONFIGS: listed()},
        {STATS: stats(a="started"), CONFIGS: listed({"id": "a"})},
        {STATS: stats(a="started"), CONFIGS: listed(config("a", model_memory_limit="much"))},
        {STATS: reply(200, {"data_frame_analytics": []}), CONFIGS: listed()},
    ],
)
async def test_what_is_no_answer_is_none(script: Script) -> None:
    with pytest.raises(ClusterUnreachable):
        await asked(script)
