"""What a start costs: starts per second and CPU time of one gate, and how many calls to the cluster wait for another.

The gate runs as its own process, as the supervisor starts it, and is reached over its Unix socket; the embedded
cluster, whose jobs take no time, and the clients share this one. Four kinds of start: the destination is created
(`first`), exists already and is empty (`later`), the caller may not read the source (`denied`), the cluster refuses
the start and the destination that was made for it is removed again (`refused`).

Round trips are told twice. `by delay`: every answer of the cluster is held back by 0, 1, 10 and 50 ms, and the growth
of the median latency over the last is divided by that delay, as long as it really was. `by record`: of the calls that
the cluster received for one start, the longest chain in which each came only after the one before had been answered.
Calls that follow the start up, after it was forwarded, belong to no round trip but do count in CPU time. Those of a
removal, for which the client waits, are told by themselves. What the gate
adds at each delay is the growth of the median over that of first starts which are sent to the cluster itself.

Run: python -m bench.start [--starts 300] [--clients 8] [--samples 15]
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bench import measure, report
from bench.child_of import gate_socket
from bench.children import child, pinned, python
from bench.jobs import Kind, Stage, jobs_for, prepare
from bench.targets import LOAD_CPU, PROXY_CPU
from proxy.embedded.app import Cluster, Received, serve_embedded

DELAYS_MS = (0, 1, 10, 50)
# The bars: a start waits for no more calls to the cluster, one after the other; and for no more in all where it removes
# an index again. The second is missed: with fewer than LEAST_SAFE a removal could not keep all that it promises
# (docs/decisions/022-when-the-destination-is-kept.md).
ROUND_TRIPS = 4
WITH_REMOVAL = 5
LEAST_SAFE = 8
_JOBS_PATH = "/_ml/data_frame/analytics/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one kind of start costs.

    `latency_ms` holds a median for each delay of `DELAYS_MS`, `direct_ms` those of starts without the gate, `slept_ms`
    what the delays really were; `cpu_ms` is the gate's CPU time per start with its follow-up; `calls` and `chain` are
    the most that any start needed, `removal` the longest chain after the forward, 0 where no index was removed.
    """

    kind: Kind
    per_second: float
    cpu_ms: float
    latency_ms: tuple[float, ...]
    direct_ms: tuple[float, ...]
    slept_ms: tuple[float, ...]
    calls: int
    chain: int
    removal: int

    @property
    def added_ms(self) -> tuple[float, ...]:
        """What the gate adds to a start, for each delay."""
        return tuple(through - direct for through, direct in zip(self.latency_ms, self.direct_ms, strict=True))

    @property
    def round_trips(self) -> float:
        """Growth of latency per delay of the cluster, over the longest delay."""
        return (self.latency_ms[-1] - self.latency_ms[0]) / (self.slept_ms[-1] - self.slept_ms[0])


class Client:
    """Sends starts to the gate over its Unix socket, or to the node at `url`."""

    def __init__(self, session: aiohttp.ClientSession, url: str = "http://localhost") -> None:
        self._session = session
        self._url = url

    async def start(self, job: str, stage: Stage) -> float:
        """One start; its latency in seconds.

        Raises:
            ConnectionError: the answer is not the one that this kind of start must get.
        """
        began = time.perf_counter()
        url = f"{self._url}/_ml/data_frame/analytics/{job}/_start"
        async with self._session.post(url, headers={"Authorization": stage.authorization}) as answer:
            body = await answer.read()
            if answer.status != stage.status:
                raise ConnectionError(f"start of {job}: {answer.status} instead of {stage.status}: {body[:2000]!r}")
        return time.perf_counter() - began

    async def all(self, jobs: Sequence[str], stage: Stage, clients: int) -> None:
        """Start all jobs, `clients` of them at a time."""
        waiting = iter(jobs)

        async def one_after_another() -> None:
            for job in waiting:
                await self.start(job, stage)

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(one_after_another())


def chain_length(calls: Sequence[Received], delay_s: float) -> int:
    """How many of the calls, at most, came each only after the answer to the one before."""
    length, answered_at = 0, float("-inf")
    for call in sorted(calls, key=lambda call: call.at):
        if call.at >= answered_at:
            length += 1
            answered_at = call.at + delay_s
    return length


def calls_of_start(calls: Sequence[Received], job: str) -> list[Received]:
    """The calls up to the forwarded start, or all where none was forwarded, without those that follow up other jobs."""
    own = _without_others(calls, job)
    return own[: next(_forwards(own), len(own))]


