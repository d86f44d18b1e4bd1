"""What others wait while fleets are started: ordinary starts at a steady pace, and requests through an edge worker."""

import asyncio
import json
import statistics
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.children import ROOT, pinned, python
from bench.jobs import Stage
from bench.load import LoadResult
from bench.start import Client
from bench.targets import LOAD_CPU

# Requests a second that pass through the edge meanwhile, over one connection.
PASSING_PER_S = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """Latencies in ms: of other starts, and of passing requests; `fleets` is how many fleets were started meanwhile."""

    case: str
    starts: int
    fleets: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    passing: int
    passing_p50_ms: float
    passing_p99_ms: float


async def paced(jobs: Sequence[str], stage: Stage, client: Client, per_second: float) -> list[float]:
    """Start jobs at a steady pace, whether or not those before have been answered; latencies in ms."""
    began = time.perf_counter()

    async def one(number: int, job: str) -> float:
        await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        return await client.start(job, stage) * 1000

    return list(await asyncio.gather(*(one(number, job) for number, job in enumerate(jobs))))


async def passing(port: int, seconds: float) -> LoadResult:
    """Requests through the edge on this port for about so long, sent by a process of its own.

    Raises:
        ConnectionError: a request failed; the process has printed why.
    """
    requests = max(1, round(seconds * PASSING_PER_S))
    command = python("bench.steady", str(port), "--requests", str(requests), "--per-second", str(PASSING_PER_S))
    process = await asyncio.create_subprocess_exec(*pinned(command, LOAD_CPU), cwd=ROOT, stdout=PIPE, stderr=sys.stderr)
    printed, _ = await process.communicate()
    if process.returncode:
        raise ConnectionError(f"bench.steady ended with status {process.returncode}")
    return LoadResult(**json.loads(printed))


async def over_and_over(start: Callable[[], Awaitable[object]], stop: asyncio.Event) -> int:
    """Repeat a start without a pause until told to stop; how many were answered."""
    started = 0
    while not stop.is_set():
        await start()
        started += 1
    return started


async def beside(
    case: str,
    jobs: Sequence[str],
    stage: Stage,
    client: Client,
    per_second: float,
    edge_port: int,
    start: Callable[[], Awaitable[object]] | None,
) -> Others:
    """Other starts and passing requests while `start` is repeated; alone where there is none."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        running = None if start is None else group.create_task(over_and_over(start, stop))
        passed = group.create_task(passing(edge_port, len(jobs) / per_second))
        ordered = sorted(await paced(jobs, stage, client, per_second))
        stop.set()
    result = passed.result()
    return Others(
        case=case,
        starts=len(ordered),
        fleets=0 if running is None else running.result(),
        p50_ms=statistics.median(ordered),
        p99_ms=ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        max_ms=ordered[-1],
        passing=result.requests,
        passing_p50_ms=result.p50_us / 1000,
        passing_p99_ms=result.p99_us / 1000,
    )
