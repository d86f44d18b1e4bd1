"""Flows, guards and explanations through all running parts: edge, gate, and the embedded cluster."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.cluster.gateway import Gateway
from proxy.journal.entry import Phase
from proxy.model import Answer
from proxy.rules import from_record, judge, load
from proxy.rules.seal import sealed
from tests.stack import Stack, whole

RULES = """\
version: 1
start_data_frame_analytics:
  require:
    cluster: [manage_ml]
    source: [read, view_index_metadata]
    destination: [read, create_index, manage, index]
  flows:
    - {from: ["open-*", "logs"], to: ["out-*"]}
    - {from: ["hr-*"], to: ["hr-out"]}
  guards:
    - id: one-at-a-time
      deny: running.exists(r, r.id != job.id)
      message: One job at a time.
    - id: large
      mode: warn
      deny: job.model_memory_limit_bytes > 1 * gib
      message: This is "large".
"""
DOCUMENTS = "".join(f'{{"index":{{}}}}\n{{"x":{number}}}\n' for number in range(20))


@asynccontextmanager
async def running(tmp_path: Path, job_pace_s: float = 0.0) -> AsyncIterator[Stack]:
    """All parts with these rules, two indices, and an alias for the one that is not open."""
    path = tmp_path / "rules.yml"
    path.write_text(RULES)
    path.write_text(sealed(RULES, load(path, draft=True).seal))
    (tmp_path / "run").mkdir()
    async with whole(tmp_path / "run", rules=path, job_pace_s=job_pace_s) as one:
        for index in ("open-1", "hr-1"):
            await one.ok("PUT", f"/{index}", {"mappings": {"properties": {"x": {"type": "double"}}}})
            await one.ok("POST", f"/{index}/_bulk?refresh=true", DOCUMENTS)
        await one.ok("POST", "/_aliases", {"actions": [{"add": {"index": "hr-1", "alias": "logs"}}]})
        yield one


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with running(tmp_path) as one:
        yield one


async def make(stack: Stack, id: str, source: str, destination: str, memory: str = "100mb") -> None:
    body = {
        "source": {"index": [source]},
        "dest": {"index": destination},
        "analysis": {"outlier_detection": {}},
        "model_memory_limit": memory,
    }
    await stack.ok("PUT", f"/_ml/data_frame/analytics/{id}", body)


async def test_flows_hold_for_what_names_stand_for(stack: Stack) -> None:
    await make(stack, "fine", "open-*", "out-1")
    await make(stack, "aliased", "logs", "out-2")
    await make(stack, "plain", "hr-1", "out-3")
    assert (await stack.start("fine")).status == 200
    await stack.ended("fine")
    by_alias = await stack.start("aliased")
    assert by_alias.status == 403
    assert by_alias.reason.endswith(
        "because no flow lets [hr-1] be copied into [out-2]: a source expression stands for it"
    )
    assert "no flow lets [hr-1] be copied into [out-3]" in (await stack.start("plain")).reason


async def test_what_is_enforced_is_explained_and_can_be_judged_again(stack: Stack) -> None:
    await make(stack, "aliased", "logs", "out-2", memory="2gb")
    headers = {"X-Startgate-Explain": "only"}
    told = await stack.start("aliased", query="?startgate_explain=only", **headers)
    denied = await stack.start("aliased")
    assert (told.status, denied.status) == (200, 403)
    assert denied.headers["Warning"] == '299 Startgate "[large] This is \\"large\\"."'
    record = stack.recorded(denied.receipt).records[Phase.OUTCOME]["startgate"]
    assert told.json["reasons"] == record["verdict"]["reasons"]
    assert [step["text"] for step in told.json["steps"]] == [step["text"] for step in record["verdict"]["steps"]]
    rules = load(Path(told.json["rules"]["files"][0]))
    again = judge(rules, from_record(record["situation"]))
    assert [one.text for one in again.reasons] == [one["text"] for one in record["verdict"]["reasons"]]
    asked = stack.recorded(told.receipt).records[Phase.OUTCOME]["startgate"]
    assert asked["explain_only"] is True
    assert (await stack.ok("GET", "/_ml/data_frame/analytics/aliased/_stats"))["data_frame_analytics"][0][
        "state"
    ] == "stopped"


async def test_a_comma_in_a_source_names_no_index_and_hides_none(tmp_path: Path) -> None:
    """Each piece must be covered, and what is covered is refused all the same."""
    async with whole(tmp_path) as stack:
        for index in ("open-1", "open-2", "hr-1"):
            await stack.ok("PUT", f"/{index}", {"mappings": {"properties": {"x": {"type": "double"}}}})
        reads = {"names": ["open-*"], "privileges": ["read", "view_index_metadata"]}
        writes = {"names": ["out*"], "privileges": ["read", "create_index", "manage", "index"]}
        stack.cluster.add_role("starters", {"cluster": ["manage_ml", "monitor"], "indices": [reads, writes]})
        starter = stack.cluster.add_user("starter", "starter-secret", ["starters"])
        await make(stack, "hides", "open-*,hr-1", "out-1")
        await make(stack, "lists", "open-1,open-2", "out-2")
        hides, lists = await stack.start("hides", auth=starter), await stack.start("lists", auth=starter)
        assert hides.status == 403
        assert "hr-1" in hides.reason
        assert "open-*" not in hides.reason
        assert lists.status == 400
        assert lists.reason.startswith("the source expression [open-1,open-2] names no index")
        for out in ("out-1", "out-2"):
            assert (await stack.call("GET", f"/{out}", direct=True)).status == 404


async def test_a_guard_on_running_jobs_holds_for_starts_that_arrive_together(tmp_path: Path) -> None:
    ids = [f"job-{number}" for number in range(4)]
    # The job that is let through is under way for as long as the test takes.
    async with running(tmp_path, job_pace_s=600.0) as stack:
        for id in ids:
            await make(stack, id, "open-1", f"out-{id}")
        replies = await asyncio.gather(*(stack.start(id) for id in ids))
    assert sorted(reply.status for reply in replies) == [200, 403, 403, 403]
    assert all("One job at a time." in reply.reason for reply in replies if reply.status == 403)


async def test_a_misspelt_wish_for_an_explanation_starts_nothing(stack: Stack) -> None:
    await make(stack, "fine", "open-*", "out-1")
    for name, value in (("X-Startgate-Explain", "yes"), ("X-Startgate-Explained", "only"), ("x-startgate-explain", "")):
        reply = await stack.start("fine", **{name: value})
        assert reply.status == 400, (name, value, reply.body)
    assert json.loads((await stack.start("fine", query="?startgate_explain=only")).body)["status"] == 400
    assert all(one.records[Phase.OUTCOME]["event"]["outcome"] == "failure" for one in stack.all_recorded())


MOVED = {
    # What is swapped, and what speaks against it then.
    "source": ([("open-1", "logs"), ("hr-1", "logs")], "logs", "out-1", "no flow lets [hr-1] be copied into [out-1]"),
    "destination": (
        [("out-old", "out-there"), ("elsewhere", "out-there")],
        "open-1",
        "out-there",
        "no flow lets [open-1] be copied into [elsewhere] behind [out-there]",
    ),
}


@pytest.mark.parametrize("which", MOVED)
async def test_an_alias_that_is_swapped_between_judging_and_start_stops_the_job(
    which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    [(before, alias), (after, _)], source, destination, why = MOVED[which]
    # The job would run for as long as the test takes.
    async with running(tmp_path, job_pace_s=600.0) as stack:
        for index in ("out-old", "elsewhere"):
            await stack.ok("PUT", f"/{index}", {"mappings": {"properties": {"x": {"type": "double"}}}})
        await point(stack, alias, add=before, remove="hr-1" if alias == "logs" else None)
        await make(stack, "swapped", source, destination)
        forward = Gateway.forward

        async def late(
            self: Gateway, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float
        ) -> Answer:
            await point(stack, alias, add=after, remove=before)
            return await forward(self, target, headers, body, timeout_s)

        monkeypatch.setattr(Gateway, "forward", late)
        reply = await stack.start("swapped")
        # In this gap a client reads 200: the job was granted before anybody could see what it runs over.
        assert reply.status == 200, reply.body
        assert (await stack.ended("swapped"))["state"] == "stopped"
        end = await stack.end_of(reply.receipt)
    reason = end["event"]["reason"]
    assert reason.startswith("what its names stand for was changed while it was being started, and has been stopped")
    assert why in reason
    assert reason in caplog.text


async def point(stack: Stack, alias: str, *, add: str, remove: str | None) -> None:
    """Point an alias at an index, away from another, in one step."""
    actions = [{"add": {"index": add, "alias": alias}}]
    actions += [] if remove is None else [{"remove": {"index": remove, "alias": alias}}]
    await stack.ok("POST", "/_aliases", {"actions": actions})


async def test_an_alias_that_stays_within_the_flows_lets_the_job_run(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stack.ok("PUT", "/open-2", {"mappings": {"properties": {"x": {"type": "double"}}}})
    await stack.ok("POST", "/open-2/_bulk?refresh=true", DOCUMENTS)
    await point(stack, "logs", add="open-1", remove="hr-1")
    await make(stack, "moved", "logs", "out-1")
    forward = Gateway.forward

    async def late(
        self: Gateway, target: str, headers: Sequence[tuple[str, str]], body: bytes, timeout_s: float
    ) -> Answer:
        await point(stack, "logs", add="open-2", remove="open-1")
        return await forward(self, target, headers, body, timeout_s)

    monkeypatch.setattr(Gateway, "forward", late)
    reply = await stack.start("moved")
    assert reply.status == 200, reply.body
    assert (await stack.end_of(reply.receipt))["event"]["outcome"] == "success"


async def test_who_may_not_look_a_destination_up_is_told_so_once_and_briefly(stack: Stack) -> None:
    grants = [
        {"names": ["open-*"], "privileges": ["read"]},
        {"names": ["out-*"], "privileges": ["read", "create_index", "index"]},
    ]
    await stack.ok("PUT", "/_security/role/blind", {"cluster": ["manage_ml"], "indices": grants})
    await stack.ok("PUT", "/_security/user/ann", {"password": "password", "roles": ["blind"]})
    await make(stack, "fine", "open-1", "out-1")
    denied = await stack.start("fine", auth="Basic " + base64.b64encode(b"ann:password").decode())
    assert denied.status == 403
    told = (
        "what the destination [out-1] stands for is not known: "
        "the caller may not look it up, for want of [view_index_metadata] on [out-1]"
    )
    assert denied.reason.endswith(told)
    assert denied.reason.count("is not known") == 1
