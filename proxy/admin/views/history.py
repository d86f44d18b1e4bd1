"""An hour of what all processes count, one sample every five seconds: rates and quantiles, as plots want them.

Only numbers are kept, in columns of a fixed length. Counters never go back while this process lives (`Collector`); one
that does all the same (a process of another version) begins anew.
"""

from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from math import isnan
from typing import Final

from proxy.admin.shown.traffic import Plot, Series
from proxy.metrics.families import FAMILIES
from proxy.metrics.totals import Totals

EVERY_S: Final = 5.0
SAMPLES: Final = 720
# Nodes of a cluster are few; of more, those that come first have a line, so that memory is bounded.
LINES: Final = 50
# Over so many samples latencies of nodes are told: five minutes.
RECENT: Final = 60

_UNKNOWN: Final = float("nan")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A plot: its lines are `name` of `column`s that begin with `id/`."""

    id: str
    title: str
    unit: str


PLOTS: Final = (
    Drawn("requests", "Requests by class of status", "requests/s"),
    Drawn("bytes", "Bytes", "bytes/s"),
    Drawn("p50", "Latency by node, median", "ms"),
    Drawn("p99", "Latency by node, 99th percentile", "ms"),
    Drawn("connections", "Connections and requests in flight", "1"),
    Drawn("refused", "Refused on the wire, by reason", "1/s"),
    Drawn("starts", "Starts by verdict", "1/min"),
    Drawn("cpu", "CPU by process, share of one core", "1"),
    Drawn("lag", "Lag of the event loop by process", "ms"),
)

# Which label of a family a line is named by, and what a plot is made of.
_RATES: Final = (
    ("requests", "startgate_requests", "status", 1.0),
    ("refused", "startgate_refused", "reason", 1.0),
    ("starts", "startgate_starts", "verdict", 60.0),
    ("cpu", "startgate_process_cpu_seconds", "process", 1.0),
)
_TOTAL_RATES: Final = (
    ("bytes/from clients", "startgate_client_received_bytes"),
    ("bytes/to clients", "startgate_upstream_received_bytes"),
)
_LEVELS: Final = (
    ("connections/clients", "startgate_connections"),
    ("connections/in flight", "startgate_requests_in_flight"),
)
LATENCY: Final = "startgate_upstream_duration_seconds"


@dataclass(slots=True)
class History:
    """The samples. `latest` are the rates of the last one, by column."""

    latest: dict[str, float] = field(default_factory=dict)
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    # Each as long as the times, filled up in front.
    _columns: "dict[str, array[float]]" = field(default_factory=dict)
    _before: tuple[float, Totals] | None = None
    _nodes: deque[dict[str, tuple[int, ...]]] = field(default_factory=lambda: deque(maxlen=RECENT + 1))

    def add(self, totals: Totals, time_s: float, clock_s: float) -> None:
        """One more sample. `time_s` is the time since 1970, which may be set; `clock_s` one that only goes on."""
        self.latest = dict(_levels(totals))
        nodes = by_node(totals)
        if self._before is not None and clock_s > self._before[0]:
            took_s = clock_s - self._before[0]
            self.latest |= dict(_rates(self._before[1], totals, took_s))
            if self._nodes:
                self.latest |= dict(_latencies(self._nodes[-1], nodes))
        self._nodes.append(nodes)
        self._before = clock_s, totals
        self._times.append(time_s)
        self._append()

    def _append(self) -> None:
        length = len(self._times)
        lines: dict[str, int] = {}
        for name in (*self._columns, *(name for name in self.latest if name not in self._columns)):
            plot = name.partition("/")[0]
            column = self._columns.get(name)
            if column is None:
                if lines.get(plot, 0) >= LINES:
                    continue
                column = self._columns[name] = array("d", [_UNKNOWN]) * (length - 1)
            lines[plot] = lines.get(plot, 0) + 1
            column.append(self.latest.get(name, _UNKNOWN))
            del column[: max(0, len(column) - length)]
        for name in [name for name, column in self._columns.items() if all(map(isnan, column))]:
            # Of a node that left an hour ago.
            del self._columns[name]

    def plots(self, since: float = 0.0) -> tuple[Plot, ...]:
        """All plots, oldest sample first, of the samples after a time (seconds since 1970)."""
        rounded = [round(one, 1) for one in self._times]
        # From the end back, since a clock may have been set.
        count = sum(1 for _ in takewhile(lambda time: time > since, reversed(rounded)))
        times = tuple(rounded[len(rounded) - count :])
        return tuple(
            Plot(id=one.id, title=one.title, unit=one.unit, times=times, series=tuple(self._series(one.id, len(times))))
            for one in PLOTS
        )

    def _series(self, plot: str, length: int) -> Iterator[Series]:
        for name, whole in sorted(self._columns.items()):
            column = whole[len(whole) - length :]
            id, _, line = name.partition("/")
            if id == plot:
                # What is no number is not known; JSON has no NaN.
                yield Series(name=line, values=tuple(None if isnan(one) else round(one, 4) for one in column))

    def recent(self, node: str, share: float) -> float | None:
        """A quantile of a node's latency over the last minutes, in milliseconds; None where it answered nothing."""
        if len(self._nodes) < 2:
            return None
        now = self._nodes[-1].get(node, ())
        before = next((one[node] for one in self._nodes if node in one), now)
        # A node that came up since has no earlier counts: all of them are recent.
        since = before if node in self._nodes[0] else (0,) * len(now)
        return quantile([max(0, b - a) for a, b in zip(since, now, strict=True)], share)


