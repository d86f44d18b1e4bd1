"""What the cluster knows of starts, from its answers."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import pytest

from proxy.cluster import heard
from proxy.cluster.heard import JobNow, Note, Notes
from proxy.cluster.transport import Transport
from proxy.errors import ClusterUnreachable, PassedOn
from proxy.model import Credential, Owner, OwnerKind
from tests.cluster.nodes import ANN, Script, Seen, node, refusal, reply, transport

T = TypeVar("T")

PRIVILEGES = "POST /_security/user/_has_privileges"
SEARCH = "POST /.ml-notifications-*/_search"
STATS, CONFIGS = "GET /_ml/data_frame/analytics/_stats", "GET /_ml/data_frame/analytics"
TASKS = "GET /_tasks"
STARTED = "Started analytics"


async def asked(script: Script, question: Callable[[Transport, Credential], Awaitable[T]]) -> tuple[T, list[Seen]]:
    async with node(script) as one, transport(one.url) as opened:
        return await question(opened, ANN), one.seen


async def notes(script: Script) -> Notes:
    return (await asked(script, partial(heard.notes, since_ms=5)))[0]


def hits(*found: Any, failed: int = 0) -> bytes:
    return reply(200, {"_shards": {"failed": failed}, "hits": {"hits": list(found)}})


def hit(id: str, ms: int, **source: Any) -> dict[str, Any]:
    told = {"job_id": "j", "message": STARTED, **source}
    return {"_index": ".ml-notifications-000002", "_id": id, "_source": told, "sort": [ms]}


@pytest.mark.parametrize(
    ("answer", "may"),
    [
        (reply(200, {"has_all_requested": True}), True),
        (reply(200, {"has_all_requested": False}), False),
        (reply(200, []), False),
        # No security: everybody may, and what else is wrong shows with the question itself.
        (refusal(400), True),
        (refusal(500), True),
    ],
)
async def test_who_may_read_notifications(answer: bytes, *, may: bool) -> None:
    found, (seen,) = await asked({PRIVILEGES: answer}, heard.may_read_notes)
    assert found is may
    assert json.loads(seen.body) == {"index": [{"names": [".ml-notifications-*"], "privileges": ["read"]}]}


async def test_notifications_in_their_order_and_the_oldest_of_all() -> None:
    script = {SEARCH: [hits(hit("a", 30), hit("b", 20, message="Stopped analytics")), hits({"sort": [7]})]}
    found, seen = await asked(script, partial(heard.notes, since_ms=5))
    assert found == Notes(notes=(Note("j", 20, "Stopped analytics"), Note("j", 30, STARTED)), oldest_ms=7)
    about, since = json.loads(seen[0].body)["query"]["bool"]["filter"]
    assert about == {"term": {"job_type": "data_frame_analytics"}}
    assert since["range"]["timestamp"]["gte"] == 5
    assert "ignore_unavailable=true" in seen[0].line


async def test_there_may_be_none() -> None:
    assert await notes({SEARCH: [hits(), hits()]}) == Notes(notes=(), oldest_ms=None)


async def test_what_is_no_notification_is_passed_over() -> None:
    odd = [{**hit("x", 1), "_source": 5}, hit("y", 2, job_id=None), hit("z", 3, message=[])]
    assert (await notes({SEARCH: [hits(*odd), hits()]})).notes == ()


async def test_many_come_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page begins with the last time of the one before: what is there twice counts once."""
    monkeypatch.setattr(heard, "PAGE", 2)
    pages = [hits(hit("a", 10), hit("b", 20)), hits(hit("b", 20), hit("c", 20)), hits(hit("c", 20), hit("b", 20))]
    found, seen = await asked({SEARCH: [*pages, hits()]}, partial(heard.notes, since_ms=5))
    assert [note.ms for note in found.notes] == [10, 20, 20]
    assert [json.loads(one.body)["query"]["bool"]["filter"][1]["range"]["timestamp"]["gte"] for one in seen[:3]] == [
        *(5, 20, 20)
    ]


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, {}),
        reply(200, {"hits": {"hits": []}}),
        reply(200, []),
        hits(failed=1),
        hits({"_index": "i", "_id": "a", "_source": {"job_id": "j", "message": "m"}}),
        hits({**hit("a", 1), "sort": ["x"]}),
        refusal(503),
    ],
)
async def test_a_search_that_cannot_be_used(answer: bytes) -> None:
    with pytest.raises(ClusterUnreachable):
        await notes({SEARCH: [answer, hits()]})


async def test_a_search_that_is_refused() -> None:
    with pytest.raises(PassedOn):
        await notes({SEARCH: refusal(403)})


def config(id: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "create_time": 7,
        "version": "8.15.3",
        "source": {"index": ["s"]},
        "dest": {"index": "d"},
        "analysis": {"regression": {}},
        "authorization": {"roles": ["r"]},
        **more,
    }


def listed(*entries: Any, count: int | None = None) -> bytes:
    return reply(200, {"count": len(entries) if count is None else count, "data_frame_analytics": list(entries)})


def stats(id: str, percent: int, state: str = "stopped") -> dict[str, Any]:
    return {"id": id, "state": state, "progress": [{"phase": "reindexing", "progress_percent": percent}]}


async def test_jobs_as_they_stand() -> None:
    script = {
        STATS: listed(stats("a", 0), stats("b", 40, "failed"), stats("gone", 0)),
        CONFIGS: listed(config("a"), config("b"), config("new")),
    }
    found, seen = await asked(script, heard.jobs_now)
    owner = Owner(kind=OwnerKind.ROLES, roles=("r",))
    assert found == (
        JobNow(id="a", create_time=7, state="stopped", ran=False, owner=owner),
        JobNow(id="b", create_time=7, state="failed", ran=True, owner=owner),
    )
    assert all("size=10000" in one.line for one in seen)


@pytest.mark.parametrize(
    ("stats_answer", "config_answer"),
    [
        (listed({"id": "a", "state": "stopped"}), listed(config("a"))),
        (listed(stats("a", 0)), listed({"id": "a"})),
        (listed(count=10_001), listed()),
        (reply(200, {}), listed()),
        (reply(200, []), listed()),
    ],
)
async def test_jobs_that_cannot_be_read(stats_answer: bytes, config_answer: bytes) -> None:
    with pytest.raises(ClusterUnreachable):
        await asked({STATS: stats_answer, CONFIGS: config_answer}, heard.jobs_now)


def tasks(*found: Any) -> bytes:
    return reply(200, {"nodes": {"n1": {"tasks": {f"n1:{number}": task for number, task in enumerate(found)}}}})


async def test_the_tasks_of_running_jobs() -> None:
    mine = {
        "action": "xpack/ml/data_frame/analytics[c]",
        "description": "data_frame_analytics-j-1",
        "start_time_in_millis": 9,
    }
    others = [
        {**mine, "action": "cluster:monitor/tasks/lists"},
        {**mine, "description": "job-x"},
        {"action": "xpack/ml/job[c]"},
    ]
    found, (seen,) = await asked({TASKS: tasks(mine, *others)}, heard.tasks_now)
    assert found == {"j-1": 9}
    assert "detailed=true" in seen.line


@pytest.mark.parametrize("content", [{}, [], {"nodes": {"n1": {}}}, {"nodes": {"n1": {"tasks": {"t": {}}}}}])
async def test_tasks_that_cannot_be_read(content: Any) -> None:
    with pytest.raises(ClusterUnreachable):
        await asked({TASKS: reply(200, content)}, heard.tasks_now)
