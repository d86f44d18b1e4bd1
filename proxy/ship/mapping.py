"""How the fields of records are mapped in the data stream, made from the table of fields. Pure.

Nothing is mapped by guesses (`dynamic: false`): a field that is not in the table stays in the document and is not
searched, so that no record can grow the mapping, and the credential that writes needs no right to change it.
"""

from collections.abc import Mapping
from typing import Any

from proxy.journal.fields import FIELDS, Field, Kind

# Texts of records are cut at 1024 characters, with a mark behind: all of them are searched.
_KEYWORD = {"type": "keyword", "ignore_above": 2048}

_TYPES: Mapping[Kind, Mapping[str, Any]] = {
    Kind.KEYWORD: _KEYWORD,
    Kind.KEYWORDS: _KEYWORD,
    # As ECS maps `event.reason`, and for the same use: to count and to filter.
    Kind.TEXT: _KEYWORD,
    Kind.TEXTS: _KEYWORD,
    Kind.DATE: {"type": "date"},
    Kind.ADDRESS: {"type": "ip"},
    Kind.COUNT: {"type": "long"},
    Kind.NUMBER: {"type": "double"},
    Kind.FLAG: {"type": "boolean"},
    Kind.OBJECTS: {"properties": {}},
    # Names that others chose: kept as they are, and not searched.
    Kind.MAP: {"type": "object", "enabled": False},
}


def mapping(fields: Mapping[str, Field] = FIELDS) -> dict[str, Any]:
    """The mapping of these fields, nested as Elasticsearch gives it back."""
    top: dict[str, Any] = {}
    # In order of their names, so that what holds others comes before them.
    for name in sorted(fields):
        *above, last = name.split(".")
        level = top
        for piece in above:
            level = level.setdefault(piece, {"properties": {}})["properties"]
        kind = _TYPES[fields[name].kind]
        level[last] = {"properties": {}} if "properties" in kind else dict(kind)
    return {"dynamic": False, "properties": top}
