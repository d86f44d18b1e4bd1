"""What one process tells of itself at one moment: plain values under the names of `families`."""

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.metrics.families import FAMILIES
from proxy.metrics.spread import Spread


@dataclass(frozen=True, slots=True)
class Value:
    """A counter or a gauge; `labels` are the values of the family's own labels, in its order."""

    family: str
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Buckets:
    """A histogram: how many fell into each bucket (not cumulative), and the sum of all."""

    family: str
    counts: tuple[int, ...]
    total: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that has to be well: `reason` says what is wrong, or what is worth knowing where it is not."""

    name: str
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that a process tells. `began_ns` and `pid` tell it from another of the same name; times are since 1970."""

    process: str
    pid: int
    began_ns: int
    values: tuple[Value, ...] = ()
    buckets: tuple[Buckets, ...] = ()
    checks: tuple[Check, ...] = ()


class Telling:
    """Gathers what a process tells."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.buckets: list[Buckets] = []
        self.checks: list[Check] = []

    def add(self, family: str, value: float, *labels: str) -> None:
        """A counter, or a gauge. Raises KeyError for a name that is in no table, ValueError for other labels."""
        _fits(family, labels)
        self.values.append(Value(family, value, labels))

    def spread(self, family: str, spread: Spread, *labels: str) -> None:
        """A histogram; one that counted nothing is left out. Raises as `add`."""
        _fits(family, labels)
        # Most nodes never answer with most classes: each would be fifteen lines of zeros in every scrape.
        if any(spread.counts):
            self.buckets.append(Buckets(family, tuple(spread.counts), spread.total, labels))

    def check(self, name: str, reason: str = "", *, ok: bool) -> None:
        """Something that has to be well."""
        self.checks.append(Check(name=name, ok=ok, reason=reason))


def _fits(family: str, labels: Sequence[str]) -> None:
    wanted = FAMILIES[family].labels
    if len(wanted) != len(labels):
        raise ValueError(f"{family} has the labels {wanted}, and not {labels}")
