"""A plan from one end to the other, through the true edge and gate: told in full, true, and without effect. On the
embedded cluster and in front of genuine nodes, as the starts of `test_start`."""

import asyncio
from typing import Any

import pytest

from proxy.embedded.ml.pace import Pace
from proxy.errors import CannotServe
from proxy.journal.entry import Phase
from proxy.planned import show
from proxy.planned.ask import Asking, ask
from tests.real import test_start
from tests.real.node import RealNode
from tests.real.test_start import Place

node = test_start.node
place = test_start.place

PLAN_ONLY = {"X-Startgate-Plan": "only"}


async def plan(place: Place, job: str | None = None, auth: str | None = None) -> dict[str, Any]:
    """The document, for ann unless told otherwise."""
    answer = await place.stack.start(job or place.name, auth or place.ann, **PLAN_ONLY)
    assert answer.status == 200, answer.body
    return dict(answer.json)


async def untouched(place: Place) -> bool:
    """Whether nothing was made and nothing runs."""
    [stats] = (await place.stack.ok("GET", f"/_ml/data_frame/analytics/{place.name}/_stats"))["data_frame_analytics"]
    return stats["state"] == "stopped" and not await place.exists()


@pytest.mark.parametrize("place", [test_start.FOREVER_S], indirect=True)
async def test_what_is_planned_is_what_is_made(place: Place) -> None:
    await place.put()
    told = await plan(place)
    assert (told["would_succeed"], told["problems"], told["conflicts"]) == (True, [], [])
    assert await untouched(place)
    [recorded] = place.stack.all_recorded()
    assert [*recorded.records] == [Phase.OUTCOME]
    assert recorded.records[Phase.OUTCOME]["startgate"]["plan_only"] is True
    assert recorded.receipt == told["receipt"]

    assert (await place.stack.start(place.name, place.ann)).status == 200
    made = (await place.stack.ok("GET", f"/{place.out}?flat_settings=true"))[place.out]
    body = told["create"]["body"]
    assert {name: str(value) for name, value in body["settings"].items()}.items() <= made["settings"].items()
    assert body["mappings"]["properties"] == made["mappings"]["properties"]
    first, second = f"{place.name}-src-0", f"{place.name}-src-1"
    origins = {name: one.get("index") for name, one in told["origins"]["settings"].items()}
    assert origins == {"index.number_of_shards": first, "index.number_of_replicas": second}
    assert told["origins"]["properties"]["delay"]["index"] == first
    assert told["origins"]["properties"]["ml__incremental_id"]["kind"] == "added"


async def test_what_is_told_to_be_added_later_is_added(place: Place) -> None:
    await place.put(analysis={"regression": {"dependent_variable": "delay"}})
    told = await plan(place)
    later = {one["field"]: one["mapping"] for one in told["added_later"]}
    assert await untouched(place)
    assert later["ml.delay_prediction"] == {"type": "double"}
    assert (await place.stack.start(place.name, place.ann)).status == 200
    await place.stack.ended(place.name)
    properties = (await place.stack.ok("GET", f"/{place.out}/_mapping"))[place.out]["mappings"]["properties"]
    assert properties["ml"]["properties"].keys() >= {name.partition(".")[2] for name in later}
    again = await plan(place)
    assert again["would_succeed"] is False
    assert [one["reason"] for one in again["problems"]] == ["Cannot start because the job has already finished"]


async def test_who_may_not_start_is_denied_the_same(place: Place) -> None:
    await place.put()
    asked, started = [await place.stack.start(place.name, place.bob, **headers) for headers in (PLAN_ONLY, {})]
    assert (asked.status, asked.json) == (403, started.json)
    nobody = await place.stack.start(place.name, "Basic bm9ib2R5Om5vYm9keQ==", **PLAN_ONLY)
    assert nobody.status == 401
    assert await untouched(place)


