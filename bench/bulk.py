"""How much of a big body a proxy passes on in a second of its CPU time, side by side with other proxies in one run.

Bodies go up and come down, with their length or in chunks, over one connection, in rounds that take turns as those of
`bench.wire`. nginx stands there twice: as it comes, where it writes big bodies to files, and set up to pass them on
while they come (`bench.peers.STREAMING`). The bar is measured against whichever of the two is better.

Run: python -m bench.bulk [--rounds 5] [--mebibytes 100] [--peers nginx nginx-streaming startgate]
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import product
from pathlib import Path

from bench import bars, measure, report
from bench.children import child, free_port, pinned, python
from bench.memory import connect, download, read_answer, upload
from bench.peers import PEERS, STREAMING, Peer
from bench.targets import LOAD_CPU, Target, present, running

_MIB = 1024 * 1024
# As a node cuts an answer that it makes piece by piece, and a client a request of which it knows no length.
_CHUNK_BYTES = 16 * 1024
_YARDSTICKS = ("nginx", "nginx-streaming")
# Of nginx's throughput by CPU second.
BAR = 0.7


class Way(StrEnum):
    """Where a body goes, and how its end is told."""

    UPLOAD = "upload"
    DOWNLOAD = "download"
    UPLOAD_CHUNKED = "upload, chunked"
    DOWNLOAD_CHUNKED = "download, chunked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One body of one target: MiB by second of the proxy's CPU time, and by second."""

    mib_per_cpu_s: float
    mib_per_s: float


def upload_chunked(port: int, length: int) -> None:
    """Send `length` bytes (a multiple of 64 chunks of 16 KiB) in chunks."""
    chunks = (b"%x\r\n" % _CHUNK_BYTES + bytes(_CHUNK_BYTES) + b"\r\n") * 64
    with connect(port) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(length // (64 * _CHUNK_BYTES)):
            client.sendall(chunks)
        client.sendall(b"0\r\n\r\n")
        read_answer(client)


def download_chunked(port: int, length: int) -> None:
    """Read an answer of `length` bytes (a multiple of 16 KiB) that comes in chunks, to the last one.

    Raises:
        ConnectionError: it ends too early or is too short.
    """
    came, tail, buffer = 0, b"", bytearray(256 * 1024)
    with connect(port) as client:
        client.sendall(b"GET /chunked/%d HTTP/1.1\r\nHost: x\r\n\r\n" % length)
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            if not (size := client.recv_into(buffer)):
                raise ConnectionError(f"closed after {came} bytes: {tail!r}")
            came += size
            tail = (tail + buffer[max(0, size - 7) : size])[-7:]
    if came < length:
        raise ConnectionError(f"{came} bytes came of {length}")


WAYS: dict[Way, Callable[[int, int], None]] = {
    Way.UPLOAD: lambda port, length: upload(port, length, target="/"),
    Way.DOWNLOAD: lambda port, length: download(port, length, pause_s=0.0),
    Way.UPLOAD_CHUNKED: upload_chunked,
    Way.DOWNLOAD_CHUNKED: download_chunked,
}


def sample(target: Target, way: Way, length: int) -> Sample:
    """One body, and what the target's processes spent on it."""
    before = measure.cpu(target.pid) if target.pid else measure.Cpu(0, 0)
    began = time.perf_counter()
    WAYS[way](target.port, length)
    seconds = time.perf_counter() - began
    spent = measure.cpu(target.pid).since(before).total_ns / 1e9 if target.pid else 0.0
    mib = length / _MIB
    return Sample(mib_per_cpu_s=mib / spent if spent else 0.0, mib_per_s=mib / seconds)


def measure_all(peers: Sequence[tuple[Peer, str]], rounds: int, length: int) -> dict[tuple[str, Way], list[Sample]]:
    """Start the node and every peer, then let them take turns; samples by name with version, and way."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-bulk-")))
        port = free_port()
        sink = pinned(python("bench.sink", str(port)), LOAD_CPU)
        stack.enter_context(child(sink, log=folder / "sink.log", listens=port))
        targets = [Target(name="direct", version="", port=port, pid=None)]
        targets += [stack.enter_context(running(peer, program, port, folder)) for peer, program in peers]
        for target, way in product(targets, Way):  # connections, and the allocators' pages
            WAYS[way](target.port, 4 * _MIB)
        samples: dict[tuple[str, Way], list[Sample]] = {}
        for number, way in product(range(rounds), Way):
            shift = number % len(targets)
            for target in targets[shift:] + targets[:shift]:
                samples.setdefault((target.name, way), []).append(sample(target, way, length))
        return samples


def medians(samples: dict[tuple[str, Way], list[Sample]]) -> dict[tuple[str, Way], Sample]:
    """Of each figure by itself."""
    return {
        key: Sample(
            mib_per_cpu_s=statistics.median(one.mib_per_cpu_s for one in each),
            mib_per_s=statistics.median(one.mib_per_s for one in each),
        )
        for key, each in samples.items()
    }


def best(found: dict[tuple[str, Way], Sample], way: Way) -> float:
    """What nginx passes on in a second of CPU time, set up the better way; 0 where it was not measured."""
    return max((found[name, way].mib_per_cpu_s for name in _YARDSTICKS if (name, way) in found), default=0.0)


def rows(found: dict[tuple[str, Way], Sample]) -> Iterator[list[str]]:
    """The table, way by way."""
    for way in Way:
        yardstick = best(found, way)
        for name in dict.fromkeys(name for name, _ in found):
            figures = found[name, way]
            share = figures.mib_per_cpu_s / yardstick if yardstick else 0.0
            ours = name == "startgate" and yardstick
            yield [
                f"{way}: {name}",
                f"{figures.mib_per_cpu_s:.0f}" if figures.mib_per_cpu_s else "",
                f"{share:.2f}" if share else "",
                bars.beside(share, BAR, least=True) if ours else "",
                f"{figures.mib_per_s:.0f}",
            ]


def _peers(names: Sequence[str]) -> list[tuple[Peer, str]]:
    return [*present(names, (STREAMING,)), *present(names)]


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.bulk")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mebibytes", type=int, default=100)
    # The aiohttp proxy would take most of the run's time, and bench.wire tells what it is like.
    names = [peer.name for peer in PEERS] + [STREAMING.name]
    wanted = [name for name in names if name != "aiohttp"]
    parser.add_argument("--peers", nargs="+", choices=names, default=wanted)
    options = parser.parse_args()
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {LOAD_CPU})  # the client is this process; the proxies are bound anew
    samples = measure_all(_peers(options.peers), options.rounds, options.mebibytes * _MIB)
    report.publish(
        "bulk",
        where=report.machine() | {"rounds": options.rounds, "mebibytes": options.mebibytes},
        heads=("one worker", "MiB/CPU s", "x nginx's best", "bar", "MiB/s"),
        rows=list(rows(medians(samples))),
        figures={f"{way}: {name}": [asdict(one) for one in each] for (name, way), each in samples.items()},
    )


if __name__ == "__main__":
    main()
