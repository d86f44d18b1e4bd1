"""Two gates in front of one cluster, and others who change indices and jobs between the gate's steps."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.embedded.app import Cluster
from proxy.embedded.backend import Answer, Backend, Call
from proxy.embedded.core import Core
from proxy.gate.app import SystemClock
from proxy.journal.entry import Phase
from tests.stack import Replied, Stack, in_front_of, whole

pytestmark = pytest.mark.slow  # together some ten seconds

SEED = 20240229
ROUNDS = 20
DOCUMENTS = 30
STARTERS = {
    "cluster": ["manage_ml", "monitor"],
    "indices": [
        {"names": ["void"], "privileges": ["read", "view_index_metadata"]},
        {"names": ["out"], "privileges": ["read", "create_index", "manage", "index"]},
    ],
}

Deed = Callable[[], Awaitable[object]]


class Meddler:
    """The index core, and somebody else who does something just before the destination is created.

    A `meeting` is where all who create an index wait for each other, so that nobody's plan has seen another's index.
    `before` holds what is done once before a call (`PUT /x`); what jobs copy waits until `copying` is set.
    """

    def __init__(self) -> None:
        self._core: Backend = Core()
        self.deeds: list[Deed] = []
        self.meeting: asyncio.Barrier | None = None
        self.before: dict[str, Deed] = {}
        self.copying = asyncio.Event()
        self.copying.set()

    async def call(self, call: Call) -> Answer:
        """The core's answer; before the first creation of `out`, the deeds."""
        if call.method == "PUT" and call.target.partition("?")[0] == "/out" and self.deeds:
            deeds, self.deeds = self.deeds, []
            for deed in deeds:
                await deed()
        if self.meeting is not None and call.method == "PUT" and call.target.count("/") == 1:
            await self.meeting.wait()
        if (due := self.before.pop(f"{call.method} {call.target.partition('?')[0]}", None)) is not None:
            await due()
        if call.target == "/_bulk":  # without parameters, as jobs send it
            await self.copying.wait()
        return await self._core.call(call)

    async def close(self) -> None:
        """Free what is held."""
        await self._core.close()


@pytest.fixture
def meddler() -> Meddler:
    return Meddler()


@pytest.fixture
async def stack(tmp_path: Path, meddler: Meddler) -> AsyncIterator[Stack]:
    """A source that can be analysed, and one without documents: its starts are refused at the end."""
    async with whole(_folder(tmp_path, "one"), meddler) as found:
        mappings = {"properties": {"delay": {"type": "integer"}}}
        for name in ("src", "src-2", "void"):
            await found.ok("PUT", f"/{name}", {"mappings": mappings})
        lines = [part for n in range(DOCUMENTS) for part in ({"index": {"_id": str(n)}}, {"delay": n % 7})]
        await found.ok("POST", "/src/_bulk?refresh=true", "".join(json.dumps(line) + "\n" for line in lines))
        yield found


@pytest.fixture
async def gates(stack: Stack, tmp_path: Path) -> AsyncIterator[tuple[Stack, Stack]]:
    """Two gates, each with a journal of its own, that know nothing of each other."""
    async with in_front_of(stack.cluster, _folder(tmp_path, "two")) as other:
        yield stack, other


def _folder(parent: Path, name: str) -> Path:
    folder = parent / name
    folder.mkdir()
    return folder


async def put(stack: Stack, job: str, *sources: str, out: str = "out") -> None:
    body = {"source": {"index": list(sources)}, "dest": {"index": out}, "analysis": {"outlier_detection": {}}}
    await stack.ok("PUT", f"/_ml/data_frame/analytics/{job}", body)


def destination(stack: Stack, answer: Replied) -> Mapping[str, Any]:
    """What the record says of the destination."""
    return dict(stack.recorded(answer.receipt).records[Phase.OUTCOME]["startgate"]["destination"])


async def _both(gates: tuple[Stack, Stack], job: str, chance: random.Random) -> list[tuple[Stack, Replied]]:
    async def one(gate: Stack, after_s: float) -> tuple[Stack, Replied]:
        await asyncio.sleep(after_s)
        return gate, await gate.start(job)

    return await asyncio.gather(*(one(gate, chance.uniform(0, 0.02)) for gate in gates))


async def test_two_gates_that_start_one_job_make_one_destination_and_lose_nothing(gates: tuple[Stack, Stack]) -> None:
    first, _ = gates
    first.cluster.delay_s = 0.002
    chance = random.Random(SEED)  # noqa: S311 -- chance, not secrets
    for round_ in range(ROUNDS):
        job, out = f"job-{round_}", f"out-{round_}"
        await put(first, job, "src", out=out)
        answers = await _both(gates, job, chance)
        assert [answer.status for _, answer in answers].count(200) == 1, [answer.body for _, answer in answers]
        assert {answer.status for _, answer in answers} <= {200, 400, 409}
        assert [destination(*one).get("created", False) for one in answers].count(True) == 1
        assert (await first.ended(job))["state"] == "stopped"
        assert (await first.ok("GET", f"/{out}/_count"))["count"] == DOCUMENTS


