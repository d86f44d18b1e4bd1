import pytest

from proxy.embedded.core import filtering
from tests.embedded.core.support import Json

BODY: Json = {
    "took": 1,
    "hits": {"total": {"value": 2}, "hits": [{"_id": "1", "_source": {"a": {"b": 1}}}, {"_id": "2"}]},
    "empty": {},
}


@pytest.mark.parametrize(
    ("expressions", "wanted"),
    [
        (["took"], {"took": 1}),
        (["t*"], {"took": 1}),
        (["hits.hits._id"], {"hits": {"hits": [{"_id": "1"}, {"_id": "2"}]}}),
        (["hits.total"], {"hits": {"total": {"value": 2}}}),
        (["*.total.value"], {"hits": {"total": {"value": 2}}}),
        (["**.b"], {"hits": {"hits": [{"_source": {"a": {"b": 1}}}]}}),
        (["**._id", "took"], {"took": 1, "hits": {"hits": [{"_id": "1"}, {"_id": "2"}]}}),
        (["nope"], None),
        (["took.x"], None),
        (["-hits", "-empty"], {"took": 1}),
        (["-**._source", "-took", "-empty"], {"hits": {"total": {"value": 2}, "hits": [{"_id": "1"}, {"_id": "2"}]}}),
        (["hits", "-hits.hits"], {"hits": {"total": {"value": 2}}}),
        (["-hits.total.value"], {"took": 1, "hits": {"hits": BODY["hits"]["hits"]}, "empty": {}}),
    ],
)
def test_filter_path(expressions: list[str], wanted: Json) -> None:
    assert filtering.filtered(BODY, expressions) == wanted


def test_keys_that_hold_dots_are_named_by_several_steps() -> None:
    assert filtering.filtered({"index.uuid": "x", "b": 1}, ["index.uuid"]) == {"index.uuid": "x"}


def test_lists_are_filtered_item_by_item() -> None:
    assert filtering.filtered([{"a": 1, "b": 2}, {"b": 3}], ["a"]) == [{"a": 1}]


@pytest.mark.parametrize(
    ("includes", "excludes", "wanted"),
    [
        ([], [], {"a": {"b": 1, "c": 2}, "d": 3}),
        (["a"], [], {"a": {"b": 1, "c": 2}}),
        (["a.b"], [], {"a": {"b": 1}}),
        (["a.*"], ["a.c"], {"a": {"b": 1}}),
        (["nope"], [], {}),
        ([], ["a"], {"d": 3}),
        ([], ["a.b"], {"a": {"c": 2}, "d": 3}),
        ([], ["a.*"], {"a": {}, "d": 3}),
        (["*"], ["d"], {"a": {"b": 1, "c": 2}}),
    ],
)
def test_source_filters(includes: list[str], excludes: list[str], wanted: Json) -> None:
    assert filtering.source({"a": {"b": 1, "c": 2}, "d": 3}, includes, excludes) == wanted


def test_source_filters_reach_into_lists() -> None:
    document = {"a": [{"b": 1, "c": 2}, {"b": 3}]}
    assert filtering.source(document, ["a.b"], []) == {"a": [{"b": 1}, {"b": 3}]}
    assert filtering.source(document, [], ["a.b"]) == {"a": [{"c": 2}, {}]}
    assert filtering.source({"a": [1, {"b": 2}]}, [], ["a.b"]) == {"a": [1, {}]}
