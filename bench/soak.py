"""Mixed traffic for half an hour through a whole Startgate: memory and descriptors stay flat, and nothing fails.

`startgate serve` runs as in production, with two workers, TLS on one of two addresses, gate and journal, in front
of the embedded cluster and a node with big bodies. `bench.soak_traffic` has the kinds of clients. Every ten seconds the
rules are changed and SIGHUP is sent; every minute the certificate is another. Every five seconds memory and
descriptors of each process are looked at (`bench.soak_watch`), and a line is printed every minute.

At the end a straight line is fitted to what each process held after the first quarter of the time, which is for warming
up. It may not rise by more than the bars, and every answer must have been right: if not, the exit status is 1.

Run: python -m bench.soak [--minutes 30]; 2 minutes are enough to see that it works, not to tell a small leak.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bench import bars, report
from bench.certificate import self_signed, trusting_anybody
from bench.child_of import RULES
from bench.children import ChildError, child, free_port, python
from bench.jobs import Kind, prepare
from bench.soak_traffic import KINDS, Fault, Scene, over_and_over, starts
from bench.soak_watch import Trend, Watch, processes, trend
from proxy.embedded.app import Cluster, serve_embedded

_READY_S = 20.0
_SAMPLE_S = 5.0
_TELL_S = 60.0
_RELOAD_S = 10.0
_RELOADS_PER_CERTIFICATE = 6
_FAULTS_SHOWN = 20
# How far the fitted line of a process may rise from the end of the warm-up to the end of the run.
BAR_MIB = 2.0
BAR_DESCRIPTORS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What runs: the supervisor's pid, its folder, the cluster behind it, and where traffic goes."""

    pid: int
    folder: Path
    cluster: Cluster
    scene: Scene


def configure(folder: Path, node_port: int, key: str, ports: tuple[int, int]) -> Path:
    """Write a configuration, with certificate, key and rules beside it; its path."""
    secret = folder / "api-key"
    secret.touch(mode=0o600)
    secret.write_text(key)
    self_signed(folder)
    (folder / "rules").mkdir()
    shutil.copy(RULES / "start.yml", folder / "rules" / "start.yml")
    path = folder / "startgate.yml"
    path.write_text(
        f"listen:\n"
        f"  - 127.0.0.1:{ports[0]}\n"
        f"  - address: 127.0.0.1:{ports[1]}\n"
        f"    tls: {{certificate: bench.crt, key: bench.key}}\n"
        f"workers: 2\n"
        f"cluster:\n"
        f"  nodes: ['http://127.0.0.1:{node_port}']\n"
        f"  service: {{api_key_file: api-key}}\n"
        f"rules: rules\n"
        f"journal: {{path: journal}}\n"
        f"limits: {{gate: {{follow_up_poll_s: 0.25}}}}\n"
    )
    return path


