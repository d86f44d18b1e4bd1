"""What a start over a fleet of sources costs the gate, and what it costs everybody else meanwhile.

The gate runs as its own process, and asks a node that answers for fleets of 10 to 10,000 indices with 1,000 fields each
(`fleet`), and passes all else on to the embedded cluster. Most mappings of a fleet are the same; of a motley one, no
two have a field in common. For each: CPU time of the gate for one start, from its arrival to its answer; the growth of
the gate's memory to its peak; and both beside the length of the mapping answer.

Then ordinary starts come at a steady pace, and searches pass through an edge worker: first with nothing beside them,
then while one fleet or another is started over and over without a pause. The delay is the difference at the same
percentile.

Run: python -m bench.plan [--indices 10 100 1000 10000] [--motley 200 1000] [--rounds 3] [--starts 300]
         [--per-second 20]
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from bench import measure, plan_report, report
from bench.beside import Others, beside
from bench.child_of import gate_socket
from bench.children import child, free_port, pinned, python
from bench.fleet import ANALYSED, FIELDS, Sort, answer_bytes
from bench.jobs import Calls, Kind, Stage, prepare
from bench.plan_report import MIB, Fleet
from bench.start import Client
from bench.targets import LOAD_CPU, PROXY_CPU
from proxy.embedded.app import Cluster, serve_embedded

_PATIENCE_S = 120.0


def fleet_stage(cluster: Cluster, status: int) -> Stage:
    """Who starts the jobs over fleets: the superuser, who may; `status` is what must come back."""
    return Stage(kind=Kind.FIRST, authorization=cluster.superuser, status=status, warm=(), sampled=(), counted=())


class Fleets:
    """Makes jobs over fleets; each is good for one start."""

    def __init__(self, calls: Calls, cluster: Cluster) -> None:
        self._calls = calls
        self._cluster = cluster
        self._made = 0

    async def source(self, sort: Sort, indices: int) -> None:
        """The one index that the embedded cluster itself has of a fleet: a job has to have a source."""
        name, owner = f"{sort}-{indices}-000000", self._cluster.superuser
        await self._calls.call("PUT", name, json.dumps({"mappings": {"properties": ANALYSED}}), owner)

    async def job(self, sort: Sort, indices: int) -> str:
        """A new job over a fleet."""
        self._made += 1
        job = f"{sort}-{indices}-{self._made}"
        body = {
            "source": {"index": [f"{sort}-{indices}-*"]},
            "dest": {"index": f"out-{job}", "results_field": "ml"},
            "analysis": {"outlier_detection": {"n_neighbors": 2}},
            "analyzed_fields": {"includes": list(ANALYSED)},
            "model_memory_limit": "50mb",
        }
        await self._calls.call("PUT", f"_ml/data_frame/analytics/{job}", json.dumps(body), self._cluster.superuser)
        return job


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is measured: a gate (`pid`) and an edge, who sends starts to the gate, and who makes jobs for them."""

    fleets: Fleets
    client: Client
    big: Mapping[Sort, Stage]
    others: Stage
    pid: int
    edge_port: int

    async def start(self, sort: Sort, indices: int) -> float:
        """One start over a fleet; its latency in seconds."""
        return await self.client.start(await self.fleets.job(sort, indices), self.big[sort])


async def measure_fleet(sort: Sort, indices: int, rounds: int, scene: Scene) -> Fleet:
    """One start after the other over a fleet of this size."""
    await scene.fleets.source(sort, indices)
    await scene.start(sort, indices)  # what is paid once is not counted
    spent, took, grown = [], [], []
    for _ in range(rounds):
        job = await scene.fleets.job(sort, indices)
        await asyncio.sleep(0.5)  # the follow-up of the start before
        measure.forget_peak(scene.pid)
        resident, before = measure.resident_bytes(scene.pid), measure.cpu(scene.pid)
        took.append(await scene.client.start(job, scene.big[sort]))
        spent.append(measure.cpu(scene.pid).since(before).total_ns / 1e6)
        grown.append((measure.peak_bytes(scene.pid) - resident) / MIB)
    return Fleet(
        sort=sort,
        indices=indices,
        answer_mib=answer_bytes(indices, sort) / MIB,
        cpu_ms=statistics.median(spent),
        seconds=statistics.median(took),
        growth_mib=max(grown),
    )