def calls_of_removal(calls: Sequence[Received], job: str) -> list[Received]:
    """The calls after the forwarded start as far as the deletion of an index; none where nothing was deleted."""
    own = _without_others(calls, job)
    after = own[next(_forwards(own), len(own)) :]
    deleted = [place for place, call in enumerate(after, 1) if call.method == "DELETE"]
    return after[: deleted[0]] if deleted else []


def _without_others(calls: Sequence[Received], job: str) -> list[Received]:
    paths = (_path(call) for call in calls)
    return [
        call
        for call, path in zip(calls, paths, strict=True)
        if not path.startswith(_JOBS_PATH) or path.removeprefix(_JOBS_PATH).partition("/")[0] == job
    ]


def _forwards(calls: Sequence[Received]) -> Iterator[int]:
    """The places behind the starts that were forwarded."""
    return (place for place, call in enumerate(calls, 1) if _path(call).endswith("/_start"))


def _path(call: Received) -> str:
    return call.target.partition("?")[0]


async def _slept_ms(delay_ms: int) -> float:
    """How long a sleep of that length really is: loops round up to their timers' resolution."""
    took = []
    for _ in range(10):
        began = time.perf_counter()
        await asyncio.sleep(delay_ms / 1000)
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


async def _sample(
    jobs: Sequence[str], stage: Stage, client: Client, cluster: Cluster, delay_ms: int
) -> tuple[float, list[list[Received]]]:
    """Median latency in ms of starts one after the other while the cluster delays its answers, and what the cluster
    received meanwhile, for each."""
    cluster.delay_s = delay_ms / 1000
    took, calls = [], []
    for job in jobs:
        cluster.calls.clear()
        took.append(await client.start(job, stage) * 1000)
        calls.append(list(cluster.calls))
        await asyncio.sleep(2 * cluster.delay_s)
    cluster.delay_s = 0.0
    return statistics.median(took), calls


async def measure_direct(stage: Stage, cluster: Cluster) -> tuple[float, ...]:
    """Median latencies in ms of starts that are sent to the cluster itself, for each delay."""
    async with aiohttp.ClientSession() as session:
        client = Client(session, cluster.url)
        await client.all(stage.warm, stage, 2)
        samples = zip(DELAYS_MS, stage.sampled, strict=True)
        return tuple([(await _sample(jobs, stage, client, cluster, delay_ms))[0] for delay_ms, jobs in samples])


async def measure_kind(
    stage: Stage,
    client: Client,
    cluster: Cluster,
    gate_pid: int,
    options: argparse.Namespace,
    direct_ms: tuple[float, ...],
) -> Figures:
    """Everything about one kind of start."""
    samples = [
        await _sample(jobs, stage, client, cluster, delay_ms)
        for delay_ms, jobs in zip(DELAYS_MS, stage.sampled, strict=True)
    ]
    slept_ms = tuple([await _slept_ms(delay_ms) for delay_ms in DELAYS_MS])
    await asyncio.sleep(options.settle)
    before, began = measure.cpu(gate_pid), time.perf_counter()
    await client.all(stage.counted, stage, options.clients)
    seconds = time.perf_counter() - began
    await asyncio.sleep(options.settle)
    spent = measure.cpu(gate_pid).since(before)
    recorded = list(zip(stage.sampled[-1], samples[-1][1], strict=True))
    starts = [calls_of_start(calls, job) for job, calls in recorded]
    removals = [calls_of_removal(calls, job) for job, calls in recorded]
    return Figures(
        kind=stage.kind,
        per_second=len(stage.counted) / seconds,
        cpu_ms=spent.total_ns / 1e6 / len(stage.counted),
        latency_ms=tuple(latency for latency, _ in samples),
        direct_ms=direct_ms,
        slept_ms=slept_ms,
        calls=max(map(len, starts)),
        chain=max(chain_length(calls, DELAYS_MS[-1] / 1000) for calls in starts),
        removal=max(chain_length(calls, DELAYS_MS[-1] / 1000) for calls in removals),
    )


