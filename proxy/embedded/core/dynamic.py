"""Fields first seen in a document: which type they get (DynamicFieldsBuilder, dynamic templates)."""

import re
from collections.abc import Mapping as ReadOnly
from typing import Any

from proxy.embedded.core import dates
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping_parse import Node
from proxy.embedded.core.texts import matches

DATE_FORMATS = ("strict_date_optional_time", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd")
_TEXT: Node = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
_RUNTIME = {"string": "keyword", "long": "long", "double": "double", "boolean": "boolean", "date": "date"}
_MAPPED: dict[str, Node] = {
    "string": _TEXT,
    "long": {"type": "long"},
    "double": {"type": "float"},
    "boolean": {"type": "boolean"},
    "date": {"type": "date"},
}


def kind_of(value: Json, root: ReadOnly[str, Any]) -> tuple[str, str | None]:
    """What a scalar looks like (`string`, `long`, `double`, `boolean`, `date`), and the date format that it matched."""
    for python, kind in ((bool, "boolean"), (int, "long"), (float, "double")):
        if isinstance(value, python):
            return kind, None
    if root.get("numeric_detection") and (found := _number_in(str(value))) is not None:
        return found, None
    return _kind_of_text(str(value), root)


def _kind_of_text(text: str, root: ReadOnly[str, Any]) -> tuple[str, str | None]:
    # A text without `:`, `-` or `/` is never taken for a date (DocumentParser).
    if root.get("date_detection", True) and any(mark in text for mark in ":-/"):
        for format in root.get("dynamic_date_formats", DATE_FORMATS):
            if _is_date(text, format):
                return "date", None if format == DATE_FORMATS[0] else format
    return "string", None


def field(kind: str, format: str | None) -> Node:
    """The mapping that `dynamic: true` gives to a value of a kind."""
    node = dict(_MAPPED[kind])
    if format is not None:
        node["format"] = f"{format}||epoch_millis" if "epoch_" not in format else format
    return node


def runtime_field(kind: str, format: str | None) -> Node:
    """The runtime field that `dynamic: runtime` gives to a value of a kind."""
    node: Node = {"type": _RUNTIME[kind]}
    return {**node, "format": format} if format is not None else node


def template(root: ReadOnly[str, Any], full: str, kind: str) -> tuple[str, Node] | None:
    """The mapping of the first dynamic template that fits a new field, and whether it is `mapping` or `runtime`."""
    for entry in root.get("dynamic_templates", ()):
        for rule in entry.values():
            if _fits(rule, full, kind):
                where = "runtime" if "runtime" in rule else "mapping"
                return where, _filled(rule.get(where) or {}, full.rpartition(".")[2], kind)
    return None


def _fits(rule: ReadOnly[str, Any], full: str, kind: str) -> bool:
    name = full.rpartition(".")[2]
    regex = rule.get("match_pattern") == "regex"
    types = _listed(rule.get("match_mapping_type"))
    return (
        (not types or "*" in types or kind in types)
        and (kind not in _listed(rule.get("unmatch_mapping_type")))
        and ("match" not in rule or _any(rule["match"], name, regex=regex))
        and ("unmatch" not in rule or not _any(rule["unmatch"], name, regex=regex))
        and ("path_match" not in rule or _any(rule["path_match"], full))
        and ("path_unmatch" not in rule or not _any(rule["path_unmatch"], full))
    )


def _any(patterns: Json, text: str, *, regex: bool = False) -> bool:
    return any(re.fullmatch(one, text) if regex else matches(one, text) for one in _listed(patterns))


def _listed(value: Json) -> list[str]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _filled(value: ReadOnly[str, Any], name: str, kind: str) -> Node:
    """A template's mapping with `{name}` and `{dynamic_type}` filled in, its type set where it names none."""
    type = "text" if kind == "string" else kind
    filled: Node = {key: _inner(inner, name, type) for key, inner in value.items()}
    return filled if "type" in filled else {**filled, "type": type}


def _inner(value: Json, name: str, type: str) -> Json:
    if isinstance(value, str):
        return value.replace("{name}", name).replace("{dynamic_type}", type)
    if isinstance(value, dict):
        return {key: _inner(inner, name, type) for key, inner in value.items()}
    return value


def _number_in(text: str) -> str | None:
    try:
        int(text)
    except ValueError:
        try:
            float(text)
        except ValueError:
            return None
        return "double"
    return "long"


def _is_date(text: str, format: str) -> bool:
    try:
        dates.parse(text, format)
    except ElasticError:
        return False
    return True
