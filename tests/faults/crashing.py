"""What tests of crashes are made of: gates that are killed, a cluster that halts, and what must hold afterwards."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import aiohttp
import msgspec

from proxy.embedded.app import Cluster
from proxy.embedded.backend import Answer, Call
from proxy.embedded.front import Front
from proxy.gate.arrival import PEER_HEADER, RECEIPT_HEADER
from proxy.journal.entry import Phase
from proxy.journal.read import Start, records, starts
from proxy.journal.verify import verify
from proxy.settings import GateLimits, GateSettings, JournalSettings
from tests.faults.crash_gate import Order
from tests.journal.checking import check_journal

ROOT = Path(__file__).parents[2]
RULES = ROOT / "rules"
PATIENCE_S = 90


class Gates:
    """Gates, one at a time, each in a process of its own (`crash_gate`)."""

    def __init__(self, orders: IO[bytes], said: IO[bytes]) -> None:
        self._orders, self._said = orders, said
        self.pid: int | None = None

    async def start(self, settings: GateSettings, step: str = "", times: int = 1) -> None:
        """Have a gate started, without waiting until it serves."""
        order = Order(settings=settings, step=step, times=times, quiet="STARTGATE_CRASHES_LOUD" not in os.environ)
        self._orders.write(msgspec.json.encode(order) + b"\n")
        self._orders.flush()
        while (line := await self._line()) == "ready":  # of a gate that was gone before anybody waited
            pass
        self.pid = int(line.removeprefix("pid "))

    async def serves(self) -> bool:
        """Wait until it serves; whether it does, and is not gone instead."""
        line = await self._line()
        if line != "ready":
            self._gone(line)
        return line == "ready"

    async def gone(self) -> int:
        """Wait until it is gone; the signal that ended it, 0 where it ended by itself."""
        while (line := await self._line()) == "ready":
            pass
        return self._gone(line)

    def signal(self, number: int) -> None:
        """Send a signal to the gate that was started last; it may be gone already."""
        if self.pid is not None:
            os.kill(self.pid, number)

    async def stop(self) -> None:
        """Have it stop in order."""
        self.signal(signal.SIGTERM)
        assert await self.gone() == 0

    def _gone(self, line: str) -> int:
        self.pid = None
        status = int(line.removeprefix("gone "))
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"the gate ended with status {status}"
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0

    async def _line(self) -> str:
        line = await asyncio.wait_for(asyncio.to_thread(self._said.readline), PATIENCE_S)
        assert line, "the process that starts gates is gone"
        return line.decode().strip()


@contextmanager
def gates() -> Iterator[Gates]:
    """The process that starts gates; ended for certain."""
    command = [sys.executable, "-m", "tests.faults.crash_gate"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        made = Gates(process.stdin, process.stdout)
        try:
            yield made
        finally:
            if made.pid is not None:
                made.signal(signal.SIGKILL)
            process.stdin.close()
            process.kill()


def settings_for(folder: Path, cluster: Cluster, **journaling: Any) -> GateSettings:
    """A gate in the folder, with a service credential."""
    return GateSettings(
        socket=str(folder / "gate.sock"),
        nodes=(cluster.url,),
        rules=str(RULES),
        journal=str(folder / "journal"),
        service=cluster.superuser,
        limits=GateLimits(follow_up_poll_s=0.1, drain_s=5.0, cluster_call_s=5.0),
        journaling=JournalSettings(**journaling),
    )


@dataclass(slots=True)
class Halt:
    """Where a cluster comes to a halt, once: before it does what it is asked for, or when it has done it."""

    call: str
    after: bool = False
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)


class Halting(Front):
    """The embedded cluster's front, which comes to a halt at `halt`."""

    halt: Halt | None = None

    async def call(self, call: Call) -> Answer:
        """The cluster's answer; it goes on with what it was asked for, whoever has gone meanwhile."""
        halt = Halting.halt
        if halt is None or re.fullmatch(halt.call, f"{call.method} {call.target.partition('?')[0]}") is None:
            return await super().call(call)
        Halting.halt = None
        answer = await super().call(call) if halt.after else None
        halt.reached.set()
        await halt.go_on.wait()
        return answer or await super().call(call)


