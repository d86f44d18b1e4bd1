"""What processes hold as time goes by: memory and descriptors, sampled, and whether either grows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import measure

_MODULES = {"proxy.edge_process": "edge", "proxy.gate_process": "gate"}
# Shares of a run: what comes before the first is warming up (caches, allocators' pools, connections to the node).
WARM_UP = 0.25


@dataclass(frozen=True, slots=True)
class Held:
    """What one process holds at a time (seconds since the beginning)."""

    at: float
    mib: float
    descriptors: int


def processes(supervisor: int) -> dict[str, int]:
    """The processes of one Startgate by name: `supervisor`, `gate`, `edge-1`, …"""
    found = {"supervisor": supervisor}
    for pid in measure.family(supervisor)[1:]:
        words = (measure.PROC / str(pid) / "cmdline").read_bytes().decode().split("\0")
        name = next((_MODULES[word] for word in words if word in _MODULES), "")
        if name == "edge":
            name = f"edge-{sum(1 for known in found if known.startswith('edge')) + 1}"
        if name:
            found[name] = pid
    return found


class Watch:
    """Samples the named processes."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self.pids = dict(pids)
        self.samples: dict[str, list[Held]] = {name: [] for name in pids}
        self._began = time.monotonic()

    def sample(self) -> None:
        """Look at each process once.

        Raises:
            ProcessLookupError: one of them has ended.
        """
        at = time.monotonic() - self._began
        for name, pid in self.pids.items():
            try:
                descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            except OSError:
                raise ProcessLookupError(f"{name} has ended") from None
            self.samples[name].append(Held(at, own_mib(pid), descriptors))

    def shown(self) -> str:
        """The last samples in a line."""
        last = {name: held[-1] for name, held in self.samples.items() if held}
        return ", ".join(f"{name} {held.mib:.1f} MiB {held.descriptors} fd" for name, held in last.items())


def own_mib(pid: int) -> float:
    """Resident memory of a process without its children."""
    for line in (measure.PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def settled(samples: Sequence[Held]) -> list[Held]:
    """Those after the warm-up."""
    end = samples[-1].at if samples else 0.0
    return [held for held in samples if held.at >= end * WARM_UP]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line through these points (least squares); 0 where there are fewer than two."""
    count = len(points)
    if count < 2:
        return 0.0
    x, y = sum(at for at, _ in points) / count, sum(value for _, value in points) / count
    spread = sum((at - x) ** 2 for at, _ in points)
    return sum((at - x) * (value - y) for at, value in points) / spread if spread else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Of one process, after the warm-up: what it held at first and at last (on the fitted line)."""

    name: str
    mib: tuple[float, float]
    descriptors: tuple[float, float]
    mib_per_hour: float

    @property
    def grown_mib(self) -> float:
        """From first to last."""
        return self.mib[1] - self.mib[0]

    @property
    def grown_descriptors(self) -> float:
        """From first to last."""
        return self.descriptors[1] - self.descriptors[0]


def trend(name: str, samples: Sequence[Held]) -> Trend:
    """What one process's samples come to."""
    kept = settled(samples)
    memory = [(held.at, held.mib) for held in kept]
    return Trend(
        name=name,
        mib=_ends(memory),
        descriptors=_ends([(held.at, float(held.descriptors)) for held in kept]),
        mib_per_hour=slope(memory) * 3600,
    )


def _ends(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Where the fitted line begins and ends."""
    if not points:
        return 0.0, 0.0
    middle_at = sum(at for at, _ in points) / len(points)
    middle = sum(value for _, value in points) / len(points)
    steep = slope(points)
    return middle + steep * (points[0][0] - middle_at), middle + steep * (points[-1][0] - middle_at)
