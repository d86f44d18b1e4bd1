"""Memory and descriptors of every process of a Startgate, life by life: what was killed has another after it."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import measure
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


def _name(pid: int) -> str:
    try:
        words = (measure.PROC / str(pid) / "cmdline").read_bytes().decode().split("\0")
    except OSError:  # ended while we looked
        return ""
    return next((_MODULES[word] for word in words if word in _MODULES), "")


@dataclass(slots=True)
class Vitals:
    """Samples of all lives, by name and pid; times are seconds since the beginning of the run."""

    supervisor: int
    began: float = field(default_factory=time.monotonic)
    lives: dict[tuple[str, int], list[Held]] = field(default_factory=dict)

    def sample(self) -> None:
        """Look at each process once."""
        at = time.monotonic() - self.began
        known = {pid: name for name, pid in self.lives}
        for name, pid in named(self.supervisor).items():
            try:
                descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            except OSError:  # ended while we looked
                continue
            mib = own_mib(pid)
            if mib:
                self.lives.setdefault((known.get(pid, name), pid), []).append(Held(at, mib, descriptors))

    def judged(self) -> list[Trend]:
        """What each life that was long enough came to."""
        return [
            trend(f"{name} ({pid})", samples)
            for (name, pid), samples in self.lives.items()
            if samples[-1].at - samples[0].at >= JUDGED_S
        ]
