"""Bodies of PUT and `_update`."""

import json
from typing import Any

import pytest

from proxy.embedded.backend import Call
from proxy.embedded.failure import Failure
from proxy.embedded.ml.config import byte_size, parse_config, parse_update, source_filter
from proxy.embedded.request import Request
from proxy.model import SourceFilter

BASE = {"source": {"index": "a"}, "dest": {"index": "b"}, "analysis": {"outlier_detection": {}}}


def request(body: object) -> Request:
    call = Call(
        method="PUT", target="/", headers=(("content-type", "application/json"),), body=json.dumps(body).encode()
    )
    return Request(call, {})


def parse(change: dict[str, object], id_: str = "job", cap: str | None = None) -> dict[str, Any]:
    body = {key: value for key, value in {**BASE, **change}.items() if value != "absent"}
    return parse_config(request(body), body, id_, cap)


def test_defaults() -> None:
    assert parse({}) == {
        "id": "job",
        "source": {"index": ["a"], "query": {"match_all": {}}},
        "dest": {"index": "b", "results_field": "ml"},
        "analysis": {
            "outlier_detection": {
                "compute_feature_influence": True,
                "outlier_fraction": 0.05,
                "standardization_enabled": True,
            }
        },
        "model_memory_limit": "1gb",
        "allow_lazy_start": False,
        "max_num_threads": 1,
    }


def test_everything_given() -> None:
    given = {
        "id": "job",
        "description": "d",
        "source": {
            "index": ["a", "c*"],
            "query": {"term": {"x": 1}},
            "_source": {"includes": "x", "excludes": ["y"]},
            "runtime_mappings": {"r": {"type": "long"}},
        },
        "dest": {"index": "b", "results_field": "rf"},
        "analyzed_fields": ["x"],
        "model_memory_limit": "20mb",
        "allow_lazy_start": True,
        "max_num_threads": 3,
        "_meta": {"k": "v"},
    }
    found = parse(given)
    assert found["source"]["_source"] == {"includes": ["x"], "excludes": ["y"]}
    assert found["analyzed_fields"] == {"includes": ["x"], "excludes": []}
    assert [found[key] for key in ("description", "allow_lazy_start", "max_num_threads")] == ["d", True, 3]
    assert found["_meta"] == {"k": "v"}
    assert source_filter(found) == SourceFilter(includes=("x",), excludes=("y",))


@pytest.mark.parametrize(
    ("fetched", "wanted"),
    [
        ("x", {"includes": ["x"], "excludes": []}),
        (["x", "y"], {"includes": ["x", "y"], "excludes": []}),
        ({"exclude": "y"}, {"includes": [], "excludes": ["y"]}),
        (True, {"includes": [], "excludes": []}),
    ],
)
def test_forms_of_source_filters(fetched: object, wanted: object) -> None:
    assert parse({"source": {"index": "a", "_source": fetched}})["source"]["_source"] == wanted


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"id": "other"}, "Inconsistent id; 'other' specified in the body differs from 'job' specified as a URL"),
        ({"create_time": 1}, "unknown field [create_time]"),
        ({"headers": {}}, "unknown field [headers]"),
        ({"version": "1"}, "unknown field [version]"),
        ({"sorce": {}}, "unknown field [sorce] did you mean [source]?"),
        ({"source": "absent"}, "[source] must not be null"),
        ({"source": {}}, "Required [index]"),
        ({"source": 3}, "failed to parse field [source]: it must be an object"),
        ({"source": {"index": []}}, "source.index must specify at least one index"),
        ({"source": {"index": ["a", ""]}}, "source.index must contain non-null and non-empty strings"),
        ({"source": {"index": "a", "_source": False}}, "source._source cannot be disabled"),
        ({"dest": "absent"}, "[dest] must not be null"),
        ({"dest": {}}, "Required [index]"),
        ({"dest": {"index": ""}}, "[index] must be non-empty"),
        ({"dest": {"index": "foo*"}}, "Validation Failed: 1: Invalid index name [foo*]"),
        ({"dest": {"index": "Foo"}}, "Validation Failed: 1: Destination index [Foo] must be lowercase;"),
        ({"analysis": "absent"}, "[analysis] must not be null"),
        ({"max_num_threads": 0}, "[max_num_threads] must be a positive integer"),
        ({"model_memory_limit": "1b"}, "[model_memory_limit] must be at least [1kb]"),
        ({"model_memory_limit": "many"}, "failed to parse setting [model_memory_limit] with value [many]"),
        (
            {"analyzed_fields": {"includes": ["x"]}, "source": {"index": "a", "_source": {"excludes": ["x"]}}},
            "field [x] is included in [analyzed_fields] but not in [source._source]",
        ),
    ],
)
def test_refused(change: dict[str, object], text: str) -> None:
    with pytest.raises(Failure) as caught:
        parse(change)
    assert text in caught.value.reason
    assert caught.value.status == 400


@pytest.mark.parametrize("id_", ["a", "a.b", "a_b-c", "0", "a" * 64])
def test_good_ids(id_: str) -> None:
    assert parse({}, id_)["id"] == id_


@pytest.mark.parametrize("id_", ["", "A", "_all", "a*", "-a", "a-", "a b", "ä"])
def test_bad_ids(id_: str) -> None:
    with pytest.raises(Failure, match="Invalid id; ") as caught:
        parse({}, id_)
    assert caught.value.type == "action_request_validation_exception"


def test_long_ids() -> None:
    with pytest.raises(Failure, match="cannot contain more than 64 characters"):
        parse({}, "a" * 65)


def test_the_memory_cap() -> None:
    assert parse({}, cap="20mb")["model_memory_limit"] == "20mb"
    assert parse({"model_memory_limit": "10mb"}, cap="20mb")["model_memory_limit"] == "10mb"
    with pytest.raises(Failure, match=r"model_memory_limit \[8gb\] must be less than the value of the .*\[20mb\]"):
        parse({"model_memory_limit": "8gb"}, cap="20mb")


def test_sizes() -> None:
    assert [byte_size(text, "x") for text in ("1b", "2k", "2kb", "1.5mb", "1GB")] == [
        1,
        2048,
        2048,
        1572864,
        1073741824,
    ]


def test_updates() -> None:
    body = {"description": "new", "model_memory_limit": "5mb", "_meta": {"a": 1}}
    assert parse_update(request(body), body, "job", None) == body
    with pytest.raises(Failure, match=r"unknown field \[source\]"):
        parse_update(request({"source": {}}), {"source": {}}, "job", None)
