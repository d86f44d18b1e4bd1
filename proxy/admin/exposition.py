"""The totals as text for Prometheus or OpenMetrics, by the official library."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import ALLOWUTF8, UNDERSCORES, VALUES
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from proxy.metrics.families import ALL, Family
from proxy.metrics.totals import Labels, Total, Totals


class _Exposed(Collector):
    """Totals, as the library asks for them."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        """Every metric that has a value."""
        for family in ALL:
            values = self._totals.values.get(family.name, {})
            rows = self._totals.buckets.get(family.name, {})
            if values or rows:
                yield _metric(family, values, rows)


def exposition(totals: Totals, accept: str) -> tuple[bytes, str]:
    """The text, in the format that the header `Accept` asks for, and its content type. A header that makes no sense
    gets the oldest format, which everybody reads."""
    registry = CollectorRegistry()
    registry.register(_Exposed(totals))
    try:
        encode, content_type = choose_encoder(accept)
    except (ValueError, TypeError):  # what the library raises for a version that is no number
        encode, content_type = choose_encoder("")
    return _quick(encode)(registry), content_type


def _quick(encode: Callable[[Collector], bytes]) -> Callable[[Collector], bytes]:
    """The same encoder without the escaping of metric names, letter by letter, which is most of its work: of names that
    were legal ever since, it changes nothing, but with `dots`, which doubles underscores."""
    if isinstance(encode, partial) and encode.keywords.get("escaping") in (UNDERSCORES, VALUES):
        return partial(encode, escaping=ALLOWUTF8)
    return encode


def _metric(family: Family, values: dict[Labels, float], rows: dict[Labels, Total]) -> Metric:
    metric = Metric(family.name, family.help, family.kind.value)
    names = family.all_labels
    (exposed, *_) = family.exposed
    for labels, value in sorted(values.items()):
        metric.add_sample(exposed, dict(zip(names, labels, strict=True)), value)
    bounds = [*map(floatToGoString, family.bounds), "+Inf"]
    for labels, row in sorted(rows.items(), key=lambda pair: pair[0]):
        _add_histogram(metric, family, dict(zip(names, labels, strict=True)), row, bounds)
    return metric


def _add_histogram(metric: Metric, family: Family, labels: dict[str, str], row: Total, bounds: Iterable[str]) -> None:
    so_far = 0
    for bound, count in zip(bounds, row.counts, strict=True):
        so_far += count
        metric.add_sample(f"{family.name}_bucket", {**labels, "le": bound}, so_far)
    metric.add_sample(f"{family.name}_count", labels, so_far)
    metric.add_sample(f"{family.name}_sum", labels, row.total)
