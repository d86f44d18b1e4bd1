"""The life of a job, through all running parts: who made, changed, stopped and removed it is on record, not a byte of
the calls is changed, and a start's record names the owner, or says that it is not known."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.edge.door import Entrance
from proxy.edge.worker import run as run_edge
from proxy.embedded.app import Cluster, serve_embedded
from proxy.gate.app import run as run_gate
from proxy.gate.observe_owners import BEFORE, BEGUN, CHANGED, MISSED
from proxy.journal.observed import observed
from proxy.settings import EdgeLimits, EdgeSettings, GateLimits, GateSettings, Masking
from tests.journal.checking import check_journal
from tests.stack import SHIPPED_RULES, Stack, in_front_of, whole

JOB = "/_ml/data_frame/analytics/j"
BODY = {"source": {"index": ["open-1"]}, "dest": {"index": "out-1"}, "analysis": {"outlier_detection": {}}}
POWERS = {"cluster": ["manage_ml"], "indices": [{"names": ["*"], "privileges": ["all"]}]}


def fill(cluster: Cluster) -> tuple[str, str]:
    """Two people who may do everything with jobs; their credentials."""
    cluster.add_role("powers", POWERS)
    return cluster.add_user("ann", "ann-s3cret", ["powers"]), cluster.add_user("ben", "ben-s3cret", ["powers"])


async def source(stack: Stack) -> None:
    """An index with numbers in it."""
    await stack.ok("PUT", "/open-1", {"mappings": {"properties": {"x": {"type": "double"}}}})
    documents = "".join(f'{{"index":{{}}}}\n{{"x":{number}}}\n' for number in range(20))
    await stack.ok("POST", "/open-1/_bulk?refresh=true", documents)


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with whole(tmp_path) as one:
        await source(one)
        yield one
        check_journal(one.journal)


def calls(journal: Path) -> list[tuple[str, str, Any]]:
    """Action, outcome and caller of each observed call on record."""
    return [
        (
            one["event"]["action"].partition("-")[0],
            one["event"]["outcome"],
            one["startgate"].get("caller", {}).get("name"),
        )
        for one in observed(journal)
    ]


async def seen(stack: Stack, auth: str) -> Mapping[str, Any]:
    """What the record of a start says of the job's owner."""
    reply = await stack.start("j", auth=auth)
    told: Mapping[str, Any] = stack.recorded(reply.receipt).latest["startgate"]["owner"]["seen"]
    return told


async def test_a_whole_life_is_on_record(stack: Stack) -> None:
    ann, ben = fill(stack.cluster)
    assert (await stack.call("PUT", JOB, BODY, auth=ann)).status == 200
    assert (await stack.call("POST", JOB + "/_update", {"description": "d"}, auth=ben)).status == 200
    reply = await stack.start("j", auth=ann)
    assert reply.status == 200
    told = stack.recorded(reply.receipt).records["intent"]["startgate"]["owner"]["seen"]
    assert (told["name"], told["action"]) == ("ben", "update-data-frame-analytics")
    await stack.end_of(reply.receipt)
    assert (await stack.call("POST", JOB + "/_stop", auth=ben)).status == 200
    assert (await stack.call("DELETE", JOB, auth=ann)).status == 200
    assert (await stack.call("DELETE", JOB, auth=ann)).status == 404
    assert calls(stack.journal) == [
        *[("put", "success", "ann"), ("update", "success", "ben"), ("stop", "success", "ben")],
        *[("delete", "success", "ann"), ("delete", "failure", "ann")],
    ]
    made = next(iter(observed(stack.journal)))
    assert made["event"]["id"] != told["record"]
    assert "s3cret" not in str(list(observed(stack.journal)))
    for text in (ann, ben):
        assert text.partition(" ")[2] not in stack_text(stack.journal)


def stack_text(journal: Path) -> str:
    return "".join(path.read_text() for path in journal.glob("starts-*.jsonl"))


async def test_kibana_makes_a_job_for_the_person_behind_it(stack: Stack) -> None:
    ann, _ = fill(stack.cluster)
    reply = await stack.call("PUT", JOB, BODY, auth=stack.cluster.kibana, more={"es-secondary-authorization": ann})
    assert reply.status == 200
    told = await seen(stack, stack.cluster.kibana)
    assert (told["known"], told["name"], told["by"]) == (True, "ann", "secondary")


