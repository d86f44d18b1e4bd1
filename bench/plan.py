"""What a start over a fleet of sources costs the gate, and what it costs those who start other jobs meanwhile.

The gate runs as its own process, and asks a node that answers for fleets of 10 to 10,000 indices with 1,000 fields each
(`fleet`), and passes all else on to the embedded cluster. For each fleet: CPU time of the gate for one start, from its
arrival to its answer; the growth of the gate's memory to its peak; and both beside the length of the mapping answer.

Then ordinary starts come at a steady pace, first alone, then while the largest fleet is started over and over without
a pause. The delay is the difference between the two at the same percentile.

Run: python -m bench.plan [--indices 10 100 1000 10000] [--rounds 3] [--starts 300] [--per-second 20]
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from bench import measure, report
from bench.child_of import gate_socket
from bench.children import child, free_port, pinned, python
from bench.fleet import ANALYSED, FIELDS, answer_bytes
from bench.jobs import Calls, Kind, Stage, prepare
from bench.start import Client
from bench.targets import LOAD_CPU, PROXY_CPU
from proxy.embedded.app import Cluster, serve_embedded

_MIB = 1024 * 1024
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What a start over so many indices costs: medians of all rounds, but for `growth_mib`, the most of any round."""

    indices: int
    answer_mib: float
    cpu_ms: float
    seconds: float
    growth_mib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Latencies of other starts in ms, and how many fleets were started meanwhile."""

    case: str
    starts: int
    fleets: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def fleet_stage(cluster: Cluster) -> Stage:
    """Who starts the jobs over fleets: the superuser, who may; what comes back is a 200."""
    return Stage(kind=Kind.FIRST, authorization=cluster.superuser, status=200, warm=(), sampled=(), counted=())


class Fleets:
    """Makes jobs over fleets; each is good for one start."""

    def __init__(self, calls: Calls, cluster: Cluster) -> None:
        self._calls = calls
        self._cluster = cluster
        self._made = 0

    async def source(self, indices: int) -> None:
        """The one index that the embedded cluster itself has of a fleet: a job has to have a source."""
        name, owner = f"fleet-{indices}-000000", self._cluster.superuser
        await self._calls.call("PUT", name, json.dumps({"mappings": {"properties": ANALYSED}}), owner)

    async def job(self, indices: int) -> str:
        """A new job over a fleet."""
        self._made += 1
        job = f"fleet-{indices}-{self._made}"
        body = {
            "source": {"index": [f"fleet-{indices}-*"]},
            "dest": {"index": f"out-{job}", "results_field": "ml"},
            "analysis": {"outlier_detection": {"n_neighbors": 2}},
            "analyzed_fields": {"includes": list(ANALYSED)},
            "model_memory_limit": "50mb",
        }
        await self._calls.call("PUT", f"_ml/data_frame/analytics/{job}", json.dumps(body), self._cluster.superuser)
        return job


async def measure_fleet(indices: int, rounds: int, fleets: Fleets, client: Client, stage: Stage, pid: int) -> Fleet:
    """One start after the other over a fleet of this size."""
    await fleets.source(indices)
    await client.start(await fleets.job(indices), stage)  # what is paid once is not counted
    spent, took, grown = [], [], []
    for _ in range(rounds):
        job = await fleets.job(indices)
        await asyncio.sleep(0.5)  # the follow-up of the start before
        measure.forget_peak(pid)
        resident, before = measure.resident_bytes(pid), measure.cpu(pid)
        took.append(await client.start(job, stage))
        spent.append(measure.cpu(pid).since(before).total_ns / 1e6)
        grown.append((measure.peak_bytes(pid) - resident) / _MIB)
    return Fleet(
        indices=indices,
        answer_mib=answer_bytes(indices) / _MIB,
        cpu_ms=statistics.median(spent),
        seconds=statistics.median(took),
        growth_mib=max(grown),
    )


async def paced(jobs: Sequence[str], stage: Stage, client: Client, per_second: float) -> list[float]:
    """Start jobs at a steady pace, whether or not those before have been answered; latencies in ms."""
    began = time.perf_counter()

    async def one(number: int, job: str) -> float:
        await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        return await client.start(job, stage) * 1000

    return list(await asyncio.gather(*(one(number, job) for number, job in enumerate(jobs))))


async def over_and_over(indices: int, fleets: Fleets, client: Client, stage: Stage, stop: asyncio.Event) -> int:
    """Start jobs over a fleet until told to stop; how many were answered."""
    started = 0
    while not stop.is_set():
        await client.start(await fleets.job(indices), stage)
        started += 1
    return started


def others(case: str, took: Sequence[float], fleets: int) -> Others:
    """The figures of a case."""
    ordered = sorted(took)
    return Others(
        case=case,
        starts=len(took),
        fleets=fleets,
        p50_ms=statistics.median(ordered),
        p99_ms=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        max_ms=ordered[-1],
    )


async def measure_others(
    indices: int, stage: Stage, fleets: Fleets, client: Client, big: Stage, per_second: float
) -> list[Others]:
    """Ordinary starts alone, and beside fleets."""
    quiet, busy = stage.sampled
    alone = await paced(quiet, stage, client, per_second)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = group.create_task(over_and_over(indices, fleets, client, big, stop))
        beside = await paced(busy, stage, client, per_second)
        stop.set()
    return [others("alone", alone, 0), others(f"beside fleets of {indices}", beside, running.result())]


async def measure_all(options: argparse.Namespace) -> tuple[list[Fleet], list[Others]]:
    """Start cluster, node and gate, and measure."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-plan-")))
        cluster = await stack.enter_async_context(serve_embedded())
        stages = await prepare(cluster, counted=1, sampled=options.starts, rounds=2)
        port = free_port()
        node = python("bench.fleet", str(port), str(cluster.port), str(folder))
        await asyncio.to_thread(stack.enter_context, child(node, log=folder / "fleet.log", listens=port))
        service = f"ApiKey {cluster.add_api_key('gate')}"
        command = python("bench.child_of", "gate", str(port), str(folder), service)
        gate = child(pinned(command, PROXY_CPU), log=folder / "gate.log", listens=gate_socket(folder))
        pid = await asyncio.to_thread(stack.enter_context, gate)
        connector = aiohttp.UnixConnector(path=str(gate_socket(folder)), limit=0)
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
        direct = await stack.enter_async_context(aiohttp.ClientSession())
        client, fleets, big = Client(session), Fleets(Calls(direct, cluster.url), cluster), fleet_stage(cluster)
        first = next(stage for stage in stages if stage.kind is Kind.FIRST)
        await client.all(first.warm, first, 2)
        sizes = [await measure_fleet(indices, options.rounds, fleets, client, big, pid) for indices in options.indices]
        most = max(options.indices)
        return sizes, await measure_others(most, first, fleets, client, big, options.per_second)


