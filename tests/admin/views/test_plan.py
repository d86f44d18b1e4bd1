"""Jobs, plans and progress, by a true gate and the embedded cluster."""

import asyncio
import socket
import string
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from proxy.admin.api import ApiError, Role, Viewer
from proxy.admin.shown.plan import JobsQuery
from proxy.admin.views.plan import SIZE_MAX, PlanView
from proxy.journal.entry import Phase
from proxy.settings import ClusterTls
from tests.admin.views.asking import JOB, OPERATOR, PEER, READER, Asked, asked

STARTER = {
    "cluster": ["manage_ml", "monitor_ml"],
    "indices": [
        {"names": ["flights*"], "privileges": ["read", "view_index_metadata"]},
        {"names": ["flights-ml"], "privileges": ["all"]},
    ],
}


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Asked]:
    async with asked(tmp_path) as made:
        made.stack.cluster.add_role("starter", STARTER)
        made.stack.cluster.add_role("onlooker", {"cluster": ["monitor_ml"]})
        yield made


async def test_jobs_are_those_that_the_viewer_may_see(parts: Asked) -> None:
    ann, bob = parts.viewer("ann", "starter"), parts.viewer("bob")
    assert (await parts.plan.jobs(ann, JobsQuery())).jobs == ()
    for id in ("b", "a", "c1"):
        await parts.job(id)
    found = await parts.plan.jobs(ann, JobsQuery())
    assert [one.id for one in found.jobs] == ["a", "b", "c1"]
    assert found.total == 3
    row = found.jobs[0]
    assert (row.analysis, row.sources, row.destination, row.state) == (
        "outlier_detection",
        ("flights",),
        "flights-ml",
        "stopped",
    )
    with pytest.raises(ApiError, match="is unauthorized for user") as caught:
        await parts.plan.jobs(bob, JobsQuery())
    assert caught.value.status == 403


async def test_jobs_can_be_asked_for_by_pattern_and_in_pages(parts: Asked) -> None:
    ann = parts.viewer("ann", "starter")
    for id in ("nightly-1", "nightly-2", "other"):
        await parts.job(id)
    assert [one.id for one in (await parts.plan.jobs(ann, JobsQuery(id="night*"))).jobs] == ["nightly-1", "nightly-2"]
    assert [one.id for one in (await parts.plan.jobs(ann, JobsQuery(id="other"))).jobs] == ["other"]
    some = await parts.plan.jobs(ann, JobsQuery(id="", size=1))
    assert ([one.id for one in some.jobs], some.total) == (["nightly-1"], 3)
    assert (await parts.plan.jobs(ann, JobsQuery(id="_all"))).total == 3
    assert (await parts.plan.jobs(ann, JobsQuery(id="x*"))).total == 0
    with pytest.raises(ApiError) as caught:
        await parts.plan.jobs(ann, JobsQuery(id="nowhere"))
    assert caught.value.status == 404


@pytest.mark.parametrize("id", ["a,b", "A", "a/b", "../x", "a?b", "a b", "ü", "<x>", "x" * 257, "a\n", "a#"])
async def test_what_no_job_can_be_called_is_not_asked_for(parts: Asked, id: str) -> None:
    with pytest.raises(ApiError) as caught:
        await parts.plan.jobs(parts.viewer("ann", "starter"), JobsQuery(id=id))
    assert (caught.value.status, caught.value.where) == (400, "id")


@pytest.mark.parametrize("size", [0, -1, SIZE_MAX + 1])
async def test_sizes_are_bounded(parts: Asked, size: int) -> None:
    with pytest.raises(ApiError) as caught:
        await parts.plan.jobs(parts.viewer("ann", "starter"), JobsQuery(size=size))
    assert (caught.value.status, caught.value.where) == (400, "size")


async def test_a_plan_holds_what_the_command_prints(parts: Asked) -> None:
    await parts.job()
    ann = parts.viewer("ann", "starter")
    found = await parts.plan.plan(ann, "outliers", PEER)
    assert (found.job, found.status, found.reason, found.allowed) == ("outliers", 200, "", True)
    assert found.plan["plan_only"] is True
    assert found.plan["create"]["path"] == "/flights-ml"
    assert found.plan["origins"]["properties"]["distance"]["index"] == "flights"
    assert found.conflicts == ()
    caller, owner = found.who
    assert (caller.part, caller.name, caller.realm, caller.roles) == ("caller", "ann", "native1", ("starter",))
    assert (owner.part, owner.roles) == ("owner", ("superuser",))
    assert {(one.subject, one.on, one.asked) for one in found.privileges} == {
        ("caller", "cluster", True),
        ("caller", "flights", True),
        ("caller", "flights-ml", True),
        ("owner", "flights", False),
        ("owner", "flights-ml", False),
    }
    assert all(one.required and not one.missing for one in found.privileges)
    assert all(one.held for one in found.judgements)
    assert any(one.rule.endswith(".yml:14") for one in found.judgements)
    assert parts.stack.recorded(found.receipt).records[Phase.OUTCOME]["source"]["address"] == "192.0.2.7"