@asynccontextmanager
async def running() -> AsyncIterator[Place]:
    """Everything, taken down at the end."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-soak-")))
        cluster = await stack.enter_async_context(serve_embedded())
        first, denied = await prepare(cluster, counted=0, sampled=0, rounds=0, kinds=(Kind.FIRST, Kind.DENIED))
        node_port, ports = free_port(), (free_port(), free_port())
        node = child(
            python("bench.soak_node", str(node_port), str(cluster.port)), log=folder / "node.log", listens=node_port
        )
        await asyncio.to_thread(stack.enter_context, node)
        path = configure(folder, node_port, cluster.add_api_key("gate"), ports)
        serve = child(python("proxy", "serve", "--config", str(path)), log=folder / "serve.log", listens=ports[1])
        pid = await asyncio.to_thread(stack.enter_context, serve)
        yield Place(
            pid=pid,
            folder=folder,
            cluster=cluster,
            scene=Scene(
                port=ports[0],
                tls_port=ports[1],
                tls=trusting_anybody(),
                starter=first.authorization,
                stranger=denied.authorization,
            ),
        )


async def reload(place: Place, stop: asyncio.Event) -> None:
    """Change rules, now and then the certificate, and have them read, until told to stop."""
    rules = place.folder / "rules" / "start.yml"
    shipped = rules.read_text()
    number = 0
    while not await _told(stop, _RELOAD_S):
        number += 1
        rules.write_text(f"{shipped}\n# {number}\n")
        if number % _RELOADS_PER_CERTIFICATE == 0:
            self_signed(place.folder)
        os.kill(place.pid, signal.SIGHUP)
        place.scene.rounds["reload"] += 1
        place.cluster.calls.clear()  # what the embedded cluster remembers for tests


async def watch(place: Place, found: Watch, minutes: float, stop: asyncio.Event) -> None:
    """Sample and tell until the time is up."""
    ends, tells = time.monotonic() + minutes * 60, time.monotonic() + _TELL_S
    while time.monotonic() < ends:
        await asyncio.sleep(_SAMPLE_S)
        found.sample()
        if time.monotonic() >= tells:
            tells += _TELL_S
            scene = place.scene
            print(f"{found.shown()}; {sum(scene.rounds.values())} rounds, {len(scene.faults)} faults", flush=True)
    stop.set()


async def serving(place: Place) -> dict[str, int]:
    """Startgate's processes, once it answers.

    Raises:
        ChildError: it does not within 20 seconds; the message holds what it logged.
    """
    ends = time.monotonic() + _READY_S
    while time.monotonic() < ends:
        with contextlib.suppress(Fault, OSError, EOFError, TimeoutError):
            async with asyncio.timeout(1):
                await starts(place.scene)
            return processes(place.pid)
        await asyncio.sleep(0.2)
    raise ChildError((place.folder / "serve.log").read_text(errors="replace")[-2000:])


async def _told(stop: asyncio.Event, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await stop.wait()
    return stop.is_set()


async def soak(minutes: float) -> tuple[list[Trend], Scene, str]:
    """Run it; what each process came to, what was played, and what Startgate logged."""
    async with running() as place:
        stop = asyncio.Event()
        found = Watch(await serving(place))
        async with asyncio.TaskGroup() as group:
            for kind, count, pause_s in KINDS:
                for _ in range(count):
                    group.create_task(over_and_over(kind, pause_s, place.scene, stop))
            group.create_task(reload(place, stop))
            group.create_task(watch(place, found, minutes, stop))
        if processes(place.pid) != found.pids:
            place.scene.faults.append("a process is another than at the beginning")
        log = (place.folder / "serve.log").read_text(errors="replace")
        return [trend(name, samples) for name, samples in found.samples.items()], place.scene, log


def rows(trends: Sequence[Trend]) -> list[list[str]]:
    """The table, a process a line."""
    return [
        [
            each.name,
            f"{each.mib[0]:.1f}",
            f"{each.mib[1]:.1f}",
            f"{each.mib_per_hour:+.1f}",
            bars.beside(each.grown_mib, BAR_MIB, digits=1),
            f"{each.descriptors[0]:.0f}",
            f"{each.descriptors[1]:.0f}",
            bars.beside(each.grown_descriptors, BAR_DESCRIPTORS, digits=0),
        ]
        for each in trends
    ]


def flat(trends: Sequence[Trend]) -> bool:
    """Whether all of them hold both bars, as the table tells it."""
    return not any("MISSED" in cell for row in rows(trends) for cell in row)


def main() -> None:
    """Run as the command line says; exit status 1 where something failed or grew."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak")
    parser.add_argument("--minutes", type=float, default=30)
    options = parser.parse_args()
    trends, scene, log = asyncio.run(soak(options.minutes))
    crashes = log.count("Traceback")
    report.publish(
        "soak",
        where=report.machine() | {"minutes": options.minutes},
        heads=("process", "MiB at first", "at last", "MiB an hour", "grown", "fd at first", "at last", "grown"),
        rows=rows(trends),
        figures={"trends": [asdict(each) for each in trends], "rounds": scene.rounds, "faults": scene.faults},
    )
    print("rounds: " + ", ".join(f"{name} {count}" for name, count in sorted(scene.rounds.items())))
    print(f"faults: {len(scene.faults)}, tracebacks in the log: {crashes}")
    for fault in scene.faults[:_FAULTS_SHOWN]:
        print(f"  {fault}")
    if scene.faults or crashes or not flat(trends):
        sys.exit(1)


if __name__ == "__main__":
    main()