def _size_row(each: Fleet) -> list[str]:
    return [
        str(each.indices),
        f"{each.answer_mib:.1f}",
        f"{each.cpu_ms:.0f}",
        f"{each.cpu_ms * 1000 / each.indices:.0f}",
        f"{each.seconds:.2f}",
        f"{each.growth_mib:.1f}",
        f"{max(0.0, each.growth_mib - each.answer_mib):.1f}",
    ]


def _delay_row(each: Others, alone: Others) -> list[str]:
    delays = (each.p50_ms - alone.p50_ms, each.p99_ms - alone.p99_ms)
    return [
        each.case,
        str(each.starts),
        str(each.fleets),
        *(f"{value:.1f}" for value in (each.p50_ms, each.p99_ms, each.max_ms, *delays)),
    ]


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.plan")
    parser.add_argument("--indices", nargs="+", type=int, default=[10, 100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=3, help="starts over each fleet")
    parser.add_argument("--starts", type=int, default=300, help="other starts, alone and again beside fleets")
    parser.add_argument("--per-second", type=float, default=20, help="the pace of other starts")
    options = parser.parse_args()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CPU})
    sizes, delays = asyncio.run(measure_all(options))
    heads = ("indices", "answer MiB", "CPU ms", "us/index", "seconds", "growth MiB", "above the answer MiB")
    print(report.table(heads, [_size_row(each) for each in sizes]))
    print()
    report.publish(
        "plan",
        where=report.machine() | {"fields": FIELDS, "rounds": options.rounds, "per_second": options.per_second},
        heads=("other starts", "starts", "fleets", "p50 ms", "p99 ms", "max ms", "delay p50", "delay p99"),
        rows=[_delay_row(each, delays[0]) for each in delays],
        figures={"fleets": [asdict(each) for each in sizes], "others": [asdict(each) for each in delays]},
    )


if __name__ == "__main__":
    main()