async def test_what_went_round_us_is_not_known(stack: Stack) -> None:
    ann, ben = fill(stack.cluster)
    await stack.ok("PUT", JOB, BODY, auth=ann)
    assert await seen(stack, ann) == {"known": False, "why": BEFORE}
    await stack.ok("POST", JOB + "/_stop?force=true", auth=ann)
    assert (await stack.call("POST", JOB + "/_update", {"description": "d"}, auth=ben)).status == 200
    assert (await seen(stack, ann))["name"] == "ben"
    await stack.ok("POST", JOB + "/_stop?force=true", auth=ann)
    await stack.ok("POST", JOB + "/_update", {"description": "e"}, auth=ann)
    assert await seen(stack, ann) == {"known": False, "why": CHANGED}


async def test_owners_are_known_again_after_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve_embedded() as cluster:
        ann, _ = fill(cluster)
        async with in_front_of(cluster, tmp_path) as stack:
            await source(stack)
            assert (await stack.call("PUT", JOB, BODY, auth=ann)).status == 200
        with monkeypatch.context() as patched:
            # However slow the machine is.
            patched.setattr("proxy.gate.observe_owners.SETTLE_S", 3600.0)
            async with in_front_of(cluster, tmp_path) as stack:
                # What passed meanwhile may not have been told yet.
                assert (await seen(stack, ann))["why"] == BEGUN
        monkeypatch.setattr("proxy.gate.observe_owners.SETTLE_S", 0.0)
        async with in_front_of(cluster, tmp_path) as stack:
            assert (await seen(stack, ann))["name"] == "ann"


SAME = [
    ("PUT", JOB, BODY),
    ("PUT", JOB + "?pretty", BODY),
    ("PUT", JOB + "/", "{"),
    ("PUT", "/_ml/data_frame/analytics/%zz", BODY),
    ("POST", JOB + "/_update", {"description": "x"}),
    ("POST", JOB + "/_update?format=yaml", {"nonsense": 1}),
    ("POST", JOB + "/_stop//", None),
    ("POST", "/_ml/data_frame/analytics/none*/_stop?allow_no_match=false", None),
    ("DELETE", JOB, None),
    ("DELETE", JOB, None),
]


async def test_every_answer_is_the_clusters_byte_for_byte(tmp_path: Path) -> None:
    heard: list[list[Any]] = []
    for direct in (True, False):
        folder = tmp_path / str(direct)
        folder.mkdir()
        async with whole(folder) as stack:
            await source(stack)
            answers = [await stack.call(*call, direct=direct) for call in SAME]
            heard.append([(one.status, sorted(one.headers), masked(one.body)) for one in answers])
            assert len(calls(stack.journal)) == (0 if direct else len(SAME))
    assert heard[1] == heard[0]


def masked(body: bytes) -> Any:
    """Without what differs from one moment to the next."""
    try:
        told = json.loads(body)
    except ValueError:
        return body
    return [told.pop("create_time", None) is None, told] if isinstance(told, dict) else told


async def test_strangers_are_on_record_once_and_then_counted(stack: Stack) -> None:
    wrong = "Basic bm9ib2R5Ondyb25n"
    starts = [await stack.start("j", auth=wrong) for _ in range(4)]
    others = [await stack.call("DELETE", JOB, auth=wrong) for _ in range(3)]
    assert {one.status for one in (*starts, *others)} == {401}
    # A receipt names a record: who is only counted gets none.
    assert [("X-Startgate-Receipt" in one.headers) for one in starts] == [True, False, False, False]
    assert len(stack.all_recorded()) == 1
    assert calls(stack.journal) == [("delete", "failure", None)]