async def test_two_gates_whose_start_is_refused_leave_nothing_behind(gates: tuple[Stack, Stack]) -> None:
    first, _ = gates
    first.cluster.delay_s = 0.002
    chance = random.Random(SEED)  # noqa: S311 -- chance, not secrets
    made = 0
    for round_ in range(ROUNDS):
        job, out = f"job-{round_}", f"out-{round_}"
        await put(first, job, "void", out=out)
        answers = await _both(gates, job, chance)
        assert {answer.status for _, answer in answers} == {400}, [answer.body for _, answer in answers]
        made += [destination(*one).get("created", False) for one in answers].count(True)
        assert (await first.call("GET", f"/{out}", direct=True)).status == 404
    assert made >= ROUNDS


@pytest.mark.parametrize("moment", ["GET /out", "PUT /out/_block/write"])
async def test_a_removal_leaves_the_index_to_a_start_that_another_gate_has_just_been_granted(
    gates: tuple[Stack, Stack], meddler: Meddler, moment: str
) -> None:
    """The job runs, and has copied nothing yet, when the first gate looks at the empty index that it made."""
    first, second = gates
    first.cluster.add_role("starters", STARTERS)
    another = first.cluster.add_user("another", "another-secret", ["starters"])
    granted: list[Replied] = []

    async def started_elsewhere() -> None:
        await first.ok("PUT", "/void/_doc/1?refresh=true", {"delay": 1})
        granted.append(await second.start("job", auth=another))

    async def refused() -> None:
        meddler.before = {moment: started_elsewhere}

    meddler.copying.clear()
    await put(first, "job", "void")
    # The cluster counts the documents last of all: what comes after that is the removal.
    meddler.before = {"POST /void/_count": refused}
    answer = await first.start("job")
    assert (answer.status, [one.status for one in granted]) == (400, [200]), (answer.body, granted)
    kept = destination(first, answer)
    assert (kept["created"], kept["removal"]) == (True, "kept: a job is using it")
    assert destination(second, granted[0])["created"] is False
    assert (await first.ok("GET", "/out/_count"))["count"] == 0
    meddler.copying.set()
    assert (await first.ended("job"))["state"] == "stopped"
    assert (await first.ok("GET", "/out/_count"))["count"] == 1


