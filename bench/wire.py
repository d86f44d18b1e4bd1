"""CPU time per passed request of one edge worker, side by side with other proxies in one run.

Every proxy gets one worker, the same node behind it and the same requests, in rounds that take turns, so that a busy
moment of the machine hits all alike; the table shows medians over the rounds. `direct` is the load without a proxy.
Load and node share one CPU, the proxies have the other (with two or more).

Run: python -m bench.wire [--rounds 5] [--requests 20000] [--connections 32] [--answer small]
         [--heads typical] [--peers nginx startgate]
"""

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import measure, report
from bench.children import ROOT, child, free_port, pinned, python
from bench.load import HEADS, LoadResult
from bench.origin import ANSWERS
from bench.peers import PEERS
from bench.targets import LOAD_CPU, Target, present, running

_YARDSTICK = "nginx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One round of one target; CPU times are microseconds per request, 0 for `direct`."""

    cpu_us: float
    system_us: float
    load: LoadResult


def send_load(port: int, *, connections: int, requests: int, heads: str) -> LoadResult:
    """One load in a process of its own.

    Raises:
        subprocess.CalledProcessError: a request failed (its message is on standard error).
    """
    shape = ("--connections", str(connections), "--requests", str(requests), "--heads", heads)
    command = python("bench.load", str(port), *shape)
    run = subprocess.run(pinned(command, LOAD_CPU), cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return LoadResult(**json.loads(run.stdout))


def sample(target: Target, *, connections: int, requests: int, heads: str) -> Sample:
    """One round: the load, and what the target's processes spent on it."""
    before = measure.cpu(target.pid) if target.pid else measure.Cpu(0, 0)
    load = send_load(target.port, connections=connections, requests=requests, heads=heads)
    after = measure.cpu(target.pid) if target.pid else measure.Cpu(0, 0)
    spent = after.since(before)
    return Sample(cpu_us=spent.total_ns / requests / 1000, system_us=spent.system_ns / requests / 1000, load=load)


def measure_all(options: argparse.Namespace) -> dict[Target, list[Sample]]:
    """Start the node and every peer, then let them take turns for the wanted number of rounds."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-wire-")))
        port = free_port()
        stack.enter_context(
            child(
                pinned(python("bench.origin", str(port), options.answer), LOAD_CPU),
                log=folder / "origin.log",
                listens=port,
            )
        )
        targets = [Target(name="direct", version="", port=port, pid=None)]
        for peer, program in present(options.peers):
            targets.append(stack.enter_context(running(peer, program, port, folder)))
        for target in targets:  # connections, caches and branch predictors warm up
            few = max(options.requests // 4, 1)
            send_load(target.port, connections=options.connections, requests=few, heads=options.heads)
        samples: dict[Target, list[Sample]] = {target: [] for target in targets}
        for number in range(options.rounds):
            shift = number % len(targets)
            for target in targets[shift:] + targets[:shift]:
                samples[target].append(
                    sample(target, connections=options.connections, requests=options.requests, heads=options.heads)
                )
        return samples


def _row(target: Target, samples: Sequence[Sample], yardstick_us: float | None) -> list[str]:
    cpu_us = statistics.median(each.cpu_us for each in samples)
    low, high = min(each.cpu_us for each in samples), max(each.cpu_us for each in samples)
    median = statistics.median
    return [
        f"{target.name} {target.version}".strip(),
        f"{cpu_us:.1f}" if target.pid else "",
        f"{low:.1f}-{high:.1f}" if target.pid else "",
        f"{median(each.system_us for each in samples):.1f}" if target.pid else "",
        f"{cpu_us / yardstick_us:.2f}" if target.pid and yardstick_us else "",
        f"{median(each.load.requests / each.load.seconds for each in samples):.0f}",
        f"{median(each.load.p50_us for each in samples) / 1000:.2f}",
        f"{median(each.load.p99_us for each in samples) / 1000:.2f}",
    ]


def show(samples: dict[Target, list[Sample]], options: argparse.Namespace) -> None:
    """Print the medians, and write every round's figures."""
    yardstick = next(
        (statistics.median(s.cpu_us for s in each) for target, each in samples.items() if target.name == _YARDSTICK),
        None,
    )
    heads = ("one worker", "CPU µs/req", "range", "of it system", "x nginx", "req/s", "p50 ms", "p99 ms")
    report.publish(
        "wire",
        where=report.machine()
        | {
            "rounds": options.rounds,
            "requests": options.requests,
            "connections": options.connections,
            "answer": options.answer,
            "heads": options.heads,
        },
        heads=heads,
        rows=[_row(target, each, yardstick) for target, each in samples.items()],
        figures={
            target.name: {"version": target.version, "rounds": [asdict(one) for one in each]}
            for target, each in samples.items()
        },
    )


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.wire")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20_000, help="per round and proxy")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--answer", choices=tuple(ANSWERS), default="small", help="1 or 100 KiB, whole or in chunks")
    parser.add_argument("--heads", choices=HEADS, default="typical", help="what varies in the requests (bench.load)")
    names = [peer.name for peer in PEERS]
    parser.add_argument("--peers", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    show(measure_all(options), options)


if __name__ == "__main__":
    main()
