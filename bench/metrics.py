"""What metrics cost: CPU time of a passed request with and without counting, and how long a scrape takes.

The first: two workers that differ in nothing else, with the same node behind them and the same requests, in rounds that
take turns. The second: the admin process asks four processes that tell of fifty nodes each, as workers do, and writes
the text. Bars: counting costs at most 3 % of a request's CPU; a scrape takes at most 50 ms.

Run: python -m bench.metrics [--rounds 7] [--requests 20000] [--connections 32] [--scrapes 40] [--workers 4]
         [--nodes 50]
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import aiohttp

from bench import report
from bench.bars import beside
from bench.children import child, free_port, pinned, python
from bench.peers import Peer, Place
from bench.targets import LOAD_CPU, Target, running
from bench.wire import sample, send_load
from proxy.admin.app import run as run_admin
from proxy.edge.context import Context
from proxy.edge.meter import Meter
from proxy.edge.nodes import Address, ProtocolFactory, gate_address
from proxy.edge.notes import Notes
from proxy.edge.pool import Pool
from proxy.edge.sides import Target as Side
from proxy.edge.sweep import Sweep
from proxy.metrics.teller import Teller
from proxy.settings import AdminPort, AdminSettings, EdgeLimits

COST_PERCENT = 3.0
SCRAPE_MS = 50.0
STATUSES = (200, 404, 503)


def _worker(name: str, kind: str) -> Peer:
    def command(_program: str, place: Place) -> list[str]:
        return python("bench.child_of", kind, str(place.port), str(place.upstream_port), str(place.folder))

    return Peer(name=name, install="", find=lambda: sys.executable, version=lambda _: "", command=command)


WORKERS = (_worker("off", "edge"), _worker("on", "edge-counted"))


def counting(options: argparse.Namespace) -> dict[str, list[float]]:
    """Microseconds of CPU per request of both workers, round by round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-metrics-")))
        port = free_port()
        origin = pinned(python("bench.origin", str(port), "small"), LOAD_CPU)
        stack.enter_context(child(origin, log=folder / "origin.log", listens=port))
        targets = [stack.enter_context(running(peer, sys.executable, port, folder)) for peer in WORKERS]
        shape = {"connections": options.connections, "heads": "typical"}
        for target in targets:  # connections, caches and branch predictors warm up
            send_load(target.port, requests=max(options.requests // 4, 1), **shape)
        found: dict[str, list[float]] = {target.name: [] for target in targets}
        for number in range(options.rounds):
            turn: list[Target] = targets if number % 2 else targets[::-1]
            for target in turn:
                found[target.name].append(sample(target, requests=options.requests, **shape).cpu_us)
        return found


async def scraping(scrapes: int, workers: int, nodes: int) -> tuple[list[float], int]:
    """How long scrapes took, in milliseconds, and how many bytes one has."""
    loop = asyncio.get_running_loop()
    names = tuple(f"edge-{number + 1}" for number in range(workers))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-metrics-")))
        path = folder / "metrics.sock"
        stop, bound = asyncio.Event(), loop.create_future()
        settings = AdminSettings(
            listen=AdminPort(host="127.0.0.1", port=0),
            processes=names,
            nodes=("http://127.0.0.1:9",),
            journal=str(folder),
        )
        admin = asyncio.ensure_future(run_admin(settings, path, stop, lambda: None, bound.set_result))
        port = await bound
        for name in names:
            command = python("bench.metrics", "--tell", str(path), "--name", name, "--nodes", str(nodes))
            stack.enter_context(child(command, log=folder / f"{name}.log"))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            while await _asked(session, "/health/startup") != 200:  # noqa: ASYNC110 -- of other processes
                await asyncio.sleep(0.05)
            took, size = await _scrapes(session, scrapes)
        stop.set()
        await admin
    return took, size


async def _asked(session: aiohttp.ClientSession, path: str) -> int:
    async with session.get(path) as response:
        return response.status


async def _scrapes(session: aiohttp.ClientSession, scrapes: int) -> tuple[list[float], int]:
    took, size = [], 0
    for _ in range(scrapes):
        began = time.perf_counter()
        async with session.get("/metrics", headers={"Accept": "application/openmetrics-text"}) as response:
            size = len(await response.read())
        took.append((time.perf_counter() - began) * 1000)
    return took, size


async def tell(path: str, name: str, nodes: int) -> None:
    """Be a worker that has answered over so many nodes, for ever."""
    limits, sweep = EdgeLimits(), Sweep(asyncio.get_running_loop())

    async def nowhere(_factory: ProtocolFactory) -> object:
        raise OSError

    addresses = [Address(f"https://node-{number}.example.org:9200", nowhere) for number in range(nodes)]
    cluster = Side(Pool(addresses, limits, sweep, metered=True), "", "", "")
    gate = Side(Pool([gate_address("/nowhere")], limits, sweep, gate=True, metered=True), "", "", "")
    for node in (*cluster.pool.nodes, *gate.pool.nodes):
        for status in STATUSES:
            if node.tally is not None:
                node.tally.note(status, 0.01)
    context = Context(limits=limits, sweep=sweep, cluster=cluster, gate=gate, notes=Notes("/nowhere", limits))
    await Teller(name, path).keep(Meter(context).tell)


def show(found: dict[str, list[float]], took: list[float], size: int, options: argparse.Namespace) -> None:
    """Print both, beside their bars."""
    off, on = statistics.median(found["off"]), statistics.median(found["on"])
    # Round by round, since both of a round met the same machine.
    cost = (statistics.median(b / a for a, b in zip(found["off"], found["on"], strict=True)) - 1) * 100
    scrape = statistics.median(took)
    report.publish(
        "metrics",
        where=report.machine() | {"rounds": options.rounds, "requests": options.requests, "nodes": options.nodes},
        heads=("what", "figure", "bar"),
        rows=[
            ["CPU µs/req, not counted", f"{off:.1f}", ""],
            ["CPU µs/req, counted", f"{on:.1f}", ""],
            ["cost of counting, %", f"{cost:.1f}", beside(cost, COST_PERCENT, digits=1)],
            [f"scrape of {options.workers} workers, ms", f"{scrape:.1f}", beside(scrape, SCRAPE_MS, digits=1)],
            ["scrape, slowest, ms", f"{max(took):.1f}", ""],
            ["scrape, KiB", f"{size / 1024:.0f}", ""],
        ],
        figures={"counting_us": found, "scrape_ms": took, "scrape_bytes": size},
    )


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.metrics")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=20_000, help="per round and worker")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--scrapes", type=int, default=40)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--nodes", type=int, default=50)
    parser.add_argument("--tell", metavar="PATH", help=argparse.SUPPRESS)
    parser.add_argument("--name", default="edge-1", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tell is not None:
        asyncio.run(tell(options.tell, options.name, options.nodes))
        return
    took, size = asyncio.run(scraping(options.scrapes, options.workers, options.nodes))
    show(counting(options), took, size, options)


if __name__ == "__main__":
    main()
