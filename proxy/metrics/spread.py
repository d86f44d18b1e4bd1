"""Counting how long things took, cheaply: fixed buckets, plain lists, no lock.

A process counts for itself; what it counted is told as a whole (`Snapshot`). One count is a binary search and two
additions. See docs/decisions/140-who-counts-and-who-tells.md.
"""

from bisect import bisect_left
from typing import Final

# Upper bounds in seconds. A passed request takes from a fraction of a millisecond (a cached search) to minutes.
REQUEST_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
# A start is some calls to the cluster; the longest wait is `limits.gate.forward_limit_s`.
START_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
# An fsync: a tenth of a millisecond where a controller has a battery, seconds where a volume is throttled.
FSYNC_S: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# Classes of status, 0 for what is none.
CLASSES: Final = ("", "1xx", "2xx", "3xx", "4xx", "5xx")


class Spread:
    """How many of something fell into each bucket: one for each bound, the last for all above. `total` is their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float) -> None:
        """Count one. A value that is a bound belongs below it (`le`, as Prometheus has it)."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Tally:
    """The answers of one node: a spread of their times for each class of status, and the bytes that came of it.
    `by_hundred` are the same spreads by the first of a status's three digits."""

    __slots__ = ("by_hundred", "received", "spreads")

    def __init__(self) -> None:
        self.received = 0
        self.spreads = tuple(Spread(REQUEST_S) for _ in CLASSES)
        self.by_hundred = (*self.spreads, *self.spreads[:1] * 4)

    def note(self, status: int, seconds: float) -> None:
        """Count one answer. A status from 600 to 999 is counted as one of no class."""
        self.by_hundred[status // 100].note(seconds)

    def add(self, other: "Tally") -> None:
        """Take over what another counted."""
        self.received += other.received
        for mine, its in zip(self.spreads, other.spreads, strict=True):
            mine.total += its.total
            for place, count in enumerate(its.counts):
                mine.counts[place] += count
