"""The schema of the journal's records, and their reference in the documents: both from the table of fields.

Fields that are not named here may be added by a later version without another `startgate.format`: whoever reads records
lets them pass.
"""

from typing import Any

from proxy.journal.allowed import TREE, Level
from proxy.journal.entry import FORMAT_VERSION
from proxy.journal.fields import TABLE, THERE, Field, Kind

_TEXT: dict[str, Any] = {"type": "string"}
_FORMS: dict[Kind, dict[str, Any]] = {
    Kind.KEYWORD: _TEXT,
    Kind.KEYWORDS: {"type": "array", "items": _TEXT},
    Kind.TEXT: _TEXT,
    Kind.TEXTS: {"type": "array", "items": _TEXT},
    Kind.DATE: {"type": "string", "format": "date-time"},
    Kind.ADDRESS: _TEXT,
    Kind.COUNT: {"type": "integer", "minimum": 0},
    Kind.NUMBER: {"type": "number", "minimum": 0},
    Kind.FLAG: {"type": "boolean"},
    Kind.MAP: {"type": "object"},
}
_TYPES = {
    Kind.KEYWORDS: "list of keywords",
    Kind.TEXTS: "list of texts",
    Kind.ADDRESS: "IP address",
    Kind.COUNT: "whole number",
    Kind.FLAG: "`true` or `false`",
    Kind.OBJECTS: "list of objects",
}
# A record is of a start, or of something else that says what it is.
_KINDS = (("phase", "receipt"), ("admin",), ("observed",))


def audit_schema(*, closed: bool = False) -> dict[str, Any]:
    """The schema of one record, which is one line of the journal. `closed`: of this version's own, which has no field
    that the table lacks."""
    made = _object(TREE, "", closed=closed)
    ours = made["properties"]["startgate"]
    ours["properties"]["format"] = {"const": FORMAT_VERSION}
    ours["anyOf"] = [{"required": list(names)} for names in _KINDS if set(names) <= set(ours["properties"])]
    return {"title": "A record of Startgate's journal", **made}


def _object(level: Level, at: str, *, closed: bool) -> dict[str, Any]:
    needed = [
        key
        for key, below in level.under.items()
        if (below.holds is not None and below.holds.always) or f"{at}{key}" in THERE
    ]
    return {
        "type": "object",
        **({"required": needed} if needed else {}),
        **({"additionalProperties": False} if closed else {}),
        "properties": {key: _one(below, f"{at}{key}", closed=closed) for key, below in level.under.items()},
    }


def _one(level: Level, name: str, *, closed: bool) -> dict[str, Any]:
    if level.holds is None:
        return _object(level, f"{name}.", closed=closed)
    told = {"description": level.holds.means}
    if level.under:
        return {**told, "type": "array", "items": _object(level, f"{name}.", closed=closed)}
    if level.holds.of:
        values = {"enum": list(level.holds.of)}
        return {**told, **(values if level.holds.kind is Kind.KEYWORD else {"type": "array", "items": values})}
    return {**told, **_FORMS[level.holds.kind]}


def audit_reference() -> str:
    """All fields in Markdown, each part under its heading."""
    return "\n\n".join(f"### {heading}\n\n{_table(part)}" for heading, part in TABLE.items()) + "\n"


def _table(part: tuple[Field, ...]) -> str:
    rows = ["| field | type | meaning | since |", "| --- | --- | --- | --- |"]
    return "\n".join([*rows, *map(_row, part)])


def _row(one: Field) -> str:
    kind = ", ".join(f"`{value}`" for value in one.of) or _TYPES.get(one.kind, one.kind.value)
    return f"| `{one.name}` | {kind} | {one.means} | {one.since} |"
