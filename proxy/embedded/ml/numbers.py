"""From documents to rows of numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proxy.embedded.core.json_text import Json


def value_at(source: Json, path: str) -> Json:
    """The value at a dotted path, whether the document nests objects or has dots in its names; None if there is
    none. An array of one value is that value."""
    if isinstance(source, list):
        return value_at(source[0], path) if len(source) == 1 else None
    if not path:
        return source
    if not isinstance(source, Mapping):
        return None
    parts = path.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in source:
            return value_at(source[name], ".".join(parts[length:]))
    return None


def number(value: Json) -> float | None:
    """A value as a number, as a numeric or boolean field would read it; None where it is none."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in ("true", "false"):
        return float(value == "true")
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def numeric_rows(documents: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[tuple[float, ...] | None]:
    """Each document's numbers, or None for a document that lacks one."""
    rows = ([number(value_at(document, field)) for field in fields] for document in documents)
    return [None if None in row else tuple(value for value in row if value is not None) for row in rows]


def frequencies(values: Iterable[Any]) -> dict[Any, float]:
    """How often each value is there, as a share of all: the numbers that stand for categories."""
    counted = Counter(value for value in values if value is not None)
    total = counted.total()
    return {value: count / total for value, count in counted.items()}


def mixed_rows(documents: Sequence[Mapping[str, Any]], fields: Sequence[tuple[str, bool]]) -> list[tuple[float, ...]]:
    """Each document's numbers; `fields` are names and whether they are categories. What is missing is the mean."""
    columns: list[list[float]] = []
    for name, categorical in fields:
        raw = [value_at(document, name) for document in documents]
        shares = frequencies(raw) if categorical else {}
        found = [shares.get(value) if categorical else number(value) for value in raw]
        present = [value for value in found if value is not None]
        mean = sum(present) / len(present) if present else 0.0
        columns.append([mean if value is None else value for value in found])
    return list(zip(*columns, strict=True))