@pytest.mark.parametrize("source", ["src", "void"])
async def test_two_gates_that_plan_in_the_same_millisecond_know_whose_index_it_is(
    gates: tuple[Stack, Stack], meddler: Meddler, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Both send the same body, `_meta` included: that one of them made the index only the cluster's answers tell."""
    monkeypatch.setattr(SystemClock, "now_ms", lambda _: 1_700_000_000_000)
    for round_ in range(5):
        job, out = f"job-{round_}", f"out-{round_}"
        await put(gates[0], job, source, out=out)
        meddler.meeting = asyncio.Barrier(2)
        answers = await asyncio.gather(*(gate.start(job) for gate in gates))
        meddler.meeting = None
        found = [destination(gate, answer) for gate, answer in zip(gates, answers, strict=True)]
        assert found[0]["body_sha256"] == found[1]["body_sha256"]
        assert sorted(one["created"] for one in found) == [False, True]
        assert [answer.status for answer in answers].count(200) == (source == "src")
        exists = (await gates[0].call("GET", f"/{out}", direct=True)).status == 200
        assert exists == (source == "src"), found


@asynccontextmanager
async def _breaking(cluster: Cluster) -> AsyncIterator[Cluster]:
    """The cluster behind a wire that breaks once: when it has created the index `out`, and before it can say so."""
    broken: list[str] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_connection(cluster.host, cluster.port)
        back = asyncio.ensure_future(_pump(there, writer))
        while sent := await reader.read(65536):
            if sent.startswith(b"PUT /out ") and not broken:
                broken.append("now")
                back.cancel()
                await asyncio.wait({back})
                to.write(sent)
                await there.readuntil(b"\r\n\r\n")
                break
            to.write(sent)
        back.cancel()
        writer.close()
        to.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield replace(cluster, port=server.sockets[0].getsockname()[1])
    assert broken


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while received := await reader.read(65536):
        writer.write(received)


@pytest.mark.parametrize("source", ["src", "void"])
async def test_an_index_is_known_to_be_ours_where_the_connection_breaks_at_its_creation(
    stack: Stack, tmp_path: Path, source: str
) -> None:
    """The request is sent again and told that the index exists already: it was this start's own."""
    await put(stack, "job", source)
    async with _breaking(stack.cluster) as cluster, in_front_of(cluster, _folder(tmp_path, "broken")) as gate:
        answer = await gate.start("job")
        assert answer.status == (200 if source == "src" else 400), answer.body
        found = destination(gate, answer)
    assert found["created"] is True
    assert found.get("removal") == (None if source == "src" else "removed")
    assert len([call for call in stack.cluster.calls if (call.method, call.target) == ("PUT", "/out")]) == 2


@pytest.mark.parametrize("source", ["src", "void"])
async def test_somebody_elses_index_appears_between_check_and_creation(
    stack: Stack, meddler: Meddler, source: str
) -> None:
    """It is used if it is empty, and stays whatever becomes of the start: it is not the gate's to remove."""
    meddler.deeds = [lambda: stack.ok("PUT", "/out", {"mappings": {"_meta": {"of": "somebody else"}}})]
    await put(stack, "job", source)
    answer = await stack.start("job")
    assert answer.status == (200 if source == "src" else 400), answer.body
    assert destination(stack, answer).get("created") is False
    assert (await stack.ok("GET", "/out/_mapping"))["out"]["mappings"]["_meta"] == {"of": "somebody else"}
    if answer.status == 200:
        assert (await stack.ended("job"))["state"] == "stopped"


async def test_somebody_elses_index_with_documents_stays_as_it_is(stack: Stack, meddler: Meddler) -> None:
    meddler.deeds = [
        lambda: stack.ok("PUT", "/out", {}),
        lambda: stack.ok("PUT", "/out/_doc/1?refresh=true", {"precious": True}),
    ]
    await put(stack, "job", "src")
    answer = await stack.start("job")
    assert (answer.status, answer.reason) == (400, "dest index [out] must be empty")
    assert (await stack.ok("GET", "/out/_doc/1"))["_source"] == {"precious": True}
    assert "index.blocks.write" not in (await stack.ok("GET", "/out/_settings?flat_settings=true"))["out"]["settings"]


async def test_a_job_that_is_made_anew_meanwhile_does_not_run_on(stack: Stack, meddler: Meddler) -> None:
    await put(stack, "job", "src")
    meddler.deeds = [
        lambda: stack.ok("DELETE", "/_ml/data_frame/analytics/job"),
        lambda: put(stack, "job", "src", "src-2"),
    ]
    answer = await stack.start("job")
    if answer.status == 409:
        assert "its configuration was changed while it was being started" in answer.reason
        assert destination(stack, answer)["removal"] == "removed"
        assert (await stack.call("GET", "/out", direct=True)).status == 404
    else:  # the gate's second look at the job came just before the change: its third, at what runs, finds it
        assert answer.status == 200, answer.body
        end = await stack.end_of(answer.receipt)
        assert "the job was changed while it was being started, and has been stopped" in json.dumps(end)
    assert (await stack.ended("job"))["state"] == "stopped"


async def test_a_job_that_is_deleted_meanwhile_leaves_no_index_behind(stack: Stack, meddler: Meddler) -> None:
    await put(stack, "job", "src")
    meddler.deeds = [lambda: stack.ok("DELETE", "/_ml/data_frame/analytics/job")]
    answer = await stack.start("job")
    assert answer.status == 404, answer.body
    assert (await stack.call("GET", "/out", direct=True)).status == 404


async def test_sources_that_come_to_conflict_meanwhile_are_the_clusters_to_refuse(
    stack: Stack, meddler: Meddler
) -> None:
    await put(stack, "job", "src", "src-2")
    meddler.deeds = [
        lambda: stack.ok("PUT", "/src/_mapping", {"properties": {"new": {"type": "long"}}}),
        lambda: stack.ok("PUT", "/src-2/_mapping", {"properties": {"new": {"type": "keyword"}}}),
    ]
    answer = await stack.start("job")
    assert answer.status == 400
    assert "cannot merge [properties] mappings because of differences for field [new]" in answer.reason
    assert destination(stack, answer)["removal"] == "removed"
    assert (await stack.call("GET", "/out", direct=True)).status == 404


async def test_a_field_that_is_new_meanwhile_is_copied_without_a_mapping(stack: Stack, meddler: Meddler) -> None:
    """The destination is `dynamic: false`: no document fails for a field that the plan does not have."""
    await put(stack, "job", "src")
    meddler.deeds = [
        lambda: stack.ok("PUT", "/src/_mapping", {"properties": {"new": {"type": "long"}}}),
        lambda: stack.ok("PUT", "/src/_doc/new?refresh=true", {"delay": 3, "new": 7}),
    ]
    answer = await stack.start("job")
    assert answer.status == 200, answer.body
    assert (await stack.ended("job"))["state"] == "stopped"
    assert (await stack.ok("GET", "/out/_doc/new"))["_source"]["new"] == 7
    assert "new" not in (await stack.ok("GET", "/out/_mapping"))["out"]["mappings"]["properties"]
