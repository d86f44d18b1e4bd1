"""The text that Prometheus reads: parsed again by the library's own parsers."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from proxy.admin.exposition import _Exposed, exposition
from proxy.metrics.families import ALL, Family, Kind
from proxy.metrics.snapshot import Buckets, Snapshot, Value
from proxy.metrics.totals import add_up


def parsed(body: bytes) -> dict[str, Metric]:
    """The metrics in a text, as the library's own strict parser reads them."""
    found = openmetrics.text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call] # it has none
    return {one.name: one for one in found}


OPENMETRICS = "application/openmetrics-text; version=1.0.0"
HOSTILE = 'a"b\\c\nd{e="f"} 1'


def everything(label: str = "x") -> Snapshot:
    """A value for every metric there is."""
    values = [
        Value(family.name, 1, (label,) * len(family.labels)) for family in ALL if family.kind is not Kind.HISTOGRAM
    ]
    buckets = [
        Buckets(family.name, tuple(range(len(family.bounds) + 1)), 1.5, (label,) * len(family.labels))
        for family in ALL
        if family.kind is Kind.HISTOGRAM
    ]
    return Snapshot(process="edge-1", pid=1, began_ns=1, values=tuple(values), buckets=tuple(buckets))


@pytest.mark.parametrize("family", ALL, ids=lambda family: family.name)
def test_each_metric_is_exposed_under_its_names(family: Family) -> None:
    body, content_type = exposition(add_up([everything()], []), "")
    assert content_type.startswith("text/plain; version=")
    names = {sample.name for found in text_string_to_metric_families(body.decode()) for sample in found.samples}
    assert set(family.exposed) <= names


@pytest.mark.parametrize("label", ["x", HOSTILE, "é\U0001f600"])
def test_it_is_openmetrics_where_that_is_asked_for(label: str) -> None:
    body, content_type = exposition(add_up([everything(label)], []), OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text; version=1")
    found = parsed(body)
    assert set(found) == {family.name for family in ALL}
    for family in ALL:
        assert found[family.name].type == family.kind
        assert found[family.name].documentation == family.help
        for sample in found[family.name].samples:
            assert {name: sample.labels[name] for name in family.labels} == dict.fromkeys(family.labels, label)
            assert (sample.labels.get("process") == "edge-1") == family.per_process


def test_buckets_are_cumulative() -> None:
    body, _ = exposition(add_up([everything()], []), OPENMETRICS)
    (family,) = [one for one in ALL if one.name == "startgate_start_duration_seconds"]
    found = parsed(body)[family.name]
    counts = [sample.value for sample in found.samples if sample.name.endswith("_bucket")]
    width = len(family.bounds) + 1
    assert counts == [sum(range(number + 1)) for number in range(width)]
    assert found.samples[width - 1].labels["le"] == "+Inf"
    (count,) = [sample.value for sample in found.samples if sample.name.endswith("_count")]
    assert count == counts[-1]


def test_nothing_is_told_of_what_nobody_told() -> None:
    body, _ = exposition(add_up([], []), "")
    assert body.strip() == b""


@pytest.mark.parametrize("escaping", ["", "; escaping=underscores", "; escaping=values", "; escaping=allow-utf-8"])
def test_names_are_the_same_however_they_are_escaped(escaping: str) -> None:
    totals = add_up([everything(HOSTILE)], [])
    plain, _ = exposition(totals, OPENMETRICS)
    body, content_type = exposition(totals, OPENMETRICS + escaping)
    assert body == plain
    assert content_type.startswith("application/openmetrics-text")


def test_it_is_what_the_library_itself_would_write() -> None:
    totals = add_up([everything(HOSTILE)], [])
    registry = CollectorRegistry()
    registry.register(_Exposed(totals))
    for accept in (OPENMETRICS, "", "text/plain; version=1.0.0", OPENMETRICS + "; escaping=dots"):
        encode, content_type = choose_encoder(accept)
        assert exposition(totals, accept) == (encode(registry), content_type)


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=x", ";;;", "*/*", "text/html, */*;q=0.1"])
def test_a_header_that_makes_no_sense_gets_what_everybody_reads(accept: str) -> None:
    body, content_type = exposition(add_up([everything()], []), accept)
    assert content_type.startswith("text/plain")
    assert body
