"""Adds up what processes told, so that no sum goes back when one of them dies: pure.

Of the living everything counts; of the dead what only grows (counters and histograms), as they last told it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from proxy.metrics.families import FAMILIES, Kind
from proxy.metrics.snapshot import Buckets, Snapshot, Value

Labels = tuple[str, ...]


@dataclass(slots=True)
class Total:
    """A histogram that is being added up."""

    counts: list[int]
    total: float = 0.0


@dataclass(slots=True)
class Totals:
    """Values and histograms by family, and in it by labels as they are exposed."""

    values: dict[str, dict[Labels, float]] = field(default_factory=dict)
    buckets: dict[str, dict[Labels, Total]] = field(default_factory=dict)


def add_up(living: Iterable[Snapshot], dead: Iterable[Snapshot]) -> Totals:
    """The totals. What a process of another version tells under a name that is not known here is left out."""
    totals = Totals()
    for snapshot in living:
        _add(totals, snapshot, living=True)
    for snapshot in dead:
        _add(totals, snapshot, living=False)
    return totals


def _add(totals: Totals, snapshot: Snapshot, *, living: bool) -> None:
    for one in snapshot.values:
        family = FAMILIES.get(one.family)
        if family is None or not (living or family.kind is Kind.COUNTER):
            continue
        # What a process says of its own name counts, whatever it is: it is one of ours (mode 0600).
        labels = (snapshot.process, *one.labels) if family.per_process else one.labels
        row = totals.values.setdefault(family.name, {})
        row[labels] = row.get(labels, 0) + one.value
    for many in snapshot.buckets:
        family = FAMILIES.get(many.family)
        # Another version may have other bounds: what cannot be added is left out.
        if family is None or len(many.counts) != len(family.bounds) + 1:
            continue
        _merge(totals.buckets.setdefault(family.name, {}), many.labels, many.counts, many.total)


def _merge(rows: dict[Labels, Total], labels: Labels, counts: tuple[int, ...], total: float) -> None:
    row = rows.get(labels)
    if row is None:
        rows[labels] = Total(list(counts), total)
        return
    row.counts = [mine + its for mine, its in zip(row.counts, counts, strict=True)]
    row.total += total


def folded(one: Snapshot, other: Snapshot) -> Snapshot:
    """Two of the dead, of one name, as one: what only grows, added up."""
    merged = add_up((), (one, other))
    values = [
        Value(family, value, labels[1:] if FAMILIES[family].per_process else labels)
        for family, row in merged.values.items()
        for labels, value in row.items()
    ]
    buckets = [
        Buckets(family, tuple(row.counts), row.total, labels)
        for family, rows in merged.buckets.items()
        for labels, row in rows.items()
    ]
    return Snapshot(process=one.process, pid=0, began_ns=0, values=tuple(values), buckets=tuple(buckets))
