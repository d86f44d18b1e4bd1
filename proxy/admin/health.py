"""Whether Startgate is live, has started, and is ready: each thing that has to be well, with what is wrong where it is
not.

What traffic needs and what starts need are told apart. A load balancer that takes away every proxy whose rules were
refused would take the whole cluster away from everybody: `?for=traffic`. See docs/decisions/141-what-ready-means.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.metrics.snapshot import Check, Snapshot

GATE: Final = "gate"
EDGES: Final = "edge-"
TRAFFIC: Final = "traffic"
STARTS: Final = "starts"
# What each is needed for; starts need all.
NEEDED: Final = {"workers": (TRAFFIC, STARTS), "cluster": (TRAFFIC, STARTS)}
TOLD_BY_GATE: Final = ("rules", "journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A check, and what it is needed for (`traffic`, `starts`)."""

    name: str
    ok: bool
    needed_for: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One of the processes. `up`: it told of itself when it was asked. What is not known is None; `memory_bytes` is
    held in RAM, `since` seconds since 1970, `deaths` how often another had to take its place."""

    name: str
    up: bool
    pid: int | None = None
    since: float | None = None
    memory_bytes: int | None = None
    deaths: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer. `ready` is for what was asked (`asked`)."""

    ready: bool
    asked: str
    version: str
    checks: tuple[Judged, ...]
    processes: tuple[Process, ...]


def judge(checks: Iterable[Check], asked: str) -> tuple[bool, tuple[Judged, ...]]:
    """Whether all is well that is needed for what is asked, and every check with what it is needed for."""
    judged = tuple(
        Judged(name=one.name, ok=one.ok, needed_for=NEEDED.get(one.name, (STARTS,)), reason=one.reason)
        for one in checks
    )
    return all(one.ok for one in judged if asked in one.needed_for), judged


def all_checks(processes: Sequence[Process], told: Sequence[Snapshot], cluster: Check) -> list[Check]:
    """Every check: of the processes themselves, what the gate tells, and the cluster."""
    gate = next((one for one in processes if one.name == GATE), None)
    up = gate is not None and gate.up
    # What a gate that does not answer told before is not how it stands.
    its = {check.name: check for one in told if one.process == GATE for check in one.checks} if up else {}
    unknown = "not known: the gate does not answer"
    return [
        _workers([one for one in processes if one.name.startswith(EDGES)]),
        Check(name=GATE, ok=up, reason="answers" if up else "does not answer: starts are refused"),
        *(its.get(name) or Check(name=name, ok=False, reason=unknown) for name in TOLD_BY_GATE),
        cluster,
    ]


def _workers(workers: Sequence[Process]) -> Check:
    """One worker is enough: the others' clients connect to it."""
    missing = [one.name for one in workers if not one.up]
    text = f"{len(workers) - len(missing)} of {len(workers)} answer"
    if missing:
        text += f"; missing: {', '.join(missing)}"
    return Check(name="workers", ok=len(missing) < len(workers), reason=text)
