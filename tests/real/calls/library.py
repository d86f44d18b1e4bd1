"""The small library of books that the compared calls read: made alike on every node, and left unchanged by them.

Writing calls work on the index `shelf`, which is made anew before each, so that two runs of one call find the same
state down to sequence numbers.
"""

import json

from tests.real.node import RealNode

BOOKS = "books"
SHELF = "shelf"
STREAM = "loans-log"

_MAPPINGS = {
    "properties": {
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "author": {"type": "keyword"},
        "pages": {"type": "integer"},
        "published": {"type": "date"},
        "price": {"type": "double"},
        "place": {"type": "geo_point"},
        "note": {"type": "text", "index": False},
    }
}
_SETTINGS = {"index": {"number_of_shards": 1, "number_of_replicas": 0}}


def fill(node: RealNode) -> None:
    """Makes the library from nothing."""
    node.call("DELETE", f"/_data_stream/{STREAM}")
    node.call("DELETE", f"/{BOOKS},empty-{BOOKS}?ignore_unavailable=true")
    _must(node, "PUT", f"/{BOOKS}", {"settings": _SETTINGS, "mappings": _MAPPINGS, "aliases": {"library": {}}})
    _must(node, "PUT", f"/empty-{BOOKS}", {"settings": _SETTINGS})
    for number in range(24):
        _must(node, "PUT", f"/{BOOKS}/_doc/{number}", _book(number))
    template: dict[str, object] = {"index_patterns": [f"{STREAM}*"], "template": {"settings": _SETTINGS}}
    if node.version.major > 7:
        template["data_stream"] = {}  # 7.x has data streams in a module that is not published
    _must(node, "PUT", "/_index_template/loans", template)
    _must(node, "POST", f"/{STREAM}/_doc", {"@timestamp": "2026-01-01T00:00:00Z", "book": 1})
    _must(node, "POST", f"/{BOOKS},{STREAM}/_refresh")
    # One segment: scores and orders don't depend on how refreshes fell.
    _must(node, "POST", f"/{BOOKS}/_forcemerge?max_num_segments=1")
    fresh_shelf(node)


def fresh_shelf(node: RealNode) -> None:
    """Makes the index for writing calls anew, with three documents; drops what earlier calls made beside it."""
    node.call("DELETE", f"/{SHELF},{SHELF}-made?ignore_unavailable=true")
    _must(node, "PUT", f"/{SHELF}", {"settings": _SETTINGS, "mappings": _MAPPINGS})
    for number in range(3):
        _must(node, "PUT", f"/{SHELF}/_doc/{number}?refresh=true", _book(number))


def _book(number: int) -> dict[str, object]:
    return {
        "title": f"The {('red', 'green', 'blue')[number % 3]} book of {number}",
        "author": ("Ada", "Grace", "Zoë", "Łukasz")[number % 4],
        "pages": 100 + 7 * number,
        "published": f"20{number:02d}-01-01",
        "price": number * 1.25,
        "place": {"lat": number, "lon": -number},
        # A quarter of a megabyte in one of them, so that answers exceed every buffer on the way.
        "note": "long " * 52_000 if number == 23 else "short",
    }


def _must(node: RealNode, method: str, path: str, body: object = None) -> None:
    answer = node.call(method, path, body)
    assert answer.status < 300, f"{method} {path}: {answer.status} {json.dumps(answer.data)[:500]}"
