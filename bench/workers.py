"""What a second worker is worth: its throughput beside that of one, CPU time by request, and how the load is shared.

The throughput of two workers on two CPUs of their own is to be had only where load and node have further ones. So each
worker gets the same small share of a CPU instead (`bench.quota`, as root), which makes it what bounds the throughput on
any machine: whatever workers wait for each other for, or share, then shows. What does not show is what CPUs share:
caches and memory. Without a quota it is CPU time by request and the busier worker's share that are told.

Run: python -m bench.workers [--rounds 5] [--requests 8000] [--connections 64] [--share 0.2]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import bars, measure, report
from bench.children import ChildError, child, free_port, pinned, python
from bench.quota import quota
from bench.targets import LOAD_CPU, PROXY_CPU
from bench.wire import send_load

_READY_S = 20.0
_LISTENING = "0A"
# Of two workers' throughput beside that of one.
BAR = 1.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One round: requests a second, CPU time by request, and the share of all CPU time that the busiest worker took."""

    per_second: float
    cpu_us: float
    busiest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Edge workers that share `port`; `limited` says whether each has no more than its share of a CPU."""

    port: int
    pids: tuple[int, ...]
    limited: bool


def listeners(port: int, table: str) -> int:
    """How many sockets listen on a loopback port, by the text of /proc/net/tcp (proc(5))."""
    address = f"0100007F:{port:04X}"
    lines = (line.split() for line in table.splitlines()[1:])
    return sum(1 for fields in lines if fields[1] == address and fields[3] == _LISTENING)


def _await_listeners(port: int, count: int) -> None:
    deadline = time.monotonic() + _READY_S
    while listeners(port, Path("/proc/net/tcp").read_text()) < count:
        if time.monotonic() > deadline:
            raise ChildError(f"{count} workers did not listen within {_READY_S:g} s")
        time.sleep(0.02)


@contextmanager
def workers(count: int, upstream_port: int, folder: Path, share: float) -> Iterator[Workers]:
    """So many edge workers on one port, each with `share` of a CPU where that can be had."""
    port, pids, limited = free_port(), [], True
    with ExitStack() as stack:
        for number in range(count):
            place = folder / f"{count}-{number}"
            place.mkdir()
            # First in, last out: a group can be removed once its members have ended.
            group = stack.enter_context(quota(share, f"{count}-{number}"))
            edge = pinned(python("bench.child_of", "edge", str(port), str(upstream_port), str(place)), PROXY_CPU)
            pids.append(stack.enter_context(child(edge, log=place / "log")))
            _await_listeners(port, number + 1)
            limited = group is not None and group.add(pids[-1]) and limited
        yield Workers(port=port, pids=tuple(pids), limited=limited)


def sample(target: Workers, connections: int, requests: int) -> Sample:
    """One round."""
    before = [measure.cpu(pid) for pid in target.pids]
    load = send_load(target.port, connections=connections, requests=requests, heads="typical")
    spent = [measure.cpu(pid).since(was).total_ns for pid, was in zip(target.pids, before, strict=True)]
    return Sample(
        per_second=load.requests / load.seconds,
        cpu_us=sum(spent) / load.requests / 1000,
        busiest=max(spent) / sum(spent),
    )


def measure_all(options: argparse.Namespace) -> tuple[dict[int, list[Sample]], bool]:
    """Samples by the number of workers, in rounds that take turns, and whether each worker was held to its share."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-workers-")))
        port = free_port()
        node = pinned(python("bench.origin", str(port)), LOAD_CPU)
        stack.enter_context(child(node, log=folder / "origin.log", listens=port))
        sets = {count: stack.enter_context(workers(count, port, folder, options.share)) for count in (1, 2)}
        samples: dict[int, list[Sample]] = {count: [] for count in sets}
        for number in range(options.rounds + 1):
            for count, target in sets.items():
                # Work in proportion, so that rounds are equally long.
                one = sample(target, options.connections, options.requests * count)
                if number:  # the first warms up
                    samples[count].append(one)
        return samples, all(target.limited for target in sets.values())


def rows(samples: Mapping[int, Sequence[Sample]], *, limited: bool) -> list[list[str]]:
    """The table: medians of the rounds."""
    median = statistics.median
    speed = {count: median(one.per_second for one in each) for count, each in samples.items()}
    found = []
    for count, each in samples.items():
        times = speed[count] / speed[1]
        found.append(
            [
                f"{count} worker{'s' if count > 1 else ''}",
                f"{median(one.cpu_us for one in each):.1f}",
                f"{median(one.busiest for one in each):.2f}",
                f"{speed[count]:.0f}" if limited else "",
                f"{times:.2f}" if limited else "",
                bars.beside(times, BAR, least=True) if limited and count > 1 else "",
            ]
        )
    return found


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.workers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=8_000, help="per round and worker")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--share", type=float, default=0.2, help="of a CPU, for each worker")
    options = parser.parse_args()
    samples, limited = measure_all(options)
    held = f"each worker {options.share:g} of a CPU" if limited else "no quota to be had: throughput not told"
    report.publish(
        "workers",
        where=report.machine() | {"rounds": options.rounds, "connections": options.connections, "quota": held},
        heads=("", "CPU µs/req", "busiest worker's share", "req/s", "x one", "bar"),
        rows=rows(samples, limited=limited),
        figures={str(count): [asdict(one) for one in each] for count, each in samples.items()},
    )


if __name__ == "__main__":
    main()
