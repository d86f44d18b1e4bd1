"""Sorting: keys of documents, and the `sort` values that hits show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from proxy.embedded.core import field_types, values
from proxy.embedded.core.failure import ElasticError, illegal, unsupported
from proxy.embedded.core.field_reader import reader
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.shards import ShardFault, no_fielddata
from proxy.embedded.core.store import Document, Index

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SortKey:
    """One level of a sort. `missing` is `_last`, `_first` or a value; `unmapped` a type where the field is missing."""

    field: str
    descending: bool = False
    missing: Json = "_last"
    unmapped: str | None = None
    mode: str | None = None


def parse(source: Json) -> list[SortKey]:
    """The levels of a `sort`: texts (`field`, `field:desc`) and objects, one or many. Raises ElasticError 400."""
    if source is None:
        return []
    return [_level(one) for one in (source if isinstance(source, list) else [source])]


def _level(source: Json) -> SortKey:
    if isinstance(source, str):
        name, _, order = source.rpartition(":") if source.endswith((":asc", ":desc")) else (source, "", "")
        return SortKey(name, descending=_descending(name, order))
    if not isinstance(source, dict) or not source:
        raise illegal("malformed sort format, within the sort array, an object, or an actual string are allowed")
    name, options = next(iter(source.items()))
    if isinstance(options, str):
        return SortKey(name, descending=_descending(name, options))
    if name in ("_script", "_geo_distance") or "nested" in options:
        raise unsupported(f"[{name}] sort")
    return SortKey(
        name,
        descending=_descending(name, str(options.get("order", ""))),
        missing=options.get("missing", "_last"),
        unmapped=options.get("unmapped_type"),
        mode=options.get("mode"),
    )


def _descending(name: str, order: str) -> bool:
    order = order.lower()
    if order not in ("", "asc", "desc"):
        raise illegal(f"Unknown SortOrder [{order}]")
    return order == "desc" or (not order and name == "_score")


Keyed = Callable[[Document], list[Any]]


def keys(index: Index, levels: list[SortKey], position: Callable[[Document], int]) -> Keyed:
    """What reads a document's sort values, one for each level; `position` is its place in the index (`_doc`).

    Raises ShardFault where the index cannot sort by a field.
    """
    readers = [_key(index, level, position) for level in levels]
    return lambda document: [read(document) for read in readers]


def compare(levels: list[SortKey]) -> Callable[[list[Any]], Any]:
    """A sort key over lists of sort values; ties keep their order."""

    def order(left: list[Any], right: list[Any]) -> int:
        for level, a, b in zip(levels, left, right, strict=True):
            result = _compared(a, b, level)
            if result:
                return result
        return 0

    return cmp_to_key(order)


def shown(index: Index, levels: list[SortKey], found: list[Any]) -> list[Any]:
    """Sort values as hits show them: for a missing number the extreme that stands for it."""
    return [_shown(index.mapping.field(level.field), level, value) for level, value in zip(levels, found, strict=True)]


def _key(index: Index, level: SortKey, position: Callable[[Document], int]) -> Callable[[Document], Any]:
    if level.field == "_doc":
        return position
    if level.field == "_score":
        return lambda _: 1.0
    found, read = reader(index, level.field, {})
    if found is None:
        if level.unmapped is not None:
            return lambda _: None
        fields = {"index_uuid": index.uuid, "index": index.name}
        reason = f"No mapping found for [{level.field}] in order to sort on"
        raise ShardFault(index, ElasticError(400, "query_shard_exception", reason, fields=fields))
    if found.type.family == "text" and not found.node.get("fielddata"):
        raise ShardFault(index, no_fielddata(index, found.name))
    largest = level.mode == "max" or (level.mode is None and level.descending)
    pick = max if largest else min
    default = None if level.missing in ("_last", "_first") else level.missing

    def value(document: Document) -> Json:
        found = read(document)
        return pick(map(_comparable, found)) if found else default

    return value


def _comparable(value: Json) -> Json:
    return value if isinstance(value, (int, float, str)) else values.address_order(value)


def _compared(a: Json, b: Json, level: SortKey) -> int:
    if a is None or b is None:
        if a is None and b is None:
            return 0
        first = level.missing == "_first"
        return (-1 if first else 1) if a is None else (1 if first else -1)
    if a == b:
        return 0
    smaller = a < b
    return 1 if smaller == level.descending else -1


def _shown(found: Field | None, level: SortKey, value: Json) -> Json:
    if isinstance(value, bool):
        return int(value)
    kind = found.type.name if found is not None else level.unmapped
    if value is not None or kind is None:
        return values.address_text(value) if kind == "ip" and isinstance(value, int) else value
    low = (level.missing == "_first") != level.descending
    if kind in field_types.FLOATING:
        return "-Infinity" if low else "Infinity"
    if kind in (*field_types.NUMERIC, "date", "date_nanos", "boolean"):
        return -_LARGEST - 1 if low else _LARGEST
    return None
