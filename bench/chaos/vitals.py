"""Memory and descriptors of every process of a Startgate, life by life: what was killed has another after it."""

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench import measure
from bench.chaos.descriptors import Watched
from bench.chaos.sockets import Sock, sockets
from bench.soak_watch import Held, Trend, own_mib, trend

_MODULES = {"proxy.edge_process": "edge", "proxy.gate_process": "gate", "proxy.admin_process": "admin"}
# A life that was shorter says nothing of growth: caches and pools are being filled.
JUDGED_S = 120.0


def named(supervisor: int) -> dict[str, int]:
    """The living processes by name: `supervisor`, `gate`, `admin`, `edge-1`, …; workers in the order of their pids."""
    found, edges = {"supervisor": supervisor}, list[int]()
    for pid in measure.family(supervisor)[1:]:
        name = _name(pid)
        if name == "edge":
            edges.append(pid)
        elif name:
            found[name] = pid
    return found | {f"edge-{number}": pid for number, pid in enumerate(sorted(edges), 1)}


def part_of(name: str) -> str:
    """`edge` for `edge-1`, and for `edge-1 (4711)`."""
    return re.split("[- ]", name, maxsplit=1)[0]


def _name(pid: int) -> str:
    try:
        words = (measure.PROC / str(pid) / "cmdline").read_bytes().decode().split("\0")
    except OSError:  # ended while we looked
        return ""
    return next((_MODULES[word] for word in words if word in _MODULES), "")


@dataclass(slots=True)
class Vitals:
    """Samples of all lives, by name and pid; times are seconds since the beginning of the run. `ports` names those that
    descriptors may lead to; `kinds` are the descriptors of each sample; `busy_until` is when requests ended."""

    supervisor: int
    ports: Mapping[int, str] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    lives: dict[tuple[str, int], list[Held]] = field(default_factory=dict)
    kinds: dict[tuple[str, int], list[Counter[str]]] = field(default_factory=dict)
    busy_until: float = float("inf")
    _names: dict[int, str] = field(default_factory=dict)
    watched: Watched = field(init=False)

    def __post_init__(self) -> None:
        self.watched = Watched(self.ports)

    def sample(self) -> None:
        """Look at each process once."""
        at, socks = time.monotonic() - self.began, sockets()
        for name, pid in named(self.supervisor).items():
            self._one((self._called(name, pid), pid), at, socks)

    def _called(self, name: str, pid: int) -> str:
        """What a life was called first: workers move up where one before them ends. Numbers of processes come again, so
        that the one of a worker may be a gate's later."""
        before = self._names.get(pid, "")
        if part_of(before) != part_of(name):
            self._names[pid] = name
        return self._names[pid]

    def pids(self) -> dict[str, int]:
        """The living processes by name, see `named`."""
        return named(self.supervisor)

    def held(self) -> dict[str, Counter[str]]:
        """Look at each process once more; what those hold that live."""
        self.sample()
        return {name: self.watched.kinds[pid] for name, pid in self.pids().items() if self.watched.kinds.get(pid)}

    def requests_ended(self) -> None:
        """From now on nobody asks for anything: what a process then gives back hides nothing of its growth before."""
        self.busy_until = time.monotonic() - self.began

    def _one(self, life: tuple[str, int], at: float, socks: Mapping[int, Sock]) -> None:
        descriptors = self.watched.look(*life, at, socks)
        try:
            mib = own_mib(life[1])
        except OSError:  # ended while we looked
            return
        if descriptors and mib:
            self.lives.setdefault(life, []).append(Held(at, mib, descriptors))
            self.kinds.setdefault(life, []).append(self.watched.kinds[life[1]])

    def judged(self) -> list[Trend]:
        """What each life that was long enough came to while there were requests."""
        busy = {life: [held for held in samples if held.at <= self.busy_until] for life, samples in self.lives.items()}
        return [
            trend(f"{name} ({pid})", samples)
            for (name, pid), samples in busy.items()
            if samples and samples[-1].at - samples[0].at >= JUDGED_S
        ]
