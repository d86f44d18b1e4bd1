"""What tests of replicas need besides: clocks that are set, rules that deny and exceptions, commands, a data stream."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from yarl import URL

from proxy.embedded.app import Cluster
from proxy.journal.entry import Phase
from proxy.journal.folder import journal_files
from proxy.journal.observed import observed
from proxy.journal.read import administrative
from proxy.rules.signed import canonical, signature
from tests.faults.crashing import until
from tests.faults.replicas import ROOT, Replica, Site, seal
from tests.ship.fake_cluster import STREAM, FakeCluster, listening
from tests.stack import SHIPPED_RULES, Replied

COMMAND_S = 120.0
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
# A clock that is wrong does not make time run otherwise, and does not change what is on the disk.
_FAKED = {
    "LD_PRELOAD": str(LIBRARIES[0]) if LIBRARIES else "",
    "DONT_FAKE_MONOTONIC": "1",
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    "NO_FAKE_STAT": "1",
}
KEY = Ed25519PrivateKey.generate()
# With these the shipped rules deny every job of these tests.
FLOWS = "\n  flows:\n    - {from: [elsewhere], to: ['out-*']}\n"
EXCEPTIONS = "break_glass: {public_keys: {ops: ops.pub}}\n"


class Clock:
    """The clock of a replica's processes (`env` is for them), off by so many seconds. It can be set while they run."""

    def __init__(self, file: Path, off_s: int = 0) -> None:
        self._file = file
        # Read again at every look at the time: what is set holds at once, in all processes.
        self.env = _FAKED | {"FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1"}
        self.set(off_s)

    def set(self, off_s: int) -> None:
        """From now on it is off by that."""
        self.off_s = off_s
        # In one step: half of a file would be another time.
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{off_s:+d}s\n")
        beside.replace(self._file)

    def tells(self, told: str) -> bool:
        """Whether a time was told by it, by what may pass in a test."""
        return self._is_near(datetime.fromisoformat(told).timestamp())

    def made(self, receipt: str) -> bool:
        """Whether a receipt was made by it: the first 48 bits are milliseconds."""
        return self._is_near(int(receipt[:12], 16) / 1000)

    def _is_near(self, told_s: float) -> bool:
        return abs(told_s - self.off_s - time.time()) < 1800


def exception(replica: Replica, from_s: int, until_s: int) -> None:
    """Rules that deny all, and a signed exception from then until then, in seconds from now of the true time."""
    seal(replica, replica.rules.read_text().rstrip() + FLOWS)
    now = int(time.time())
    began_ms, until_ms, users, jobs = (now + from_s) * 1000, (now + until_s) * 1000, ["elastic"], ["*"]
    signed = signature(KEY, canonical("inc", began_ms, until_ms, users, jobs, "a test"))
    entry = {"id": "inc", "from": _moment(began_ms), "until": _moment(until_ms), "users": users, "jobs": jobs}
    entry |= {"reason": "a test", "signed_by": "ops", "signature": signed}
    (replica.rules.parent / "exception.yml").write_text(f"version: 1\nbreak_glass: [{json.dumps(entry)}]\n")
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (replica.folder / "ops.pub").write_bytes(public)


def _moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


async def lifted(replica: Replica, job: str, authorization: str) -> Replied:
    """The shipped rules at a replica whose rules denied; the first start that is granted."""
    replica.rules.write_text((SHIPPED_RULES / "start.yml").read_text())
    replica.reload()
    answers: list[Replied] = []

    async def granted() -> bool:
        answers.append(await replica.start(job, authorization))
        return answers[-1].status != 403

    await until(granted)
    assert answers[-1].status == 200, answers[-1].body
    return answers[-1]


async def followed(replica: Replica, answer: Replied) -> None:
    """Wait until the end of a job is on record."""

    async def ended() -> bool:
        return Phase.END in replica.recorded(answer).records

    await until(ended)


async def nothing_open(replica: Replica) -> None:
    """Wait until no start is open in its journal."""

    async def closed() -> bool:
        return not any(one.open for one in replica.all_recorded())

    await until(closed)


async def changed(found: Site, replica: Replica, method: str, target: str, body: object) -> None:
    """Make or change a job through a replica, and wait until that is on record there: whose it is is known then."""

    def seen() -> int:
        return sum(1 for _ in observed(replica.journal))

    before = seen()
    answer = await replica.call(method, target, found.cluster.superuser, body)
    assert answer.status == 200, answer.body

    async def recorded() -> bool:
        return seen() > before

    await until(recorded)


def marked(replica: Replica, action: str) -> list[dict[str, Any]]:
    """What a replica's journal says of itself under this action, oldest first."""
    return [dict(one) for one in administrative(replica.journal) if one["event"]["action"] == action]


def lines(*replicas: Replica) -> list[bytes]:
    """Every line of their journals."""
    return [line for one in replicas for path in journal_files(one.journal) for line in path.read_bytes().splitlines()]


@dataclass(frozen=True, slots=True)
class Told:
    """What a command told, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote, decoded."""
        return json.loads(self.out)


async def command(replica: Replica, *words: str) -> Told:
    """A command of Startgate's, beside a replica, with its configuration."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", *words, "--config", str(replica.folder / "startgate.yml")),
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), COMMAND_S)
    assert process.returncode is not None
    return Told(process.returncode, out.decode(), err.decode())


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


class Shipping:
    """A node that holds the stream, for `site`; `stream` once it is there."""

    stream: Streaming
    more = f"journal: {{path: journal, sinks: {{elasticsearch: {{data_stream: {STREAM}}}}}}}\n"

    def node(self, cluster: Cluster) -> AbstractAsyncContextManager[int]:
        """The node; its port."""
        return self._node(cluster)

    @asynccontextmanager
    async def _node(self, cluster: Cluster) -> AsyncIterator[int]:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            self.stream = Streaming(cluster, session)
            async with listening(self.stream) as stream:
                yield int(stream.url.rpartition(":")[2])

    async def has_all(self, *replicas: Replica) -> None:
        """Wait until it has every line of their journals."""

        async def shipped() -> bool:
            return set(self.stream.documents) >= set(lines(*replicas))

        await until(shipped)
