"""The names of metrics follow the conventions, and no label has values without end."""

import re

import pytest

from proxy.metrics.families import ALL, FAMILIES, Family, Kind

# What may tell values of one metric apart. Each has a bounded set of values, by code or by configuration.
BOUNDED = {
    *("process", "upstream", "status", "target", "reason", "state", "file", "version", "python", "revision"),
    *("kind", "verdict", "step", "result", "sink", "rule", "outcome"),
}


def name(family: Family) -> str:
    """The id of a parametrised test."""
    return family.name


def test_each_name_is_given_once() -> None:
    assert len(FAMILIES) == len(ALL)
    exposed = [one for family in ALL for one in family.exposed]
    assert len(set(exposed)) == len(exposed)


@pytest.mark.parametrize("family", ALL, ids=name)
def test_names_follow_the_conventions(family: Family) -> None:
    assert re.fullmatch(r"startgate_[a-z]+(_[a-z]+)*", family.name)
    assert family.help.endswith(".")
    # What is measured in something says so at its end, in the base unit.
    assert not re.search(r"_(ms|milliseconds|kb|mb|kib|mib|minutes|percent)(_|$)", family.name)
    if "duration" in family.name or "lag_s" in family.name:
        assert family.name.endswith("_seconds")
    # `_total` and its like are added where they are exposed.
    assert not re.search(r"_(total|info|bucket|sum|count)$", family.name)


@pytest.mark.parametrize("family", ALL, ids=name)
def test_labels_are_bounded(family: Family) -> None:
    assert set(family.all_labels) <= BOUNDED
    assert "user" not in BOUNDED
    assert "job" not in BOUNDED


@pytest.mark.parametrize("family", ALL, ids=name)
def test_histograms_alone_have_buckets(family: Family) -> None:
    assert bool(family.bounds) == (family.kind is Kind.HISTOGRAM)
    assert list(family.bounds) == sorted(set(family.bounds))


@pytest.mark.parametrize(
    ("family", "exposed"),
    [
        ("startgate_requests", ("startgate_requests_total",)),
        ("startgate_connections", ("startgate_connections",)),
        ("startgate_build", ("startgate_build_info",)),
        (
            "startgate_start_duration_seconds",
            tuple(f"startgate_start_duration_seconds_{end}" for end in ("bucket", "count", "sum")),
        ),
    ],
)
def test_what_is_exposed(family: str, exposed: tuple[str, ...]) -> None:
    assert FAMILIES[family].exposed == exposed


def test_the_process_is_the_first_label() -> None:
    assert FAMILIES["startgate_requests"].all_labels == ("process", "target", "status")
    assert FAMILIES["startgate_starts"].all_labels == ("kind", "verdict")