async def test_all_conflicts_at_once(place: Place) -> None:
    await place.put()
    mappings = {"properties": {"delay": {"type": "keyword"}, "origin": {"type": "long"}}}
    other = f"{place.name}-src-9"
    await place.stack.ok("PUT", f"/{other}", {"mappings": mappings})
    try:
        told = await plan(place)
        refused = await place.stack.start(place.name, place.ann)
    finally:
        await place.stack.ok("DELETE", f"/{other}")
    assert [one["field"] for one in told["conflicts"]] == ["delay", "origin"]
    definitions = [
        {"index": f"{place.name}-src-0", "value": {"type": "integer"}},
        {"index": other, "value": {"type": "keyword"}},
    ]
    assert told["conflicts"][0]["definitions"] == definitions
    assert (refused.status, refused.reason) == (400, told["problems"][0]["reason"])
    assert await untouched(place)


async def test_a_destination_with_documents(place: Place) -> None:
    await place.put()
    await place.stack.ok("PUT", f"/{place.out}/_doc/1?refresh=true", {"a": 1})
    told = await plan(place)
    assert (told["would_succeed"], told["destination"]["documents"]) == (False, 1)
    started = await place.stack.start(place.name, place.ann)
    assert (started.status, started.reason) == (400, told["problems"][0]["reason"])


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> asyncio.Semaphore:
    """What jobs need to go on, one for each step."""
    free = asyncio.Semaphore(0)

    async def step(_: Pace) -> None:
        await free.acquire()

    monkeypatch.setattr(Pace, "step", step)
    return free


@pytest.mark.slow
async def test_a_job_that_runs_and_one_that_was_stopped_in_copying(
    place: Place, node: RealNode | None, steps: asyncio.Semaphore
) -> None:
    """The template that is offered is taken by the node, and lasts where Elasticsearch makes the index anew."""
    await place.put()
    assert (await place.stack.start(place.name, place.ann)).status == 200
    running = await plan(place)
    started = await place.stack.start(place.name, place.ann)
    assert (started.status, started.reason) == (409, running["problems"][0]["reason"])
    steps.release()  # to the first batch of documents, where it stands still
    async with asyncio.timeout(60):
        while running["job"]["stage"] != "resuming_reindexing":
            await asyncio.sleep(0.05)
            running = await plan(place)
    await place.stack.ok("POST", f"/_ml/data_frame/analytics/{place.name}/_stop")
    told = await plan(place)
    assert (told["would_succeed"], told["destination"]["step"], told["problems"]) == (True, "leave", [])
    template = told["remade"]["template"]
    assert template["body"]["template"]["settings"] == {"index.number_of_shards": 2, "index.number_of_replicas": 1}
    if node is None:  # the index core in process has no templates
        return
    for _ in range(1000):
        steps.release()
    template["body"]["template"]["settings"]["index.codec"] = "best_compression"
    put = await place.stack.call(template["method"], template["path"], template["body"], direct=True)
    assert put.status == 200, put.body
    try:
        assert (await place.stack.start(place.name, place.ann)).status == 200
        await place.stack.ended(place.name)
        made = (await place.stack.ok("GET", f"/{place.out}?flat_settings=true"))[place.out]["settings"]
        assert (made["index.codec"], made["index.number_of_shards"]) == ("best_compression", "2")
    finally:
        await place.stack.call("DELETE", template["path"], direct=True)


@pytest.mark.parametrize("value", ["Only", "yes", "only, only", ""])
async def test_what_is_no_plan_starts_nothing(place: Place, value: str) -> None:
    await place.put()
    answer = await place.stack.start(place.name, place.ann, **{"X-Startgate-Plan": value})
    assert answer.status == 400
    assert await untouched(place)


async def test_the_cluster_itself_is_never_asked_for_a_start(place: Place) -> None:
    await place.put()
    with pytest.raises(CannotServe, match="nothing was started"):
        await ask(place.name, Asking(url=place.stack.cluster.url, authorization=place.ann))
    assert await untouched(place)


async def test_in_words(place: Place) -> None:
    await place.put()
    told = await ask(place.name, Asking(url=f"http://127.0.0.1:{place.stack.port}", authorization=place.ann))
    text = "\n".join(line.plain for line in show.lines(place.name, told))
    assert text.startswith(f"a start of {place.name} would succeed\n")
    assert f"index.number_of_shards    from index {place.name}-src-0  2" in text
    denied = await ask(place.name, Asking(url=f"http://127.0.0.1:{place.stack.port}", authorization=place.bob))
    assert not denied.would_succeed
    assert "create_index" in "\n".join(line.plain for line in show.lines(place.name, denied))