async def measure_all(options: argparse.Namespace) -> list[Figures]:
    """Start cluster and gate, make jobs, and measure each kind of start."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-start-")))
        cluster = await stack.enter_async_context(serve_embedded())
        stages = await prepare(cluster, counted=options.starts, sampled=options.samples, rounds=len(DELAYS_MS))
        direct = await jobs_for(cluster, stages[0], options.samples, len(DELAYS_MS))
        service = f"ApiKey {cluster.add_api_key('gate')}"
        command = python("bench.child_of", "gate", str(cluster.port), str(folder), service)
        gate = child(pinned(command, PROXY_CPU), log=folder / "gate.log", listens=gate_socket(folder))
        pid = await asyncio.to_thread(stack.enter_context, gate)
        connector = aiohttp.UnixConnector(path=str(gate_socket(folder)), limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        client = Client(session)
        for stage in stages:  # connections to the cluster, the version of the cluster, caches
            await client.all(stage.warm, stage, 2)
        direct_ms = await measure_direct(direct, cluster)
        return [await measure_kind(stage, client, cluster, pid, options, direct_ms) for stage in stages]


def _row(figures: Figures) -> list[str]:
    return [
        figures.kind,
        f"{figures.per_second:.0f}",
        f"{figures.cpu_ms:.2f}",
        *(f"{latency:.2f}" for latency in figures.latency_ms),
        *(f"{added:.2f}" for added in figures.added_ms),
        f"{figures.round_trips:.2f}",
        str(figures.chain),
        str(ROUND_TRIPS),
        str(figures.removal or "-"),
        str(figures.chain + figures.removal if figures.removal else "-"),
        str(WITH_REMOVAL if figures.removal else "-"),
        str(LEAST_SAFE if figures.removal else "-"),
        str(figures.calls),
    ]


def readme(figures: Sequence[Figures], where: str) -> list[str]:
    """The rows of README.md's table of figures, in Markdown; `where` is date and machine."""
    first, later, denied, refused = figures
    in_all = refused.chain + refused.removal
    held = "holds" if in_all <= WITH_REMOVAL else "missed"
    cpu = f"{first.cpu_ms:.1f} ms for the first (which makes the destination), {later.cpu_ms:.1f} ms for a later one"
    added = (f"{first.added_ms[at]:.0f} ms at {DELAYS_MS[at]}" for at in range(len(DELAYS_MS) - 1))
    rows = (
        (
            "a start: sequential calls to the cluster",
            f"{first.chain} where the start is granted (bar: {ROUND_TRIPS}), {denied.chain} where it is denied",
        ),
        (
            "a start that the cluster refuses: sequential calls, with those that remove its index again",
            f"{in_all}, of which {refused.removal} remove it "
            f"(bar: {WITH_REMOVAL}, {held}; {LEAST_SAFE} is the least that is safe)",
        ),
        ("a start: what the gate adds, by the network's delay in ms", f"{', '.join(added)} (the 50th percentile)"),
        (
            "a start: CPU of the gate, in front of the embedded cluster",
            f"{cpu}, {denied.cpu_ms:.1f} ms for a denied one",
        ),
        (
            "starts per second, one gate, 8 clients, load and embedded cluster on the same 2 CPUs",
            f"{first.per_second:.0f}; {denied.per_second:.0f} denied",
        ),
    )
    return [f"| {what} | {figure} ({where}) |" for what, figure in rows]


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.start")
    parser.add_argument("--starts", type=int, default=300, help="of each kind, for starts per second and CPU time")
    parser.add_argument("--clients", type=int, default=8, help="how many starts are under way at a time")
    parser.add_argument("--samples", type=int, default=15, help="of each kind and delay, for latency and round trips")
    # Jobs end at once; the gate sees that within two or three polls, and closes their records.
    parser.add_argument("--settle", type=float, default=1.5, help="seconds for follow-ups to end before CPU is read")
    options = parser.parse_args()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CPU})
    figures = asyncio.run(measure_all(options))
    report.publish(
        "start",
        where=report.machine() | {"starts": options.starts, "clients": options.clients, "samples": options.samples},
        heads=(
            "one gate",
            "starts/s",
            "CPU ms/start",
            *(f"p50 at {delay} ms" for delay in DELAYS_MS),
            *(f"added at {delay}" for delay in DELAYS_MS),
            "round trips by delay",
            "by record",
            "at most",
            "removal",
            "in all",
            "at most",
            "least that is safe",
            "calls",
        ),
        rows=[_row(each) for each in figures],
        figures={
            each.kind: asdict(each) | {"round_trips": each.round_trips, "added_ms": each.added_ms} for each in figures
        },
    )
    machine = report.machine()
    print("\nfor the table in README.md:\n")
    where = f"{datetime.now(UTC):%Y-%m-%d}, {machine['cpus']} CPUs {machine['processor']}"
    print("\n".join(readme(figures, where)))


if __name__ == "__main__":
    main()