@dataclass(slots=True)
class Client:
    """Starts jobs at a gate's own socket. `told` is the status by receipt, of those that were answered whole."""

    session: aiohttp.ClientSession
    authorization: str
    told: dict[str, int] = field(default_factory=dict)
    cut: int = 0

    async def start(self, job: str, receipt: str) -> int | None:
        """Start a job once; the status, None where no answer came."""
        headers = {
            "authorization": self.authorization,
            RECEIPT_HEADER: receipt,
            PEER_HEADER: "10.1.2.3:4567",
        }
        try:
            async with self.session.post(f"http://gate/_ml/data_frame/analytics/{job}/_start", headers=headers) as got:
                await got.read()
        except (aiohttp.ClientError, OSError):
            self.cut += 1
            return None
        self.told[receipt] = got.status
        return got.status


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something comes to hold that another process has to do; it is a failure where that takes too long."""
    async with asyncio.timeout(PATIENCE_S):
        while not await holds():  # noqa: ASYNC110 -- nothing here is told of it
            await asyncio.sleep(0.03)


async def closed(journal: Path) -> list[Start]:
    """Wait until no start is open, and no destination blocked that somebody still has to see to."""
    found: list[Start] = []

    async def nothing_left() -> bool:
        found[:] = await asyncio.to_thread(starts, journal)
        return not any(one.open or one.blocked for one in found)

    await until(nothing_left)
    return found


class Direct:
    """Calls to the cluster itself. All names end with `tag`, so that a node can be shared."""

    def __init__(self, session: aiohttp.ClientSession, cluster: Cluster, tag: str = "") -> None:
        self._session, self._cluster, self.tag = session, cluster, tag

    async def send(self, method: str, path: str, body: object = None) -> Any:
        """One call that must succeed; its decoded answer."""
        headers = {"authorization": self._cluster.superuser}
        async with self._session.request(method, self._cluster.url + path, json=body, headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def sources(self) -> None:
        """Two sources: `src` with documents, `void` without, so that the cluster refuses a start over it."""
        for name in ("src", "void"):
            await self.send("PUT", f"/{name}{self.tag}", {"mappings": {"properties": {"n": {"type": "long"}}}})
        for number in range(5):
            await self.send("PUT", f"/src{self.tag}/_doc/{number}?refresh=true", {"n": number})

    async def job(self, name: str, source: str) -> None:
        """A job over a source, both named without the tag; its destination is `out-` and its name."""
        body = {
            "source": {"index": [source + self.tag]},
            "dest": {"index": f"out-{name}{self.tag}"},
            "analysis": {"outlier_detection": {}},
        }
        await self.send("PUT", f"/_ml/data_frame/analytics/{name}{self.tag}", body)

    async def made(self) -> Mapping[str, Any]:
        """All destinations that exist: mappings and settings by name."""
        found: Mapping[str, Any] = await self.send("GET", f"/out-*{self.tag}")
        return found

    async def states(self) -> dict[str, str]:
        """Which jobs have run, or run: the state by name."""
        answer = await self.send("GET", "/_ml/data_frame/analytics/_stats?size=10000")
        return {
            one["id"]: one["state"]
            for one in answer["data_frame_analytics"]
            if one["state"] != "stopped" or any(step["progress_percent"] for step in one["progress"])
        }


async def holds(journal: Path, direct: Direct, told: Mapping[str, int]) -> list[Start]:
    """Assert what must hold whatever was killed when, once nothing is open any more; all starts on record."""
    found = await asyncio.to_thread(starts, journal)
    by_receipt = {one.receipt: one for one in found}
    for receipt, status in told.items():
        phases = by_receipt[receipt].records.keys()
        assert Phase.OUTCOME in phases, f"{receipt} was answered with {status} and has no outcome"
        assert status >= 300 or Phase.INTENT in phases, f"{receipt} was granted and has no intent"
    assert not [one.receipt for one in found if one.open]
    _each_once(journal)
    check_journal(journal)
    _intended(found, await direct.made())
    jobs = {one.records[Phase.INTENT]["startgate"]["job"]["id"] for one in found if Phase.INTENT in one.records}
    assert (await direct.states()).keys() <= jobs, "a job runs, or has run, that nobody meant to start"
    verified = await asyncio.to_thread(verify, journal)
    assert verified.whole, [str(one) for one in verified.findings]
    await asyncio.to_thread(check_journal, journal)
    return found


def _each_once(journal: Path) -> None:
    seen: set[tuple[str, str]] = set()
    for one in records(journal):
        key = (one["startgate"]["receipt"], one["startgate"]["phase"])
        assert key not in seen, f"{key} is on record twice"
        seen.add(key)


def _intended(found: list[Start], made: Mapping[str, Any]) -> None:
    meant = [
        one.records[Phase.INTENT]["startgate"]["destination"]
        for one in found
        if Phase.INTENT in one.records and "meta" in one.records[Phase.INTENT]["startgate"]["destination"]
    ]
    known = {(one["index"], msgspec.json.encode(one["meta"], order="sorted")) for one in meant}
    for name, index in made.items():
        meta = msgspec.json.encode(index["mappings"].get("_meta"), order="sorted")
        assert (name, meta) in known, f"{name} exists and nobody meant to make it"
        assert "blocks" not in index["settings"]["index"], f"{name} was left blocked"
