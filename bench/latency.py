"""What passing a proxy adds to latency at half its load, side by side with other proxies in one run.

Each proxy's top load is measured first: as many requests as it answers, one worker, load and node on the other CPU, so
that it may be these that bound it. Then requests come at a constant rate (`bench.pace`): half of a proxy's own top, and
for comparison half of the lowest top of all, in rounds that take turns. Latency is told from when a request was due.

Milliseconds at the 99th percentile are told by whatever else wants a CPU: where the machine is busy, run it with
precedence, `chrt -r 1 python -m bench.latency` (as root; children inherit it). The bar is measured against the lower of
nginx's two: where its top is that of the load, half of it may be more than load and node do without queueing.

Run: python -m bench.latency [--rounds 7] [--seconds 2] [--peers nginx startgate]
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

from bench import bars, report
from bench.children import ROOT, child, free_port, pinned, python
from bench.load import LoadResult
from bench.peers import PEERS
from bench.targets import LOAD_CPU, Target, present, running
from bench.wire import send_load

_CONNECTIONS = 32
_HEADS = "typical"
_YARDSTICK = "nginx"
_SHARE = 0.5
# Of nginx's 99th percentile.
BAR = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Of one proxy: its top load (requests a second), then rounds at half of it, and at half of the lowest top."""

    top: float
    own: list[LoadResult]
    common: list[LoadResult]


def at_rate(port: int, per_second: float, seconds: float) -> LoadResult:
    """One round, sent by a process of its own.

    Raises:
        subprocess.CalledProcessError: a request failed (its message is on standard error).
    """
    shape = ("--connections", str(_CONNECTIONS), "--heads", _HEADS)
    pace = ("--per-second", f"{per_second:.1f}", "--seconds", f"{seconds:g}")
    command = pinned(python("bench.pace", str(port), *shape, *pace), LOAD_CPU)
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return LoadResult(**json.loads(run.stdout))


def top_loads(targets: Sequence[Target], rounds: int, requests: int) -> dict[Target, float]:
    """Requests a second that each target answers, the median of rounds that take turns."""
    rates: dict[Target, list[float]] = {target: [] for target in targets}
    for _ in range(rounds + 1):
        for target in targets:
            load = send_load(target.port, connections=_CONNECTIONS, requests=requests, heads=_HEADS)
            rates[target].append(load.requests / load.seconds)
    return {target: statistics.median(each[1:]) for target, each in rates.items()}  # the first warms up


def measure_all(peers: Sequence[str], *, rounds: int, seconds: float, requests: int) -> dict[Target, Found]:
    """Start the node and every peer, find their top loads, then let them take turns."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-latency-")))
        port = free_port()
        node = pinned(python("bench.origin", str(port)), LOAD_CPU)
        stack.enter_context(child(node, log=folder / "origin.log", listens=port))
        targets = [Target(name="direct", version="", port=port, pid=None)]
        targets += [stack.enter_context(running(peer, program, port, folder)) for peer, program in present(peers)]
        tops = top_loads(targets, 3, requests)
        lowest = min(tops.values()) * _SHARE
        found = {target: Found(top=tops[target], own=[], common=[]) for target in targets}
        for number in range(rounds):
            shift = number % len(targets)
            for target in targets[shift:] + targets[:shift]:
                found[target].own.append(at_rate(target.port, tops[target] * _SHARE, seconds))
                found[target].common.append(at_rate(target.port, lowest, seconds))
        return found


def p50_ms(rounds: Sequence[LoadResult]) -> float:
    """The median of the rounds' 50th percentiles."""
    return statistics.median(each.p50_us for each in rounds) / 1000


def p99_ms(rounds: Sequence[LoadResult]) -> float:
    """The median of the rounds' 99th percentiles."""
    return statistics.median(each.p99_us for each in rounds) / 1000


def row(target: Target, found: Found, yardstick: Found | None) -> list[str]:
    """A line of the table; `yardstick` is nginx, where it was measured."""
    lower = min(p99_ms(yardstick.own), p99_ms(yardstick.common)) if yardstick else 0.0
    times = p99_ms(found.own) / lower if lower and target.pid else 0.0
    return [
        f"{target.name} {target.version}".strip(),
        f"{found.top:.0f}",
        f"{found.top * _SHARE:.0f}",
        f"{p50_ms(found.own):.3f}",
        f"{p99_ms(found.own):.3f}",
        f"{times:.2f}" if times else "",
        bars.beside(times, BAR) if times and target.name == "startgate" else "",
        f"{p50_ms(found.common):.3f}",
        f"{p99_ms(found.common):.3f}",
    ]


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2, help="of one round, of which each proxy has two")
    parser.add_argument("--requests", type=int, default=15_000, help="of a round that looks for the top load")
    names = [peer.name for peer in PEERS]
    parser.add_argument("--peers", nargs="+", choices=names, default=[name for name in names if name != "aiohttp"])
    options = parser.parse_args()
    found = measure_all(options.peers, rounds=options.rounds, seconds=options.seconds, requests=options.requests)
    yardstick = next((each for target, each in found.items() if target.name == _YARDSTICK), None)
    lowest = min(each.top for each in found.values()) * _SHARE
    report.publish(
        "latency",
        where=report.machine() | {"rounds": options.rounds, "seconds": options.seconds},
        heads=(
            *("one worker", "top req/s", "half of it", "p50 ms", "p99 ms", "x nginx's p99", "bar"),
            *(f"p50 at {lowest:.0f}/s", "p99"),
        ),
        rows=[row(target, each, yardstick) for target, each in found.items()],
        figures={target.name: asdict(each) for target, each in found.items()},
    )


if __name__ == "__main__":
    main()