async def test_a_plan_starts_nothing_and_is_on_record(parts: Asked) -> None:
    await parts.job()
    await parts.plan.plan(parts.viewer("ann", "starter"), "outliers", PEER)
    kinds = [next(iter(one.records.values()))["event"]["action"] for one in parts.stack.all_recorded()]
    assert len(kinds) == 2
    assert not [one for one in parts.stack.cluster.calls if one.target.partition("?")[0].endswith("/_start")]
    assert (await parts.stack.ended("outliers"))["progress"][0]["progress_percent"] == 0


async def test_what_is_missing_is_told_by_subject_and_index(parts: Asked) -> None:
    await parts.job()
    parts.stack.cluster.add_role(
        "half", {"cluster": ["monitor_ml"], "indices": [{"names": ["flights"], "privileges": ["read"]}]}
    )
    found = await parts.plan.plan(parts.viewer("bob", "half"), "outliers")
    assert (found.status, found.allowed) == (403, False)
    assert "lacks permissions on the indices" in found.reason
    missing = {(one.subject, one.on): one.missing for one in found.privileges}
    assert missing["caller", "cluster"] == ("manage_ml",)
    assert missing["caller", "flights"] == ("view_index_metadata",)
    assert set(missing["caller", "flights-ml"]) == {"read", "create_index", "manage", "index"}
    assert found.who[0].name == "bob"
    assert found.plan == {}
    assert {one.text for one in found.judgements if not one.held} >= {
        "the caller lacks the cluster privilege [manage_ml]",
        "the caller lacks the privilege [view_index_metadata] on the source index [flights]",
    }


async def test_conflicts_stand_side_by_side(parts: Asked) -> None:
    for index, kind in (("flights-a", "keyword"), ("flights-b", "long")):
        mapping = {"mappings": {"properties": {"carrier": {"type": kind}, "distance": {"type": "double"}}}}
        await parts.stack.ok("PUT", f"/{index}", mapping)
        await parts.stack.ok("PUT", f"/{index}/_doc/1?refresh=true", {"distance": 1.5})
    await parts.stack.ok(
        "PUT", "/_ml/data_frame/analytics/clash", {**JOB, "source": {"index": ["flights-a", "flights-b"]}}
    )
    found = await parts.plan.plan(parts.viewer("ann", "starter"), "clash")
    assert found.status == 400
    assert found.allowed, "the rules have nothing against it"
    (conflict,) = found.conflicts
    assert conflict.field == "carrier"
    assert [index for index, _ in conflict.definitions] == ["flights-a", "flights-b"]
    assert '"keyword"' in conflict.definitions[0][1]
    assert conflict.text in found.reason


async def test_who_may_not_see_the_job_learns_nothing_of_it(parts: Asked) -> None:
    await parts.job()
    bob = parts.viewer("bob")
    there, nowhere = [await parts.plan.plan(bob, id) for id in ("outliers", "nowhere")]
    assert (there.status, there.allowed, there.privileges, there.plan) == (403, False, (), {})
    assert there.reason.replace("outliers", "nowhere") == nowhere.reason
    with pytest.raises(ApiError) as caught:
        await parts.plan.progress(bob, "outliers")
    assert caught.value.status == 403


async def test_a_job_that_is_not_there(parts: Asked) -> None:
    ann = parts.viewer("ann", "starter")
    for ask in (parts.plan.plan, parts.plan.progress):
        with pytest.raises(ApiError, match="nowhere") as caught:
            await ask(ann, "nowhere")
        assert caught.value.status == 404


ODD = [
    "",
    "*",
    "a,b",
    "_all",
    "_stats",
    ".",
    "..",
    "-a",
    "a-",
    "A",
    "ü",
    "a/b",
    "a%2fb",
    "a b",
    "a\n",
    "a?x=1",
    "x" * 65,
]


@pytest.mark.parametrize("id", ODD)
async def test_what_no_job_can_be_called_is_not_there(parts: Asked, id: str) -> None:
    ann = parts.viewer("ann", "starter")
    for ask in (parts.plan.plan, parts.plan.progress):
        with pytest.raises(ApiError) as caught:
            await ask(ann, id)
        assert (caught.value.status, caught.value.where) == (404, "id")
    assert parts.stack.all_recorded() == []


async def test_every_character_of_an_id_comes_over(parts: Asked) -> None:
    allowed = string.ascii_lowercase + string.digits + "_-."
    id = f"0{allowed}{'-' * (62 - len(allowed))}z"
    assert len(id) == 64
    await parts.job(id)
    ann = parts.viewer("ann", "starter")
    assert (await parts.plan.plan(ann, id)).plan["job"]["id"] == id
    assert (await parts.plan.progress(ann, id)).job == id


