"""Filters of aliases: what a search that names only filtered aliases of an index may find there."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.embedded.core import query
from proxy.embedded.core.query import Query
from proxy.embedded.core.resolve import is_pattern
from proxy.embedded.core.store import Index
from proxy.embedded.core.texts import matches


def within(indices: Sequence[Index], expression: str) -> Mapping[str, Query]:
    """By index name, the query that its documents must match as well; indices without a limit are left out."""
    parts = [part for part in expression.split(",") if part]
    found: dict[str, Query] = {}
    for index in indices:
        filters = _filters(index, parts)
        if filters:
            found[index.name] = query.parse({"bool": {"should": filters}}, "")
    return found


def _filters(index: Index, parts: list[str]) -> list[dict[str, Any]]:
    """The filters of the aliases by which the parts name the index; none where one part names it without a filter."""
    if not parts or any(_names(part, index.name) for part in parts):
        return []
    aliases = [one for alias, one in index.aliases.items() if any(_names(part, alias) for part in parts)]
    filters = [one["filter"] for one in aliases if "filter" in one]
    return filters if len(filters) == len(aliases) else []


def _names(part: str, name: str) -> bool:
    return part == "_all" or (matches(part, name) if is_pattern(part) else part == name)
