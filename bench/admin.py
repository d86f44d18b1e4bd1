"""What the list of starts costs: reading 10,000 of them, a page, a filter, ten live viewers; and what the plots cost.

A journal is written by a process of its own, with the writer that the gate has, and the admin process follows it: the
first has nothing to do with the second, and its CPU shows it. Calls go over the admin process's Unix socket, as those
of commands do. Bars: the first page takes at most 200 ms, a filter 300 ms; a start is seen within a second; ten viewers
cost whoever writes at most 5 % of a core; an admin process with nothing to do takes 0.5 %.

Run: python -m bench.admin [--starts 10000] [--viewers 10] [--rate 20] [--seconds 10]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
import msgspec

from bench import report
from bench.bars import beside
from bench.children import child, python
from bench.journal_reading import write
from bench.measure import cpu, resident_bytes
from proxy.admin.app import run as run_admin
from proxy.admin.shown.starts import StartRow
from proxy.journal.entry import Phase, frame
from proxy.journal.writer import open_journal
from proxy.settings import AdminLimits, AdminPort, AdminSettings, JournalSettings

PAGE_MS, FILTER_MS, SEEN_S, WRITER_PERCENT, IDLE_PERCENT = 200.0, 300.0, 1.0, 5.0, 0.5
FILTERS = {
    "user": "user=rare",
    "user with *": "user=*9*",
    "index with *": "index=*7*",
    "verdict and job": "verdict=denied&job=job-4*",
    "time": "since=2025-06-15T20:00:00Z&until=2025-06-15T21:00:00Z",
}
TIMES = 15


def settings(folder: Path, kept: int) -> AdminSettings:
    """An admin process that follows the journal beside it."""
    return AdminSettings(
        listen=AdminPort(
            host="127.0.0.1", port=0, socket=str(folder / "admin.sock"), limits=AdminLimits(starts_kept=kept)
        ),
        processes=("gate",),
        nodes=("http://127.0.0.1:9",),
        control=str(folder / "control.sock"),
        gate_socket=str(folder / "gate.sock"),
        journal=str(folder / "journal"),
    )


async def be_admin(folder: Path, kept: int) -> None:
    """Be the admin process, for ever."""
    await run_admin(settings(folder, kept), folder / "metrics.sock", asyncio.Event(), lambda: None)


async def be_writer(folder: Path, rate: float) -> None:
    """Be whoever writes the journal: denied starts, so many a second, for ever."""
    journal = open_journal(folder / "journal", JournalSettings(append_limit_s=60.0))
    number = 0
    while True:
        now_ms = time.time_ns() // 1_000_000
        record = frame(Phase.OUTCOME, f"live-{number:027x}", now_ms, outcome="failure")
        record["user"] = {"name": f"user-{number % 200}"}
        record["startgate"] |= {"job": {"id": f"job-{number % 500}"}, "verdict": {"allowed": False}}
        await journal.append(record)
        number += 1
        await asyncio.sleep(1 / rate)


@asynccontextmanager
async def session(folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """Calls over the admin process's socket."""
    connector = aiohttp.UnixConnector(path=str(folder / "admin.sock"), limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession("http://admin", connector=connector, timeout=timeout) as found:
        yield found


async def took_ms(calls: aiohttp.ClientSession, target: str) -> float:
    """The median time of a call."""
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        async with calls.get(target) as response:
            assert response.status == 200, await response.text()
            await response.read()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


async def loaded(calls: aiohttp.ClientSession, starts: int) -> None:
    """Until the newest starts are held: as many as are asked for, or all that there are."""
    while True:
        async with calls.get("/v1/starts?size=1") as response:
            told = msgspec.json.decode(await response.read())
            if told["held"] >= starts or told["complete"]:
                return
        await asyncio.sleep(0.02)


async def watch(calls: aiohttp.ClientSession, delays: list[float]) -> None:
    """Be a viewer: how long after its record each start is seen."""
    async with calls.get("/v1/starts/feed") as response:
        assert response.status == 200, await response.text()
        async for line in response.content:
            if line.startswith(b"data: {"):
                row = msgspec.json.decode(line[6:], type=StartRow)
                delays.append(time.time() - datetime.fromisoformat(row.time).timestamp())


async def shares(pids: dict[str, int], seconds: float) -> dict[str, float]:
    """The CPU of processes over a time, in percent of a core."""
    before = {name: cpu(pid).total_ns for name, pid in pids.items()}
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    passed = time.perf_counter() - began
    return {name: (cpu(pid).total_ns - before[name]) / passed / 1e7 for name, pid in pids.items()}


@dataclass(slots=True)
class Found:
    """All figures; shares are in percent of a core, times in milliseconds, memory in KiB a start."""

    calls_ms: dict[str, float] = field(default_factory=dict)
    memory_kib: float = 0.0
    loaded_s: float = 0.0
    idle: float = 0.0
    alone: dict[str, float] = field(default_factory=dict)
    watched: dict[str, float] = field(default_factory=dict)
    delays_s: list[float] = field(default_factory=list)


async def measure(folder: Path, options: argparse.Namespace) -> Found:
    """All of it, on a journal of so many starts."""
    found = Found()
    (folder / "journal").mkdir(mode=0o700)
    # Half of the starts have three records, the others one.
    await asyncio.to_thread(write, folder / "journal", options.starts * 2 + 20)
    admin = python("bench.admin", "--be", "admin", "--folder", str(folder), "--starts", str(options.starts))
    writer = python("bench.admin", "--be", "writer", "--folder", str(folder), "--rate", str(options.rate))
    with child(admin, log=folder / "admin.log", listens=folder / "admin.sock") as pid:
        async with session(folder) as calls:
            await at_rest(calls, pid, found, options)
            with child(writer, log=folder / "writer.log") as writes:
                await asyncio.sleep(2)
                pids = {"admin": pid, "writer": writes}
                found.alone = await shares(pids, options.seconds)
                viewers = [asyncio.ensure_future(watch(calls, found.delays_s)) for _ in range(options.viewers)]
                await asyncio.sleep(1)
                found.watched = await shares(pids, options.seconds)
                # On a busy machine the first start may come late.
                while not found.delays_s and not any(viewer.done() for viewer in viewers):  # noqa: ASYNC110 -- no event
                    await asyncio.sleep(0.05)
                for viewer in viewers:
                    viewer.cancel()
                ended = await asyncio.gather(*viewers, return_exceptions=True)
                assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
    return found


async def at_rest(calls: aiohttp.ClientSession, pid: int, found: Found, options: argparse.Namespace) -> None:
    """What it costs to have read the starts, to show them, and to wait for more."""
    began = time.perf_counter()
    await loaded(calls, options.starts)
    found.loaded_s = time.perf_counter() - began
    found.memory_kib = resident_bytes(pid) / 1024 / options.starts
    found.calls_ms["first page"] = await took_ms(calls, "/v1/starts")
    found.calls_ms |= {f"filter: {name}": await took_ms(calls, f"/v1/starts?{text}") for name, text in FILTERS.items()}
    async with calls.get("/v1/starts?size=1&verdict=granted") as response:
        receipt = msgspec.json.decode(await response.read())["starts"][0]["receipt"]
    found.calls_ms["one start"] = await took_ms(calls, f"/v1/starts/{receipt}")
    found.calls_ms["traffic"] = await took_ms(calls, "/v1/traffic")
    found.idle = (await shares({"admin": pid}, options.seconds))["admin"]


def rows(found: Found, options: argparse.Namespace) -> list[list[str]]:
    """Each figure beside its bar."""
    bars = {"first page": PAGE_MS} | {f"filter: {name}": FILTER_MS for name in FILTERS}
    told = [
        [f"{name}, ms", f"{value:.1f}", beside(value, bars[name], digits=0) if name in bars else ""]
        for name, value in found.calls_ms.items()
    ]
    more = found.watched["writer"] - found.alone["writer"]
    slowest = max(found.delays_s)
    return [
        *told,
        ["until all are held, s", f"{found.loaded_s:.1f}", ""],
        ["memory of the whole process, KiB a start", f"{found.memory_kib:.1f}", ""],
        ["admin, nothing to do, % of a core", f"{found.idle:.2f}", beside(found.idle, IDLE_PERCENT)],
        [f"admin, {options.rate:g} starts/s, no viewer, %", f"{found.alone['admin']:.1f}", ""],
        [f"admin, {options.viewers} viewers, %", f"{found.watched['admin']:.1f}", ""],
        ["writer, no viewer, %", f"{found.alone['writer']:.1f}", ""],
        [f"writer, {options.viewers} viewers, more, %", f"{more:.1f}", beside(more, WRITER_PERCENT)],
        ["seen after, median, s", f"{statistics.median(found.delays_s):.2f}", ""],
        ["seen after, slowest, s", f"{slowest:.2f}", beside(slowest, SEEN_S)],
    ]


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.admin")
    parser.add_argument("--starts", type=int, default=10_000)
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--rate", type=float, default=20.0, help="starts per second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement of CPU")
    parser.add_argument("--be", choices=("admin", "writer"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be == "admin":
        asyncio.run(be_admin(options.folder, options.starts))
    elif options.be == "writer":
        asyncio.run(be_writer(options.folder, options.rate))
    else:
        with tempfile.TemporaryDirectory(prefix="bench-admin-") as folder:
            found = asyncio.run(measure(Path(folder), options))
        report.publish(
            "admin",
            where=report.machine() | {"starts": options.starts, "viewers": options.viewers, "rate": options.rate},
            heads=("what", "figure", "bar"),
            rows=rows(found, options),
            figures=asdict(found),
        )


if __name__ == "__main__":
    main()