async def measure_others(kinds: list[tuple[Sort, int]], scene: Scene, per_second: float) -> list[Others]:
    """Others alone, and beside each of these fleets."""
    alone, *busy = scene.others.sampled
    found = [await beside("alone", alone, scene.others, scene.client, per_second, scene.edge_port, None)]
    for (sort, indices), jobs in zip(kinds, busy, strict=True):

        async def start(sort: Sort = sort, indices: int = indices) -> None:
            await scene.start(sort, indices)

        case = f"beside {sort}-{indices}"
        found.append(await beside(case, jobs, scene.others, scene.client, per_second, scene.edge_port, start))
    return found


async def _scene(stack: AsyncExitStack, phases: int, starts: int) -> Scene:
    """Start cluster, node, gate, edge and the node behind the edge."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-plan-")))
    cluster = await stack.enter_async_context(serve_embedded())
    (first,) = await prepare(cluster, counted=1, sampled=starts, rounds=phases, kinds=[Kind.FIRST])
    fleet_port, origin_port, edge_port = free_port(), free_port(), free_port()
    service = f"ApiKey {cluster.add_api_key('gate')}"
    node = python("bench.fleet", str(fleet_port), str(cluster.port), str(folder))
    await asyncio.to_thread(stack.enter_context, child(node, log=folder / "fleet.log", listens=fleet_port))
    gate = pinned(python("bench.child_of", "gate", str(fleet_port), str(folder), service), PROXY_CPU)
    running = child(gate, log=folder / "gate.log", listens=gate_socket(folder))
    pid = await asyncio.to_thread(stack.enter_context, running)
    origin = pinned(python("bench.origin", str(origin_port)), LOAD_CPU)
    await asyncio.to_thread(stack.enter_context, child(origin, log=folder / "origin.log", listens=origin_port))
    edge = pinned(python("bench.child_of", "edge", str(edge_port), str(origin_port), str(folder)), PROXY_CPU)
    await asyncio.to_thread(stack.enter_context, child(edge, log=folder / "edge.log", listens=edge_port))
    connector = aiohttp.UnixConnector(path=str(gate_socket(folder)), limit=0)
    timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
    direct = await stack.enter_async_context(aiohttp.ClientSession())
    return Scene(
        fleets=Fleets(Calls(direct, cluster.url), cluster),
        client=Client(session),
        # All fields of a motley fleet are more than an index may have: once merged, they are refused.
        big={Sort.ALIKE: fleet_stage(cluster, 200), Sort.MOTLEY: fleet_stage(cluster, 400)},
        others=first,
        pid=pid,
        edge_port=edge_port,
    )


async def measure_all(options: argparse.Namespace) -> tuple[list[Fleet], list[Others]]:
    """Measure every fleet, then everybody else."""
    motley = [(Sort.MOTLEY, indices) for indices in options.motley]
    kinds = [(Sort.ALIKE, max(options.indices)), *motley]
    async with AsyncExitStack() as stack:
        scene = await _scene(stack, 1 + len(kinds), options.starts)
        await scene.client.all(scene.others.warm, scene.others, 2)
        every = [(Sort.ALIKE, indices) for indices in options.indices] + motley
        sizes = [await measure_fleet(sort, indices, options.rounds, scene) for sort, indices in every]
        return sizes, await measure_others(kinds, scene, options.per_second)


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.plan")
    parser.add_argument("--indices", nargs="+", type=int, default=[10, 100, 1000, 10_000])
    parser.add_argument("--motley", nargs="*", type=int, default=[200, 1000], help="fleets with no field in common")
    parser.add_argument("--rounds", type=int, default=3, help="starts over each fleet")
    parser.add_argument("--starts", type=int, default=300, help="other starts, alone and again beside each fleet")
    parser.add_argument("--per-second", type=float, default=20, help="the pace of other starts")
    options = parser.parse_args()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CPU})
    sizes, others = asyncio.run(measure_all(options))
    print(report.table(plan_report.SIZES, [plan_report.size_row(each) for each in sizes]))
    print()
    report.publish(
        "plan",
        where=report.machine() | {"fields": FIELDS, "rounds": options.rounds, "per_second": options.per_second},
        heads=plan_report.DELAYS,
        rows=[plan_report.delay_row(each, others[0]) for each in others],
        figures={"fleets": [asdict(each) for each in sizes], "others": [asdict(each) for each in others]},
    )
    print()
    print(report.table(plan_report.BARS, plan_report.bars(sizes, others)))
    print("\nfor the table in README.md:\n")
    print("\n".join(plan_report.readme(sizes, others, report.machine())))


if __name__ == "__main__":
    main()
