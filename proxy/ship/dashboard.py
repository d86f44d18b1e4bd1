"""A dashboard over the data stream, as saved objects for Kibana: made from the table of `panels`. Pure.

The objects have the form that Kibana 7.10 exports, and say so (`migrationVersion`): every later version brings them to
its own form while it imports them. Their ids are made of the stream's name, so that importing again replaces them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proxy.ship.panels import GRID, PANELS, RESULTS, SEARCH_COLUMNS, Panel

# The latest form of each type in that version.
_FORMS = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"}
_PANELS_FORM = "7.10.0"
# By these names an object points to others (`references`).
INDEX_REF = "kibanaSavedObjectMeta.searchSourceJSON.index"


def saved_objects(stream: str) -> list[dict[str, Any]]:
    """All objects, each after those that it points to: data view, saved search, visualizations, dashboard."""
    view = _object("index-pattern", f"startgate-{stream}", {"title": stream, "timeFieldName": "@timestamp"})
    search = _object("search", f"startgate-{stream}-records", _search(), [_points(INDEX_REF, view)])
    pictures = [
        _object("visualization", f"startgate-{stream}-{panel.name}", _picture(panel), [_points(INDEX_REF, view)])
        for panel in PANELS
    ]
    shown = [*pictures, search]
    references = [_points(f"panel_{place}", one) for place, one in enumerate(shown)]
    return [view, *shown, _object("dashboard", f"startgate-{stream}-dashboard", _dashboard(), references)]


def ndjson(stream: str) -> str:
    """The objects as a file to import: one JSON object a line."""
    return "".join(msgspec.json.encode(one, order="sorted").decode() + "\n" for one in saved_objects(stream))


def _object(
    kind: str, id: str, attributes: Mapping[str, Any], references: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    return {
        "type": kind,
        "id": id,
        "attributes": dict(attributes),
        "references": list(references),
        "migrationVersion": {kind: _FORMS[kind]},
    }


def _points(name: str, to: Mapping[str, Any]) -> dict[str, str]:
    return {"name": name, "type": to["type"], "id": to["id"]}


def _text(value: object) -> str:
    """What Kibana keeps as JSON in a text."""
    return msgspec.json.encode(value).decode()


def _source(query: str, **more: object) -> dict[str, str]:
    asked = {"query": {"query": query, "language": "kuery"}, "filter": [], "indexRefName": INDEX_REF, **more}
    return {"searchSourceJSON": _text(asked)}


def _search() -> dict[str, Any]:
    return {
        "title": "Startgate: records",
        "description": "Every record, the newest first.",
        "hits": 0,
        "columns": list(SEARCH_COLUMNS),
        "sort": [["@timestamp", "desc"]],
        "version": 1,
        "kibanaSavedObjectMeta": _source("", highlightAll=True, version=True),
    }


def _picture(panel: Panel) -> dict[str, Any]:
    title = f"Startgate: {panel.title}"
    kind, aggregations, params = _table(panel) if panel.columns else _bars()
    return {
        "title": title,
        "description": panel.about,
        "visState": _text({"title": title, "type": kind, "aggs": aggregations, "params": params}),
        "uiStateJSON": "{}",
        "version": 1,
        "kibanaSavedObjectMeta": _source(panel.query),
    }


def _aggregation(id: int, kind: str, schema: str, **params: object) -> dict[str, Any]:
    return {"id": str(id), "enabled": True, "type": kind, "params": params, "schema": schema}


def _table(panel: Panel) -> tuple[str, list[Any], dict[str, Any]]:
    """Counts, the last time, and a row for each combination of values; one that is missing is a value, too."""
    rows = [
        _aggregation(
            number,
            "terms",
            "bucket",
            field=name,
            orderBy="1",
            order="desc",
            size=50,
            otherBucket=False,
            otherBucketLabel="other",
            missingBucket=True,
            missingBucketLabel="-",
            customLabel=heading,
        )
        for number, (name, heading) in enumerate(panel.columns.items(), 3)
    ]
    count = _aggregation(1, "count", "metric", customLabel="count")
    last = _aggregation(2, "max", "metric", field="@timestamp", customLabel="last")
    params = {
        "perPage": 10,
        "showPartialRows": False,
        "showMetricsAtAllLevels": False,
        "sort": {"columnIndex": None, "direction": None},
        "showTotal": False,
        "totalFunc": "sum",
        "percentageCol": "",
    }
    return "table", [count, last, *rows], params


def _bars() -> tuple[str, list[Any], dict[str, Any]]:
    filters = [{"input": {"query": query, "language": "kuery"}, "label": name} for name, query in RESULTS.items()]
    time = {"field": "@timestamp", "interval": "auto", "useNormalizedEsInterval": True}
    aggregations = [
        _aggregation(1, "count", "metric", customLabel="starts"),
        _aggregation(2, "date_histogram", "segment", **time, drop_partials=False, min_doc_count=1, extended_bounds={}),
        _aggregation(3, "filters", "group", filters=filters),
    ]
    return "histogram", aggregations, _BARS


_LABELS = {"show": True, "filter": True, "truncate": 100}
_BARS: dict[str, Any] = {
    "type": "histogram",
    "grid": {"categoryLines": False},
    "categoryAxes": [
        {
            "id": "CategoryAxis-1",
            "type": "category",
            "position": "bottom",
            "show": True,
            "style": {},
            "scale": {"type": "linear"},
            "labels": _LABELS,
            "title": {},
        }
    ],
    "valueAxes": [
        {
            "id": "ValueAxis-1",
            "name": "LeftAxis-1",
            "type": "value",
            "position": "left",
            "show": True,
            "style": {},
            "scale": {"type": "linear", "mode": "normal"},
            "labels": {**_LABELS, "rotate": 0},
            "title": {"text": "starts"},
        }
    ],
    "seriesParams": [
        {
            "show": True,
            "type": "histogram",
            "mode": "stacked",
            "data": {"label": "starts", "id": "1"},
            "valueAxis": "ValueAxis-1",
            "drawLinesBetweenPoints": True,
            "showCircles": True,
        }
    ],
    "addTooltip": True,
    "addLegend": True,
    "legendPosition": "right",
    "times": [],
    "addTimeMarker": False,
}


def _dashboard() -> dict[str, Any]:
    return {
        "title": "Startgate: starts of data frame analytics",
        "description": "Who started what, what was denied and why, and what failed later.",
        "hits": 0,
        "panelsJSON": _text(_panels()),
        "optionsJSON": _text({"useMargins": True, "hidePanelTitles": False}),
        "version": 1,
        "timeRestore": True,
        "timeFrom": "now-30d",
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 0},
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _text({"query": {"query": "", "language": "kuery"}, "filter": []})
        },
    }


def _panels() -> list[dict[str, Any]]:
    """The panels from left to right and from top to bottom, the saved search below them."""
    panels = []
    x = y = row = 0
    for place, (width, height) in enumerate([*((one.width, one.height) for one in PANELS), (GRID, 20)]):
        if x + width > GRID:
            x, y, row = 0, y + row, 0
        grid = {"x": x, "y": y, "w": width, "h": height, "i": str(place)}
        name = {"panelIndex": str(place), "panelRefName": f"panel_{place}", "embeddableConfig": {}}
        panels.append({"version": _PANELS_FORM, "gridData": grid, **name})
        x, row = x + width, max(row, height)
    return panels
