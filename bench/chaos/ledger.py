"""What was asked and what failed, which faults were under way, and which failures those explain.

Times are `time.monotonic()`. A failure is explained by a fault that was under way while the request was, and that can
have such a consequence for such a call (`EXPLAINS`). Nothing explains a wrong answer.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from bench.chaos.schedule import Fault


class Call(StrEnum):
    """What a request is to the proxy."""

    START = "start"
    OTHER = "other"
    ADMIN = "admin"


class How(StrEnum):
    """How a request failed."""

    BROKEN = "no whole answer"
    ERROR = "answered with 5xx"
    WRONG = "wrong answer"


_ANYTHING = frozenset((call, how) for call in (Call.START, Call.OTHER) for how in (How.BROKEN, How.ERROR))
# What is missing here explains nothing: new rules, good or bad, and a node that hangs for a moment fail nobody.
EXPLAINS: dict[Fault, frozenset[tuple[Call, How]]] = {
    Fault.NODE_KILL: _ANYTHING,
    Fault.NODES_AWAY: _ANYTHING,
    Fault.RESETS: _ANYTHING,
    Fault.GATE_KILL: frozenset({(Call.START, How.ERROR)}),
    Fault.WORKER_KILL: frozenset({(Call.START, How.BROKEN), (Call.OTHER, How.BROKEN)}),
    Fault.ADMIN_KILL: frozenset({(Call.ADMIN, How.BROKEN)}),
    Fault.DISK_FULL: frozenset({(Call.START, How.ERROR)}),
}


@dataclass(slots=True)
class Window:
    """A fault, from when it was injected until it is over; infinite while it is under way."""

    fault: Fault
    began: float
    ended: float = float("inf")


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that failed."""

    began: float
    ended: float
    kind: str
    call: Call
    how: How
    what: str


@dataclass(frozen=True, slots=True)
class Told:
    """A start that was answered: by which receipt and with which status."""

    receipt: str
    status: int
    job: str


@dataclass(slots=True)
class Ledger:
    """All of a run. `seconds` counts what was answered in each second since the beginning, `slowest` has the longest
    time of an answer in it, in milliseconds."""

    began: float = field(default_factory=time.monotonic)
    asked: Counter[str] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    slowest: dict[int, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    def answered(self, kind: str, began: float) -> None:
        """A request of that kind was answered as it should be."""
        now = time.monotonic()
        second = int(now - self.began)
        self.asked[kind] += 1
        self.seconds[second] += 1
        self.slowest[second] = max(self.slowest.get(second, 0.0), (now - began) * 1000)

    def failed(self, kind: str, began: float, call: Call, how: How, what: str) -> None:
        """A request of that kind failed."""
        self.asked[kind] += 1
        self.failures.append(Failure(began, time.monotonic(), kind, call, how, what))

    @contextmanager
    def window(self, fault: Fault) -> Iterator[Window]:
        """A fault that is under way."""
        window = Window(fault, time.monotonic())
        self.windows.append(window)
        try:
            yield window
        finally:
            window.ended = time.monotonic()


def explained_by(failure: Failure, windows: list[Window]) -> Window | None:
    """The fault that explains a failure; None where none does."""
    for window in windows:
        under_way = window.began <= failure.ended and failure.began <= window.ended
        if under_way and (failure.call, failure.how) in EXPLAINS.get(window.fault, frozenset()):
            return window
    return None
