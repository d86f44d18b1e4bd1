"""What observing costs: the calls that are observed, and those that are not.

`gate`: PUT, `_update`, `_stop` and DELETE of jobs through one edge worker and one gate, each as its own process, beside
the same calls sent to the embedded cluster itself; calls follow one another. `no gate`: the gate has ended. `stuck`: it
is there and does nothing (SIGSTOP), so that each answer waits for `observe_wait_s`. Kinds of calls take turns, so that
all see the same machine.

`route`: what the table of routes takes for requests that are not observed, by method. POST was looked at before there
was anything to observe, so that PUT and DELETE must not take longer than it.

Run: python -m bench.observe [--jobs 100]
"""

import argparse
import asyncio
import os
import signal
import statistics
import tempfile
import time
import timeit
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import aiohttp

from bench import report
from bench.child_of import gate_socket
from bench.children import child, free_port, python
from proxy.embedded.app import Cluster, serve_embedded
from proxy.route.router import PASS, route
from proxy.settings import EdgeLimits

WAIT_S = EdgeLimits().observe_wait_s
# Two calls to the cluster, side by side, and one fsync; nothing; the whole wait.
ADDED_MS = {"gate": 15.0, "no gate": 1.0, "stuck": WAIT_S * 1000 + 20}
# The machine's own noise between two methods that do the same.
ROUTE_RATIO = 1.15
TARGETS = (
    b"/flights/_doc/1",
    b"/_bulk?refresh=true",
    b"/_ml/anomaly_detectors/x/_open",
    b"/.kibana/_update/a:b?if_seq_no=1",
)
ROUTE_ROUNDS, ROUTE_CALLS = 15, 4000
# Each of them waits for a second.
STUCK_JOBS = 2
_JOBS = "/_ml/data_frame/analytics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """Median latency in milliseconds of one kind of call, directly and through."""

    call: str
    gate: str
    direct_ms: float
    through_ms: float
    p99_ms: float

    @property
    def added_ms(self) -> float:
        """What the way through adds."""
        return self.through_ms - self.direct_ms


def calls(job: str) -> dict[str, tuple[str, str, object]]:
    """A job's life, in order: kind of call to method, target and body."""
    body = {"source": {"index": ["observed"]}, "dest": {"index": f"{job}-out"}, "analysis": {"outlier_detection": {}}}
    return {
        "PUT": ("PUT", f"{_JOBS}/{job}", body),
        "_update": ("POST", f"{_JOBS}/{job}/_update", {"description": "other"}),
        "_stop": ("POST", f"{_JOBS}/{job}/_stop", None),
        "DELETE": ("DELETE", f"{_JOBS}/{job}", None),
    }


async def lives(cluster: Cluster, port: int, count: int, gate: str) -> list[Added]:
    """Whole lives of `count` jobs, directly and through by turns."""
    took: dict[tuple[str, str], list[float]] = {}
    bases = {"direct": cluster.url, "through": f"http://127.0.0.1:{port}"}
    async with aiohttp.ClientSession(headers={"authorization": cluster.superuser}) as session:
        for number in range(count + 1):
            for way, base in bases.items():
                for kind, (method, target, body) in calls(f"{way}-{number}").items():
                    begun = time.perf_counter()
                    async with session.request(method, base + target, json=body) as answer:
                        await answer.read()
                    if answer.status != 200:
                        raise RuntimeError(f"{method} {target} was answered with {answer.status}")
                    if number:  # the first one opens connections
                        took.setdefault((kind, way), []).append((time.perf_counter() - begun) * 1000)
    return [
        Added(
            call=kind,
            gate=gate,
            direct_ms=statistics.median(took[kind, "direct"]),
            through_ms=statistics.median(took[kind, "through"]),
            p99_ms=sorted(took[kind, "through"])[int(len(took[kind, "through"]) * 0.99)],
        )
        for kind in calls("")
    ]


async def observed(jobs: int) -> list[Added]:
    """All figures of observed calls."""
    found: list[Added] = []
    async with serve_embedded() as cluster:
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            folder, port = Path(place), free_port()
            upstream = cluster.url.rpartition(":")[2]
            edge = python("bench.child_of", "edge", str(port), upstream, place)
            gate = python("bench.child_of", "gate", upstream, place, cluster.superuser)
            with child(edge, log=folder / "edge.log", listens=port):
                with child(gate, log=folder / "gate.log", listens=gate_socket(folder)) as pid:
                    await _index(cluster)
                    found += await lives(cluster, port, jobs, "gate")
                    os.kill(pid, signal.SIGSTOP)
                    try:
                        found += await lives(cluster, port, min(jobs, STUCK_JOBS), "stuck")
                    finally:
                        os.kill(pid, signal.SIGCONT)
                found += await lives(cluster, port, jobs, "no gate")
    return found


async def _index(cluster: Cluster) -> None:
    headers = {"authorization": cluster.superuser}
    async with aiohttp.ClientSession(headers=headers) as session:
        body = {"mappings": {"properties": {"x": {"type": "double"}}}}
        async with session.put(f"{cluster.url}/observed", json=body) as answer:
            answer.raise_for_status()


def routes() -> dict[str, float]:
    """Nanoseconds for one request that is not observed, by method: the least of many rounds, which take turns."""
    least: dict[str, float] = {}
    for _ in range(ROUTE_ROUNDS):
        for method in (b"GET", b"POST", b"PUT", b"DELETE"):
            spent = timeit.timeit(partial(_route_all, method), number=ROUTE_CALLS) / ROUTE_CALLS / len(TARGETS) * 1e9
            least[method.decode()] = min(least.get(method.decode(), spent), spent)
    return least


def _route_all(method: bytes) -> None:
    for target in TARGETS:
        if route(method, target) is not PASS:
            raise RuntimeError(f"{target!r} is no ordinary target")


def show(found: Sequence[Added], took: dict[str, float], options: argparse.Namespace) -> None:
    """Print both tables with their bars, and write the figures."""
    bar = took["POST"] * ROUTE_RATIO
    print(report.table(["route", "ns", "bar"], [[name, f"{ns:.0f}", _bar(ns, bar)] for name, ns in took.items()]))
    rows = [_row(one) for one in found]
    report.publish(
        "observe",
        where={**report.machine(), "jobs": options.jobs},
        heads=["call", "direct ms", "through ms", "99th", "added ms", "bar"],
        rows=rows,
        figures={"calls": [asdict(one) for one in found], "route_ns": took},
    )


def _row(one: Added) -> list[str]:
    figures = (one.direct_ms, one.through_ms, one.p99_ms, one.added_ms)
    return [f"{one.call}, {one.gate}", *(f"{ms:.2f}" for ms in figures), _bar(one.added_ms, ADDED_MS[one.gate])]


def _bar(value: float, bar: float) -> str:
    return f"{bar:.0f}" if value <= bar else f"{bar:.0f}, missed"


def main() -> None:
    """Measure, print, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=100, help="lives of jobs that are measured for each figure")
    options = parser.parse_args()
    show(asyncio.run(observed(options.jobs)), routes(), options)


if __name__ == "__main__":
    main()
