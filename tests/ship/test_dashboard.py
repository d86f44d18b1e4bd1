"""The dashboard: every object that one points to is there, every field that it shows exists and can be counted."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.journal.fields import FIELDS
from proxy.ship.dashboard import ndjson, saved_objects
from proxy.ship.mapping import mapping
from proxy.ship.panels import PANELS, SEARCH_COLUMNS

STREAM = "startgate-audit"
OBJECTS = saved_objects(STREAM)
SHIPPED = Path(__file__).parents[2] / "docs" / "kibana" / "startgate-audit.ndjson"
# `field:` in KQL.
QUERIED = re.compile(r"([@\w.]+):")


def inner(text: str) -> Any:
    """What a text holds as JSON."""
    return json.loads(text)


def states() -> Iterator[Any]:
    """What every visualization shows."""
    for one in OBJECTS:
        if one["type"] == "visualization":
            yield inner(one["attributes"]["visState"])


def queries() -> Iterator[str]:
    """Every query in KQL, of objects and of the filters in them."""
    for one in OBJECTS:
        meta = one["attributes"].get("kibanaSavedObjectMeta")
        if meta:
            yield inner(meta["searchSourceJSON"])["query"]["query"]
    for state in states():
        for aggregation in state["aggs"]:
            yield from (one["input"]["query"] for one in aggregation["params"].get("filters", ()))


def counted() -> Iterator[str]:
    """Every field of an aggregation."""
    for state in states():
        yield from (one["params"]["field"] for one in state["aggs"] if "field" in one["params"])


def type_of(name: str) -> str | None:
    """A field's type in the mapping that is installed."""
    level: Any = {"properties": mapping()["properties"]}
    for piece in name.split("."):
        level = level.get("properties", {}).get(piece, {})
    return str(level["type"]) if "type" in level and level.get("enabled", True) else None


def test_the_file_in_the_documents_is_this_one() -> None:
    assert SHIPPED.read_text() == ndjson(STREAM), "startgate audit dashboard > docs/kibana/startgate-audit.ndjson"


def test_each_line_is_an_object() -> None:
    assert [json.loads(line) for line in ndjson(STREAM).splitlines()] == OBJECTS


def test_each_reference_leads_to_an_object_before() -> None:
    known: set[tuple[str, str]] = set()
    for one in OBJECTS:
        assert [ref for ref in one["references"] if (ref["type"], ref["id"]) not in known] == []
        assert (one["type"], one["id"]) not in known
        known.add((one["type"], one["id"]))
    assert [one["type"] for one in OBJECTS].count("dashboard") == 1


def test_each_name_of_a_reference_is_used_and_each_used_one_is_there() -> None:
    for one in OBJECTS:
        named = {ref["name"] for ref in one["references"]}
        texts = [one["attributes"].get("panelsJSON", "[]")]
        used = {panel["panelRefName"] for text in texts for panel in inner(text)}
        meta = one["attributes"].get("kibanaSavedObjectMeta")
        if meta and "indexRefName" in inner(meta["searchSourceJSON"]):
            used.add(inner(meta["searchSourceJSON"])["indexRefName"])
        assert used == named, one["id"]


@pytest.mark.parametrize(
    "name", sorted({*counted(), *SEARCH_COLUMNS, *(f for q in queries() for f in QUERIED.findall(q))})
)
def test_each_field_exists_and_is_searched(name: str) -> None:
    assert name in FIELDS
    assert type_of(name) in ("keyword", "date", "boolean", "long", "ip")


def test_panels_lie_side_by_side_and_cover_nothing() -> None:
    dashboard = OBJECTS[-1]["attributes"]
    grid = [panel["gridData"] for panel in inner(dashboard["panelsJSON"])]
    assert len(grid) == len(PANELS) + 1
    cells = [(x, y) for g in grid for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 47


def test_the_forms_are_those_of_one_version_of_kibana() -> None:
    """As Kibana 7.10 exports them; a higher one would be refused by an older Kibana."""
    forms = {one["type"]: one["migrationVersion"] for one in OBJECTS}
    assert forms == {
        "index-pattern": {"index-pattern": "7.6.0"},
        "search": {"search": "7.9.3"},
        "visualization": {"visualization": "7.10.0"},
        "dashboard": {"dashboard": "7.9.3"},
    }


def test_another_stream_has_objects_of_its_own() -> None:
    other = saved_objects("audit-2")
    assert {one["id"] for one in other}.isdisjoint(one["id"] for one in OBJECTS)
    assert other[0]["attributes"]["title"] == "audit-2"
