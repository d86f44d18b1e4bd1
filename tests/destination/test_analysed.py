"""Starts that Elasticsearch is certain to refuse for the sources' fields."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.destination.analysed import dependent_variable, missing_field, no_field_left
from proxy.model import Job, SourceFilter, SourceIndex
from tests.destination.samples import index, job

LONG: dict[str, Any] = {"type": "long"}
TEXT: dict[str, Any] = {"type": "text"}


def predicting(name: object, analysis: str = "regression", **more: Any) -> Job:
    """A job that predicts a field."""
    return job(analysis, {"dependent_variable": name, **more})


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (predicting("y"), "y"),
        (predicting("y", "classification"), "y"),
        (job(), None),
        (job("outlier_detection", {"dependent_variable": "y"}), None),
        (predicting(1), None),
        (job("regression"), None),
    ],
)
def test_dependent_variable(given: Job, name: str | None) -> None:
    assert dependent_variable(given) == name


@pytest.mark.parametrize(
    ("name", "mappings"),
    [
        ("y", {"properties": {"y": LONG}}),
        ("y", {"properties": {"y": {"properties": {}}}}),
        ("y", {"runtime": {"y": LONG}}),
        ("y.a", {"runtime": {"y": {"type": "composite"}}}),
        ("o.y", {"properties": {"o": {"properties": {"y": LONG}}}}),
        ("o.y", {"properties": {"o": {"type": "object", "properties": {"y": LONG}}}}),
        ("o.p.y", {"properties": {"o.p": {"properties": {"y": LONG}}}}),
        ("o.p.y", {"properties": {"o.p.y": LONG}}),
        # Several beginnings of the path are there, and what the longest leads to does not have it.
        (
            "o.p.q.y",
            {
                "properties": {
                    "o": {"properties": {"p.q.y": LONG}},
                    "o.p": {"properties": {"q": {"properties": {"x": LONG}}}},
                }
            },
        ),
        # Left to the cluster: what is below these may exist, or is told in other words.
        ("o.y", {"properties": {"o": {"type": "nested"}}}),
        ("o.y", {"properties": {"o": {"type": "flattened"}}}),
        ("o.raw", {"properties": {"o": {"type": "text", "fields": {"raw": LONG}}}}),
        ("o.y", {"properties": {"o": None}}),
        ("o.y", {"properties": {"o": {"type": ["object"]}}}),
        ("y", {"properties": {"a": {"properties": {"b": {"type": "passthrough"}}}}}),
        ("_id", {"properties": {}}),
    ],
)
def test_a_field_that_may_be_there(name: str, mappings: dict[str, Any]) -> None:
    source = SourceIndex(name="b", settings={}, mappings=mappings)
    assert missing_field(predicting(name), [index("a", {"x": LONG}), source]) is None


@pytest.mark.parametrize(
    ("name", "mappings"),
    [
        ("y", {}),
        ("y", {"properties": None}),
        ("y", {"properties": {"x": LONG, "yy": LONG}, "runtime": {"z": LONG}}),
        ("o.y", {"properties": {"o": {"properties": {"yy": LONG}}}}),
        ("o.y", {"properties": {"o": {"enabled": False}}}),
        ("o.y.z", {"properties": {"o": {"properties": {"y": {"properties": {"x": LONG}}}, "dynamic": "strict"}}}),
    ],
)
def test_a_field_that_no_source_has(name: str, mappings: dict[str, Any]) -> None:
    source = SourceIndex(name="a", settings={}, mappings=mappings)
    required = f"required field [{name}] is missing; analysis requires fields [{name}]"
    classes = f"no mappings could be found for field [{name}]"
    assert missing_field(predicting(name), [source]) == required
    assert missing_field(predicting(name, "classification"), [source]) == classes
    assert missing_field(predicting(name), []) is None
    assert missing_field(job(), [source]) is None


def test_a_runtime_field_of_the_job_is_there() -> None:
    given = job("regression", {"dependent_variable": "y.a"}, runtime={"y": {"type": "composite"}})
    assert missing_field(given, [index("a", {})]) is None


EMPTY = "at least one field must be included in the analysis"

# All types in which no outlier is looked for.
NEVER = ("text", "keyword", "date", "ip", "geo_point", "geo_shape")


@pytest.mark.parametrize(
    ("given", "properties", "expected"),
    [
        (job(), {}, EMPTY),
        (job(), {"o": {"properties": {}}}, EMPTY),
        (job(), {"x": {"type": "keyword"}, "d": {"type": "date"}, "t": {**TEXT, "fields": {"k": TEXT}}}, EMPTY),
        (job(), {"t": {**TEXT, "fields": {kind: {"type": kind} for kind in NEVER}}}, EMPTY),
        (job(), {"t": {**TEXT, "fields": {"n": LONG}}}, None),
        (job(), {"x": LONG}, None),
        (job(), {"x": {"type": "anything_new"}}, None),
        (job(), {"x": None}, None),
        (job(runtime={"r": LONG}), {}, None),
        (predicting("y"), {"y": LONG}, f"{EMPTY} (excluding fields [y])"),
        (predicting("o.y"), {"o": {"properties": {"y": LONG}}}, f"{EMPTY} (excluding fields [o.y])"),
        (predicting("y"), {"y": LONG, "x": TEXT}, None),
        # Told in other words, or earlier.
        (predicting("y"), {"y": TEXT}, None),
        (predicting("y"), {"y": {**LONG, "fields": {"k": TEXT}}}, None),
        (predicting("y", "classification"), {"y": LONG}, None),
        (predicting("y", feature_processors=[{}]), {"y": LONG}, None),
    ],
)
def test_sources_without_a_field_to_analyse(given: Job, properties: dict[str, Any], expected: str | None) -> None:
    assert no_field_left(given, [index("a", properties)]) == expected
    assert no_field_left(given, [index("a", properties), index("b", {"x": LONG})]) is None
    assert no_field_left(given, [index("a", properties, runtime={"r": LONG})]) is None
    assert no_field_left(given, []) is None


def test_what_is_asked_for_is_the_clusters_to_judge() -> None:
    asked = replace(job(), config={"analyzed_fields": {"includes": ["q"]}})
    assert no_field_left(asked, [index("a", {})]) is None
    filtered = replace(predicting("y"), source_filter=SourceFilter(excludes=("y",)))
    assert no_field_left(filtered, [index("a", {"y": LONG})]) is None


def test_a_field_far_below_is_there() -> None:
    """Through three objects, and below a runtime field whose own name holds dots."""
    deep: dict[str, Any] = {"a": {"properties": {"b": {"properties": {"c": {"properties": {"d": LONG}}}}}}}
    assert missing_field(predicting("a.b.c.d"), [index("s", deep)]) is None
    assert missing_field(predicting("a.b.c.e"), [index("s", deep)]) is not None
    assert missing_field(predicting("r.s.t"), [index("s", {}, runtime={"r.s": {"type": "composite"}})]) is None
