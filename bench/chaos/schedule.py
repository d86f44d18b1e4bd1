"""Which fault is injected when. Pure: the same seed and length give the same schedule."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What is done to the running parts."""

    RELOAD_GOOD = "rules changed"
    RELOAD_BAD = "broken rules"
    NODE_KILL = "a node killed"
    NODES_AWAY = "all nodes killed"
    NODE_HANG = "a node hangs"
    RESETS = "connections to a node reset"
    GATE_KILL = "gate killed"
    WORKER_KILL = "worker killed"
    ADMIN_KILL = "admin process killed"
    DISK_FULL = "journal's disk full"


@dataclass(frozen=True, slots=True)
class Event:
    """A fault that begins so many seconds after the beginning, and is taken back after so many more (0: by itself)."""

    at_s: float
    fault: Fault
    lasts_s: float


# How long each is left as it is, in seconds. What is killed by its supervisor's side comes back by itself.
_LASTS: dict[Fault, tuple[float, float]] = {
    Fault.RELOAD_GOOD: (0, 0),
    Fault.RELOAD_BAD: (1.0, 3.0),
    Fault.NODE_KILL: (0.5, 4.0),
    Fault.NODES_AWAY: (0.5, 2.0),
    Fault.NODE_HANG: (0.5, 2.0),
    Fault.RESETS: (0, 0),
    Fault.GATE_KILL: (0, 0),
    Fault.WORKER_KILL: (0, 0),
    Fault.ADMIN_KILL: (0, 0),
    Fault.DISK_FULL: (0.5, 3.0),
}
# Quiet at the beginning and at the end: nothing may fail there, and what is still under way comes to its end.
QUIET_S = 5.0
# From one fault to the next.
_GAP_S = (2.0, 7.0)
# So many faults have company, half a second at most later: a gate killed while the disk is full, and such.
_COMPANY = 0.3


def schedule(seed: int, seconds: float) -> tuple[Event, ...]:
    """The faults of a run of so many seconds, in their order. Each kind comes before any comes for the second time,
    as far as time allows."""
    return tuple(sorted(_events(random.Random(seed), seconds), key=lambda event: event.at_s))  # noqa: S311 -- a schedule


def _events(chance: random.Random, seconds: float) -> Iterator[Event]:
    at, left = QUIET_S, list[Fault]()
    while at < seconds - QUIET_S:
        if not left:
            left = list(Fault)
            chance.shuffle(left)
        first = _event(chance, at, left.pop())
        yield first
        if left and chance.random() < _COMPANY:
            yield _event(chance, at + chance.uniform(0, 0.5), left.pop())
        at += first.lasts_s + chance.uniform(*_GAP_S)


def _event(chance: random.Random, at: float, fault: Fault) -> Event:
    return Event(round(at, 3), fault, round(chance.uniform(*_LASTS[fault]), 3))
