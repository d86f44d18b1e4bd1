"""The parts of a plan as tables."""

from typing import Any

import pytest

from proxy.admin.pages.planned import Row, parts

PLAN: dict[str, Any] = {
    "create": {
        "body": {
            "settings": {"index.number_of_shards": 3},
            "mappings": {"dynamic": "false", "properties": {"age": {"type": "long"}}, "runtime": {}},
        }
    },
    "origins": {
        "settings": {"index.number_of_shards": {"text": "the highest, of customers"}},
        "properties": {"age": {"text": "customers"}},
    },
    "added_later": [
        {"field": "ml", "section": "properties", "why": "holds the results"},
        {"field": "ml.x", "section": "properties", "why": "is one of them", "mapping": {"type": "double"}},
    ],
}


def test_each_part_has_its_origins_and_empty_parts_are_left_out() -> None:
    told = {part.title: part.rows for part in parts(PLAN)}
    assert told == {
        "Settings": (Row("index.number_of_shards", "the highest, of customers", "3"),),
        "Mapping": (Row("dynamic", "-", '"false"'),),
        "Fields": (Row("age", "customers", '{"type": "long"}'),),
        "Elasticsearch adds once the job runs": (
            Row("ml", "holds the results", "-"),
            Row("ml.x", "is one of them", '{"type": "double"}'),
        ),
    }


@pytest.mark.parametrize("plan", [{}, {"create": None}, {"conflicts": []}])
def test_where_nothing_is_created_there_is_no_table(plan: dict[str, Any]) -> None:
    assert parts(plan) == ()