async def test_wrong_credentials_get_the_clusters_answer(parts: Asked) -> None:
    await parts.job()
    gone = Viewer(name="x", realm="native1", role=Role.OWN, authorization="Basic eDp5")
    for asking in (
        parts.plan.jobs(gone, JobsQuery()),
        parts.plan.plan(gone, "outliers"),
        parts.plan.progress(gone, "a"),
    ):
        with pytest.raises(ApiError, match="unable to authenticate user") as caught:
            await asking
        assert caught.value.status == 401


@pytest.mark.parametrize("viewer", [OPERATOR, READER], ids=["operator", "token"])
async def test_who_is_no_user_of_the_cluster_is_told_so(parts: Asked, viewer: Viewer) -> None:
    for asking in (
        parts.plan.jobs(viewer, JobsQuery()),
        parts.plan.plan(viewer, "a"),
        parts.plan.progress(viewer, "a"),
    ):
        with pytest.raises(ApiError, match="in the viewer's own name") as caught:
            await asking
        assert caught.value.status == 403
        assert "sign in" in caught.value.hint


async def test_progress_moves_until_the_job_ends(tmp_path: Path) -> None:
    async with asked(tmp_path, job_pace_s=0.02) as parts:
        parts.stack.cluster.add_role("starter", STARTER)
        ann = parts.viewer("ann", "starter")
        await parts.job()
        before = await parts.plan.progress(ann, "outliers")
        assert (before.state, before.node, before.failure) == ("stopped", "", "")
        assert before.phases[0] == ("reindexing", 0)
        assert (await parts.stack.start("outliers", ann.authorization)).status == 200
        running = await parts.plan.progress(ann, "outliers")
        assert running.state in ("started", "stopped")
        assert running.node == ("embedded" if running.state == "started" else "")
        await parts.stack.ended("outliers")
        after = await parts.plan.progress(ann, "outliers")
        assert {percent for _, percent in after.phases} == {100}
        assert (await parts.plan.jobs(ann, JobsQuery())).jobs[0].state == "stopped"


async def test_a_failed_job_says_why(parts: Asked) -> None:
    await parts.job()
    job = parts.stack.cluster.world.jobs.by_id["outliers"]
    job.state, job.failure_reason = "failed", "the disk is full"
    assert (await parts.plan.progress(parts.viewer("ann", "starter"), "outliers")).failure == "the disk is full"


async def test_many_at_once(parts: Asked) -> None:
    await parts.job()
    ann = parts.viewer("ann", "starter")
    found = await asyncio.gather(*(parts.plan.plan(ann, "outliers") for _ in range(10)))
    assert len({one.receipt for one in found}) == 10
    assert {one.status for one in found} == {200}


async def test_where_nobody_is(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    view = PlanView((f"http://127.0.0.1:{port}",), ClusterTls(), tmp_path / "gate.sock")
    ann = Viewer(name="ann", realm="r", role=Role.OWN, authorization="Basic eDp5")
    try:
        for asking, said in (
            (view.jobs(ann, JobsQuery()), "the cluster gave no usable answer"),
            (view.progress(ann, "a"), "the cluster gave no usable answer"),
            (view.plan(ann, "a"), "the gate does not answer"),
        ):
            with pytest.raises(ApiError, match=said) as caught:
                await asking
            assert caught.value.status == 503
    finally:
        await view.close()


async def test_files_of_certificates_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    view = PlanView(("https://127.0.0.1:1",), ClusterTls(ca=str(tmp_path / "gone.pem")), tmp_path / "gate.sock")
    ann = Viewer(name="ann", realm="r", role=Role.OWN, authorization="Basic eDp5")
    with pytest.raises(ApiError, match=r"no way to the cluster: .*gone\.pem") as caught:
        await view.jobs(ann, JobsQuery())
    assert caught.value.status == 503
    await view.close()


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"data_frame_analytics": [7, {"id": "a"}, {"id": "a", "source": {"index": 7}}]}']
)
async def test_odd_answers_of_a_cluster_are_survived(tmp_path: Path, body: bytes) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    view = PlanView((f"http://127.0.0.1:{runner.addresses[0][1]}",), ClusterTls(), tmp_path / "gate.sock")
    ann = Viewer(name="ann", realm="r", role=Role.OWN, authorization="Basic eDp5")
    try:
        found = await view.jobs(ann, JobsQuery())
        assert found.total == len(found.jobs)
        assert all(row.sources == () for row in found.jobs)
        if b'"id"' in body:
            assert (await view.progress(ann, "a")).phases == ()
        else:
            with pytest.raises(ApiError, match="does not hold the job"):
                await view.progress(ann, "a")
    finally:
        await view.close()
        await runner.cleanup()