class Apart:
    """An edge that stays while gates come and go."""

    def __init__(self, cluster: Cluster, folder: Path, port: int, session: aiohttp.ClientSession) -> None:
        self._cluster, self._folder, self._port, self._session = cluster, folder, port, session
        self.journal = folder / "journal"

    @asynccontextmanager
    async def gate(self, masking: Masking | None = None) -> AsyncIterator[None]:
        """A gate while the block runs."""
        stop, ready = asyncio.Event(), asyncio.Event()
        settings = GateSettings(
            socket=str(self._folder / "gate.sock"),
            nodes=(self._cluster.url,),
            rules=str(SHIPPED_RULES),
            journal=str(self.journal),
            service=self._cluster.superuser,
            limits=GateLimits(follow_up_poll_s=0.1, drain_s=5.0),
            masking=masking or Masking(),
        )
        task = asyncio.ensure_future(run_gate(settings, stop, ready.set, asyncio.Event()))
        await asyncio.wait_for(ready.wait(), 10)
        try:
            yield
        finally:
            stop.set()
            await task

    async def call(self, method: str, target: str, auth: str, body: object = None) -> int:
        """The status of a call through the edge."""
        url = f"http://127.0.0.1:{self._port}{target}"
        async with self._session.request(method, url, json=body, headers={"authorization": auth}) as answer:
            await answer.read()
            return answer.status

    async def missed(self) -> Mapping[str, Any]:
        """The gap on record, once it is there."""
        async with asyncio.timeout(20):
            while True:
                for one in observed(self.journal):
                    if "missed" in one["startgate"]["observed"]:
                        gap: Mapping[str, Any] = one["startgate"]["observed"]["missed"]
                        return gap
                await asyncio.sleep(0.05)

    def owner(self) -> Mapping[str, Any]:
        """What the last start's record says of the owner."""
        lines = stack_text(self.journal).splitlines()
        found = [one["startgate"]["owner"]["seen"] for one in map(json.loads, lines) if "owner" in one["startgate"]]
        told: Mapping[str, Any] = found[-1]
        return told


@asynccontextmanager
async def apart(cluster: Cluster, folder: Path) -> AsyncIterator[Apart]:
    stop, ready = asyncio.Event(), asyncio.Event()
    settings = EdgeSettings(
        nodes=(cluster.url,), gate_socket=str(folder / "gate.sock"), limits=EdgeLimits(drain_s=2.0, observe_wait_s=60.0)
    )
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    edge = asyncio.ensure_future(run_edge(settings, [Entrance(listener)], stop, ready.set))
    async with aiohttp.ClientSession() as session:
        try:
            await asyncio.wait_for(ready.wait(), 10)
            yield Apart(cluster, folder, port, session)
        finally:
            stop.set()
            await edge


async def test_while_the_gate_is_down_all_pass_and_the_gap_is_on_record_when_it_is_back(tmp_path: Path) -> None:
    async with serve_embedded() as cluster, apart(cluster, tmp_path) as one:
        ann, ben = fill(cluster)
        await one.call("PUT", "/open-1", cluster.superuser, {"mappings": {"properties": {"x": {"type": "double"}}}})
        await one.call("POST", "/open-1/_doc?refresh=true", cluster.superuser, {"x": 1})
        async with one.gate():
            assert await one.call("PUT", JOB, ann, BODY) == 200
            await one.call("POST", JOB + "/_start", ann)
            assert one.owner()["name"] == "ann"
            assert await one.call("POST", JOB + "/_stop?force=true", ann) == 200
        assert await one.call("POST", JOB + "/_update", ben, {"description": ""}) == 200
        assert await one.call("POST", JOB + "/_stop", ben) == 200
        assert await one.call("POST", JOB + "/_start", ann) == 503
        async with one.gate():
            gap = await one.missed()
            assert gap["calls"] == {"update-data-frame-analytics": 1, "stop-data-frame-analytics": 1}
            assert 0 < gap["since_ms"] <= gap["until_ms"]
            await one.call("POST", JOB + "/_start", ann)
            told = one.owner()
            assert told["known"] is False
            assert told["why"] in (MISSED, CHANGED)
        # And from the record again.
        async with one.gate():
            await one.call("POST", JOB + "/_start", ann)
            assert one.owner()["known"] is False
        check_journal(one.journal)


async def test_owners_that_are_masked_are_known_by_their_mask_also_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.gate.observe_owners.SETTLE_S", 0.0)
    masking = Masking(fields=("user.name",), key="k" * 16)
    async with serve_embedded() as cluster, apart(cluster, tmp_path) as one:
        ann, ben = fill(cluster)
        await one.call("PUT", "/open-1", cluster.superuser, {"mappings": {"properties": {"x": {"type": "double"}}}})
        async with one.gate(masking):
            assert await one.call("PUT", JOB, ann, BODY) == 200
            await one.call("POST", JOB + "/_start", ben)
            before = one.owner()["name"]
        async with one.gate(masking):
            await one.call("POST", JOB + "/_start", ben)
            after = one.owner()["name"]
        [made] = observed(one.journal)
        assert before == after == made["startgate"]["caller"]["name"]
        assert before.startswith("masked:")
        assert '"ann"' not in stack_text(one.journal)
