"""Flows, guards and explanations through all running parts: edge, gate, and the embedded cluster."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.journal.entry import Phase
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