def quantile(counts: Sequence[int], share: float) -> float | None:
    """The latency in milliseconds below which this share of the requests was; None where there were none. Within a
    bucket it is taken to be even, as Prometheus' `histogram_quantile` does; above the last bound it is that bound."""
    bounds = FAMILIES[LATENCY].bounds
    sums = [*accumulate(counts)]
    if not sums or not sums[-1]:
        return None
    rank = share * sums[-1]
    place = min(bisect_left(sums, rank), len(sums) - 1)
    if place >= len(bounds):
        return bounds[-1] * 1000
    low = bounds[place - 1] if place else 0.0
    below = sums[place - 1] if place else 0
    within = (rank - below) / counts[place] if counts[place] else 1.0
    return round((low + (bounds[place] - low) * within) * 1000, 3)


def by_node(totals: Totals) -> dict[str, tuple[int, ...]]:
    """The buckets of all answers of each node, whatever their status."""
    found: dict[str, tuple[int, ...]] = {}
    for (node, _), row in totals.buckets.get(LATENCY, {}).items():
        before = found.get(node)
        found[node] = tuple(row.counts) if before is None else tuple(map(sum, zip(before, row.counts, strict=True)))
    return found


def by_label(totals: Totals, family: str, label: str) -> dict[str, float]:
    """The sum of a family's values for each value of one of its labels."""
    place = FAMILIES[family].all_labels.index(label)
    found: dict[str, float] = {}
    for labels, value in totals.values.get(family, {}).items():
        found[labels[place]] = found.get(labels[place], 0.0) + value
    return found


def total(totals: Totals, family: str) -> float:
    """The sum of all of a family's values."""
    return sum(totals.values.get(family, {}).values())


def _levels(totals: Totals) -> Iterator[tuple[str, float]]:
    for column, family in _LEVELS:
        yield column, total(totals, family)
    for process, lag_s in by_label(totals, "startgate_event_loop_lag_seconds", "process").items():
        yield f"lag/{process}", lag_s * 1000


def _rates(before: Totals, now: Totals, took_s: float) -> Iterator[tuple[str, float]]:
    for plot, family, label, scale in _RATES:
        earlier = by_label(before, family, label)
        for name, value in by_label(now, family, label).items():
            yield f"{plot}/{name}", grown(earlier.get(name, 0.0), value) * scale / took_s
    for column, family in _TOTAL_RATES:
        yield column, grown(total(before, family), total(now, family)) / took_s


def _latencies(
    before: Mapping[str, tuple[int, ...]], now: Mapping[str, tuple[int, ...]]
) -> Iterator[tuple[str, float]]:
    for node, counts in now.items():
        earlier = before.get(node, (0,) * len(counts))
        fresh = [max(0, b - a) for a, b in zip(earlier, counts, strict=True)]
        for plot, share in (("p50", 0.5), ("p99", 0.99)):
            found = quantile(fresh, share)
            if found is not None:
                yield f"{plot}/{node}", found


def grown(before: float, now: float) -> float:
    """By how much a counter grew; one that is less than it was began anew."""
    return now - before if now >= before else now
