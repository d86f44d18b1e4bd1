"""What many starts take: starts per second over a while, memory of the gate before and after, and the journal by start.

Starts go through one gate, its own process as the supervisor starts it, in front of the embedded cluster, which shares
a process with the clients: first granted ones, then denied ones. What the journal grew by is told by start, with the
ends of jobs. Their records are then written over and over, each time under other receipts and sealed anew, to journals
of a hundred thousand starts: those are measured, verified and listed by user.

Run: python -m bench.capacity [--starts 2000] [--kept 100000] [--clients 8]
"""

import argparse
import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from bench import measure, report
from bench.child_of import gate_socket
from bench.children import ROOT, child, pinned, python
from bench.jobs import Kind, Stage, prepare
from bench.start import Client
from bench.targets import LOAD_CPU, PROXY_CPU
from proxy.embedded.app import serve_embedded
from proxy.journal.chain import genesis, seal

KINDS = (Kind.FIRST, Kind.DENIED)
# As large as the gate lets a file become.
FILE_BYTES = 64 * 1024 * 1024
# So many records has a start. Jobs end at once; two or three polls later their ends are on record.
RECORDS = {Kind.FIRST: 3, Kind.DENIED: 1}
SETTLED_S = 60.0
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sustained:
    """So many starts of one kind, one after the other by several clients. Memory is resident memory of the gate."""

    kind: Kind
    per_second: float
    cpu_ms: float
    memory_before_mib: float
    memory_after_mib: float
    journal_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A journal of so many starts of one kind: its size, and the seconds that reading it takes."""

    kind: Kind
    starts: int
    records: int
    size_bytes: int
    verify_cpu_s: float
    list_s: float


async def sustain(stage: Stage, client: Client, gate_pid: int, folder: Path, clients: int) -> Sustained:
    """Start all jobs of a stage."""
    lines, grown, memory = _lines(folder), _size(folder), measure.resident_bytes(gate_pid)
    before, began = measure.cpu(gate_pid), time.perf_counter()
    await client.all(stage.counted, stage, clients)
    seconds = time.perf_counter() - began
    await settled(folder, lines + RECORDS[stage.kind] * len(stage.counted))
    starts = len(stage.counted)
    return Sustained(
        kind=stage.kind,
        per_second=starts / seconds,
        cpu_ms=measure.cpu(gate_pid).since(before).total_ns / 1e6 / starts,
        memory_before_mib=memory / _MIB,
        memory_after_mib=measure.resident_bytes(gate_pid) / _MIB,
        journal_bytes=(_size(folder) - grown) / starts,
    )


async def settled(folder: Path, lines: int) -> None:
    """Until so many records are in the journal.

    Raises:
        TimeoutError: they do not come.
    """
    async with asyncio.timeout(SETTLED_S):
        while _lines(folder) < lines:  # noqa: ASYNC110 -- of another process
            await asyncio.sleep(0.5)


async def measure_starts(folder: Path, options: argparse.Namespace) -> list[Sustained]:
    """Start cluster and gate, and jobs of each kind; the journal stays in the folder."""
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(serve_embedded())
        stages = await prepare(cluster, counted=options.starts, sampled=0, rounds=0, kinds=KINDS)
        service = f"ApiKey {cluster.add_api_key('gate')}"
        command = python("bench.child_of", "gate", str(cluster.port), str(folder), service)
        gate = child(pinned(command, PROXY_CPU), log=folder / "gate.log", listens=gate_socket(folder))
        pid = await asyncio.to_thread(stack.enter_context, gate)
        connector = aiohttp.UnixConnector(path=str(gate_socket(folder)), limit=0)
        client = Client(await stack.enter_async_context(aiohttp.ClientSession(connector=connector)))
        journal = folder / "journal"
        for stage in stages:  # connections to the cluster, the version of the cluster, caches
            lines = _lines(journal)
            await client.all(stage.warm, stage, 2)
            await settled(journal, lines + RECORDS[stage.kind] * len(stage.warm))
        return [await sustain(stage, client, pid, journal, options.clients) for stage in stages]


def recorded(journal: Path) -> dict[Kind, list[list[dict[str, Any]]]]:
    """The records of each whole start in a journal, by kind, without their seals."""
    by_receipt: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(journal.glob("starts-*.jsonl")):
        for line in file.read_bytes().splitlines():
            record = msgspec.json.decode(line)
            record["startgate"].pop("chain", None)
            if "receipt" in record["startgate"]:
                by_receipt.setdefault(record["startgate"]["receipt"], []).append(record)
    return {kind: [each for each in by_receipt.values() if len(each) == RECORDS[kind]] for kind in KINDS}


def keep(starts: Sequence[list[dict[str, Any]]], wanted: int, folder: Path) -> tuple[int, int]:
    """Write a journal of so many starts, like those that are given by turns; its records, and its size in bytes."""
    folder.mkdir(mode=0o700)
    link, records, size, files = genesis("bench-capacity-0000000"), 0, 0, count(1)
    lines = _renewed(starts, wanted)
    line = next(lines, None)
    while line is not None:
        with (folder / f"starts-{next(files):06d}.jsonl").open("wb") as file:
            while line is not None and file.tell() < FILE_BYTES:
                sealed, link = seal(line, link)
                size += file.write(sealed)
                records += 1
                line = next(lines, None)
    return records, size


def _renewed(starts: Sequence[list[dict[str, Any]]], wanted: int) -> Iterator[dict[str, Any]]:
    for number, records in enumerate(islice(cycle(starts), wanted)):
        receipt = f"{number:032x}"
        for record in records:
            ours = record["startgate"] | {"receipt": receipt}
            yield record | {"startgate": ours}


def measure_kept(kind: Kind, starts: Sequence[list[dict[str, Any]]], wanted: int, folder: Path) -> Kept:
    """A journal of so many starts, which is removed again."""
    records, size = keep(starts, wanted, folder)
    by_cpu, *_ = _read("--measure-verify", str(folder))
    listed, *_ = _read("--measure-list", "user", str(folder))
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    return Kept(
        kind=kind, starts=wanted, records=records, size_bytes=size, verify_cpu_s=records / by_cpu, list_s=listed
    )


def _read(*arguments: str) -> list[float]:
    command = python("bench.journal_reading", *arguments)
    return [float(word) for word in subprocess.check_output(command, cwd=ROOT, text=True).split()]


def _lines(folder: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in folder.glob("starts-*.jsonl"))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("starts-*.jsonl"))


def rows(sustained: Sequence[Sustained], kept: Sequence[Kept]) -> list[list[str]]:
    """Each figure, with its unit."""
    found = [
        row
        for each in sustained
        for row in (
            [f"{each.kind}: starts", f"{each.per_second:.0f}", "a second"],
            [f"{each.kind}: CPU of the gate", f"{each.cpu_ms:.2f}", "ms a start"],
            [f"{each.kind}: memory of the gate, before", f"{each.memory_before_mib:.1f}", "MiB"],
            [f"{each.kind}: and after", f"{each.memory_after_mib:.1f}", "MiB"],
            [f"{each.kind}: journal", f"{each.journal_bytes:,.0f}", "bytes a start"],
        )
    ]
    for one in kept:
        what = f"{one.kind}: {one.starts:,} starts kept"
        found += [
            [f"{what}, {one.records:,} records", f"{one.size_bytes / one.starts:,.0f}", "bytes a start"],
            [f"{what}: a million are", f"{one.size_bytes / one.starts / 1000:.2f}", "GB"],
            [f"{what}: verify", f"{one.verify_cpu_s:.2f}", "s of CPU"],
            [f"{what}: list by user", f"{one.list_s:.2f}", "s"],
        ]
    return found


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity")
    parser.add_argument("--starts", type=int, default=2000, help="of each kind, through the gate")
    parser.add_argument("--kept", type=int, default=100_000, help="starts of each kind in a journal that is read")
    parser.add_argument("--clients", type=int, default=8, help="how many starts are under way at a time")
    options = parser.parse_args()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CPU})
    with tempfile.TemporaryDirectory(prefix="bench-capacity-") as place:
        folder = Path(place)
        sustained = asyncio.run(measure_starts(folder, options))
        originals = recorded(folder / "journal")
        kept = [measure_kept(kind, originals[kind], options.kept, folder / "kept") for kind in KINDS]
    report.publish(
        "capacity",
        where=report.machine() | {"starts": options.starts, "clients": options.clients},
        heads=("one gate", "figure", "unit"),
        rows=rows(sustained, kept),
        figures={"sustained": [asdict(each) for each in sustained], "kept": [asdict(each) for each in kept]},
    )


if __name__ == "__main__":
    main()
