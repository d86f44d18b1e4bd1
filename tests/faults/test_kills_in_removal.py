"""The gate is killed in the middle of removing a refused start's destination: the next one finishes what it began."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from proxy.config import load
from proxy.embedded.app import Cluster, serve_embedded
from proxy.embedded.backend import Answer, Backend, Call
from proxy.embedded.core import Core
from proxy.journal.entry import Phase
from proxy.journal.read import Start, starts
from proxy.supervisor import Supervisor
from tests.faults.test_kills import configure

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

BLOCK, LOOK, DELETE, LIFT = (
    "PUT /out/_block/write",
    "GET /out/_stats/docs",
    "DELETE /out",
    "PUT /out/_settings",
)
JSON = (("content-type", "application/json"),)
DOCUMENT = b'{"precious": true}'


class Stopper:
    """The index core, which comes to a halt before one call, or after it, until the gate is killed.

    `written`: somebody writes a document just before the index is blocked.
    """

    def __init__(self, at: str, *, after: bool = False, written: bool = False) -> None:
        self._core: Backend = Core()
        self._at: str | None = at
        self._after = after
        self._written = written
        self.reached, self.killed = asyncio.Event(), asyncio.Event()
        self.calls: list[str] = []

    async def call(self, call: Call) -> Answer:
        """The core's answer, but at the one point: there is none."""
        name = f"{call.method} {call.target.partition('?')[0]}"
        self.calls.append(name)
        if self._written and name == BLOCK:
            self._written = False
            document = Call(method="PUT", target="/out/_doc/1?refresh=true", headers=JSON, body=DOCUMENT)
            assert (await self._core.call(document)).status == 201
        if name != self._at:
            return await self._core.call(call)
        self._at = None
        if self._after:
            await self._core.call(call)
        self.reached.set()
        await self.killed.wait()
        return Answer(status=500)

    async def close(self) -> None:
        """Free what is held."""
        await self._core.close()


async def _send(session: aiohttp.ClientSession, cluster: Cluster, method: str, path: str, body: object = None) -> None:
    async with session.request(method, cluster.url + path, json=body) as answer:
        assert answer.status < 300, await answer.text()


async def _status(session: aiohttp.ClientSession, cluster: Cluster, path: str) -> tuple[int, str]:
    async with session.get(cluster.url + path) as answer:
        return answer.status, await answer.text()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


async def _refused_start(session: aiohttp.ClientSession, cluster: Cluster, base: str) -> None:
    """A start of a job without documents: the cluster refuses it when its destination is made."""
    try:
        async with session.post(f"{base}/_ml/data_frame/analytics/job/_start") as answer:
            assert answer.status in (502, 503), await answer.text()
    except aiohttp.ClientError:
        pass  # cut off with the gate


async def _killed(folder: Path, stopper: Stopper, session: aiohttp.ClientSession) -> tuple[Start, int]:
    """Kill the gate where the stopper is; what is on record once the next one has closed it, and `out`'s status."""
    async with serve_embedded(backend=stopper) as cluster:
        session.headers["authorization"] = cluster.superuser
        await _send(session, cluster, "PUT", "/void", {"mappings": {"properties": {"n": {"type": "long"}}}})
        body = {"source": {"index": ["void"]}, "dest": {"index": "out"}, "analysis": {"outlier_detection": {}}}
        await _send(session, cluster, "PUT", "/_ml/data_frame/analytics/job", body)
        running = Supervisor(load(configure(folder, cluster), {}))
        await running.start()
        try:
            starting = asyncio.ensure_future(_refused_start(session, cluster, running.addresses[0]))
            await asyncio.wait_for(stopper.reached.wait(), 30)
            assert running.gate is not None
            running.gate.signal(signal.SIGKILL)
            await starting
            [one] = await _closed(folder / "journal")
        finally:
            stopper.killed.set()
            await running.stop()
        status, settings = await _status(session, cluster, "/out/_settings")
        assert "blocks" not in settings
        if status == 200:
            assert (await _status(session, cluster, "/out/_doc/1"))[0] == 200
        return one, status


async def _closed(journal: Path) -> list[Start]:
    async with asyncio.timeout(60):
        while not (found := starts(journal)) or any(one.open for one in found):  # noqa: ASYNC110 -- another process writes
            await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize(
    ("at", "after"),
    [(BLOCK, True), (LOOK, False), (LOOK, True), (DELETE, False)],
    ids=["block put", "before the look", "after the look", "before the deletion"],
)
async def test_a_removal_that_a_kill_interrupts_is_finished(
    tmp_path: Path, session: aiohttp.ClientSession, at: str, after: bool
) -> None:
    stopper = Stopper(at, after=after)
    one, status = await _killed(tmp_path, stopper, session)
    assert status == 404
    outcome = one.records[Phase.OUTCOME]
    assert outcome["startgate"]["reconciled"]["started"] == "not_seen"
    assert outcome["startgate"]["destination"] == {"index": "out", "removal": "removed"}
    assert "it was left blocked for its removal: removed" in outcome["event"]["reason"]


async def test_what_was_deleted_before_the_kill_is_recorded_as_missing(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    one, status = await _killed(tmp_path, Stopper(DELETE, after=True), session)
    assert status == 404
    assert one.records[Phase.OUTCOME]["event"]["reason"].endswith("its destination [out] is missing")


async def test_a_document_that_came_before_the_block_is_kept_and_the_block_lifted(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    stopper = Stopper(LOOK, written=True)
    one, status = await _killed(tmp_path, stopper, session)
    assert status == 200
    assert stopper.calls.count(LIFT) == 2, "to put it anew, and as the index is kept"
    assert DELETE not in stopper.calls
    removal = one.records[Phase.OUTCOME]["startgate"]["destination"]["removal"]
    assert removal == "kept: it has been written to"
