"""What Elasticsearch adds to a destination by itself, told before it does."""

from typing import Any

import pytest

from proxy.destination.era import Era
from proxy.destination.later import added_later, field_type
from proxy.model import Job
from tests.gate.fakes import made

MAPPINGS: dict[str, Any] = {
    "runtime": {"twice": {"type": "long"}, "bare": {}},
    "properties": {
        "delay": {"type": "integer"},
        "late": {"type": "alias", "path": "delay"},
        "loop": {"type": "alias", "path": "loop"},
        "kind": {"type": "constant_keyword"},
        "text": {"type": "text", "fields": {"raw": {"type": "wildcard"}}},
        "place": {"properties": {"name": {"type": "match_only_text"}, "at.exact": {"type": "geo_point"}}},
        "a.b": {"properties": {"c": {"type": "ip"}}},
        "a": {"properties": {"x": {"type": "byte"}}},
    },
}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("delay", "integer"),
        ("late", "integer"),
        ("loop", None),
        ("kind", "keyword"),
        ("text", "text"),
        ("text.raw", "keyword"),
        ("place", None),
        ("place.name", "text"),
        ("place.at.exact", "geo_point"),
        ("a.b.c", "ip"),
        ("a.x", "byte"),
        ("a.y", None),
        ("twice", "long"),
        ("bare", None),
        ("missing", None),
        ("", None),
    ],
)
def test_the_type_of_a_field(path: str, kind: str | None) -> None:
    assert field_type(MAPPINGS, path) == kind


def predicting(name: str, field: str) -> Job:
    return made(analysis={name: {"dependent_variable": field}})


def added(job: Job, mappings: dict[str, Any], *, existing: bool = False) -> dict[str, Any]:
    return {one.name: one.mapping for one in added_later(job, Era.ALLOW_LIST, mappings, existing=existing)}


def test_results_of_each_analysis() -> None:
    assert [*added(made(), {})] == ["ml.outlier_score", "ml.feature_influence"]
    assert added(predicting("regression", "delay"), MAPPINGS)["ml.delay_prediction"] == {"type": "double"}
    assert added(predicting("classification", "late"), MAPPINGS)["ml.late_prediction"] == {"type": "integer"}


@pytest.mark.parametrize("job", [predicting("classification", "missing"), made(analysis={"clairvoyance": {}})])
def test_what_cannot_be_told_is_the_whole_results_field(job: Job) -> None:
    assert added(job, MAPPINGS) == {"ml": {}}


def test_an_index_that_exists_is_given_what_a_new_one_brings_along() -> None:
    job = made(source={"index": ["flights"], "runtime_mappings": {"speed": {"type": "double"}}})
    found = added_later(job, Era.ALLOW_LIST, {"properties": {"delay": {"type": "integer"}}}, existing=True)
    assert [(one.section, one.name) for one in found[-2:]] == [
        ("properties", "ml__incremental_id"),
        ("runtime", "speed"),
    ]
    assert added(job, {}).keys() < added(job, {}, existing=True).keys()


def test_what_is_there_is_not_added_again() -> None:
    there = {"properties": {"ml__incremental_id": {"type": "long"}}}
    assert "ml__incremental_id" not in added(made(), there, existing=True)


def test_each_addition_says_where_it_goes_and_what_for() -> None:
    speed = {"type": "double"}
    job = made(source={"index": ["flights"], "runtime_mappings": {"speed": speed}})
    found = [
        (one.section, one.name, one.mapping, one.why) for one in added_later(job, Era.ALLOW_LIST, {}, existing=True)
    ]
    results = "holds results of the analysis"
    assert [(section, name, why) for section, name, _, why in found[:2]] == [
        ("properties", "ml.outlier_score", results),
        ("properties", "ml.feature_influence", results),
    ]
    assert found[2:] == [
        ("properties", "ml__incremental_id", {"type": "long"}, "orders the copied documents"),
        ("runtime", "speed", speed, "is in the job's source.runtime_mappings"),
    ]
    oldest = added_later(made(), Era.SORTED_COPY, {}, existing=True)
    assert (oldest[-1].name, oldest[-1].mapping) == ("ml__id_copy", {"type": "keyword"})
