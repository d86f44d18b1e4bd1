"""Replicas that differ: one whose clock is wrong, and two with a journal each that are shipped into one data stream."""

import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from proxy.doctor import replicas as doctor
from proxy.doctor.model import Finding
from proxy.embedded.app import Cluster
from proxy.journal.entry import Phase
from proxy.journal.verify import verify
from proxy.rules.signed import canonical, signature
from tests.faults.crashing import until
from tests.faults.replicas import Replica, seal, site
from tests.ship.fake_cluster import STREAM, FakeCluster, listening
from tests.stack import SHIPPED_RULES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
AHEAD_S = 7200
SKEWED = {
    "LD_PRELOAD": str(LIBRARIES[0]) if LIBRARIES else "",
    "FAKETIME": f"+{AHEAD_S}s",
    # A clock that is wrong does not make time run otherwise, and does not change what is on the disk.
    "DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "NO_FAKE_STAT": "1",
}
KEY = Ed25519PrivateKey.generate()
FLOWS = "\n  flows:\n    - {from: [elsewhere], to: ['out-*']}\n"


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _exception(replica: Replica) -> None:
    """A rule that denies all, and a signed exception from a minute ago that lasts for an hour of true time."""
    seal(replica, replica.rules.read_text().rstrip() + FLOWS)
    began = (int(time.time()) - 60) * 1000
    until_ms, users, jobs = began + 3_600_000, ["elastic"], ["*"]
    signed = signature(KEY, canonical("inc", began, until_ms, users, jobs, "a test"))
    entry = {"id": "inc", "from": _moment(began), "until": _moment(until_ms), "users": users, "jobs": jobs}
    entry |= {"reason": "a test", "signed_by": "ops", "signature": signed}
    (replica.rules.parent / "exception.yml").write_text(f"version: 1\nbreak_glass: [{json.dumps(entry)}]\n")
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (replica.folder / "ops.pub").write_bytes(public)


@pytest.mark.skipif(not LIBRARIES, reason="needs libfaketime (Debian: faketime)")
async def test_a_clock_that_is_wrong_changes_times_and_exceptions_and_nothing_else(tmp_path: Path) -> None:
    more = "break_glass: {public_keys: {ops: ops.pub}}\n"
    async with site(tmp_path, more=more, envs={1: SKEWED}, prepare=_exception) as two:
        right, ahead = two.replicas
        for job in ("one", "two"):
            await two.job(job)
        granted = await right.start("one", two.cluster.superuser)
        assert granted.status == 200, granted.body
        # By its clock, the exception is over: it denies, which is the safe side of this error.
        denied = await ahead.start("two", two.cluster.superuser)
        assert denied.status == 403, denied.body
        for replica, answer, wrong_s in ((right, granted, 0), (ahead, denied, AHEAD_S)):
            outcome = replica.recorded(answer).records[Phase.OUTCOME]
            told = datetime.fromisoformat(outcome["@timestamp"]).timestamp()
            assert abs(told - wrong_s - time.time()) < AHEAD_S / 2
            assert 0 <= outcome["event"]["duration"] < AHEAD_S * 10**9 / 2
        found = await doctor.examine([right.admin, ahead.admin], None)
        assert _ahead(found[1]), found
        assert not _ahead(found[0]), found
        assert await _follows(ahead, two.cluster)
    for replica in (right, ahead):
        assert verify(replica.journal).whole


def _ahead(finding: Finding) -> bool:
    return "s ahead" in str(finding)


async def _follows(replica: Replica, cluster: Cluster) -> bool:
    """A start that the clock does not concern is granted, and followed to its end."""
    replica.rules.write_text((SHIPPED_RULES / "start.yml").read_text())
    replica.reload()
    answers = [await replica.start("two", cluster.superuser)]

    async def granted() -> bool:
        if answers[-1].status == 403:
            answers.append(await replica.start("two", cluster.superuser))
        return answers[-1].status == 200

    async def ended() -> bool:
        return Phase.END in replica.recorded(answers[-1]).records

    await until(granted)
    await until(ended)
    return True


class Streaming(FakeCluster):
    """The data stream beside the embedded cluster, which answers all other calls."""

    def __init__(self, cluster: Cluster, session: aiohttp.ClientSession) -> None:
        super().__init__()
        self._cluster, self._session = cluster, session

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any call."""
        if STREAM in request.path:
            return await super().handle(request)
        url = URL(self._cluster.url + request.raw_path, encoded=True)
        body = await request.read()
        async with self._session.request(request.method, url, headers=request.headers, data=body) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


@pytest.fixture
def made() -> list[Streaming]:
    """The stream, once it is there."""
    return []


async def test_two_replicas_ship_into_one_stream_each_record_once(tmp_path: Path, made: list[Streaming]) -> None:
    @asynccontextmanager
    async def node(cluster: Cluster) -> AsyncIterator[int]:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            made.append(Streaming(cluster, session))
            async with listening(made[0]) as stream:
                yield int(stream.url.rpartition(":")[2])

    def lines() -> list[bytes]:
        files = [path for one in two.replicas for path in sorted(one.journal.glob("starts-*.jsonl"))]
        return [line for path in files for line in path.read_bytes().splitlines()]

    async def shipped() -> bool:
        return Counter(made[0].documents).keys() >= set(lines())

    more = f"journal: {{path: journal, sinks: {{elasticsearch: {{data_stream: {STREAM}}}}}}}\n"
    async with site(tmp_path, more=more, node=node) as two:
        for number in range(6):
            await two.job(f"job-{number}")
            # Some batches are cut before they are carried out, and some after.
            made[0].statuses += [0, -1]
            answer = await two.replicas[number % 2].start(f"job-{number}", two.cluster.superuser)
            assert answer.status == 200, answer.body
            assert await two.ended(f"job-{number}") == "stopped"
        await until(shipped)
        two.replicas[1].kill_gate(signal.SIGKILL)
        made[0].rollover()
        await two.job("after")
        assert (await two.replicas[0].start("after", two.cluster.superuser)).status == 200
        await until(shipped)
    counted = Counter(made[0].documents)
    assert set(counted.values()) == {1}
    journals = {json.loads(line)["startgate"]["chain"]["journal"] for line in counted}
    assert len(journals) == 2
