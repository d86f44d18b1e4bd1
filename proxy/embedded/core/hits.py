"""The `fields` section of hits: values as the mapping understands them."""

from typing import Any

from proxy.embedded.core import dates, values
from proxy.embedded.core.field_reader import reader, source_values
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.store import Document, Index
from proxy.embedded.core.texts import matches


def fields_of(index: Index, document: Document, wanted: list[Any], runtime: dict[str, Any]) -> dict[str, list[Any]]:
    """Values of the fields that the patterns pick, dates in the format asked for or their own."""
    shown: dict[str, list[Any]] = {}
    for one in wanted:
        pattern = str(one["field"]) if isinstance(one, dict) else str(one)
        format = one.get("format") if isinstance(one, dict) else None
        names = [*index.mapping.matching(pattern), *(name for name in runtime if matches(pattern, name))]
        for name in dict.fromkeys(names):
            field, read = reader(index, name, runtime)
            found = read(document)
            if field is not None and found:
                shown[name] = [_shown(field, value, format) for value in found]
    return shown


def ignored_values(document: Document, wanted: list[Any]) -> dict[str, list[Any]]:
    """What the source holds in fields that were not indexed, as far as the patterns pick them."""
    patterns = [str(one["field"]) if isinstance(one, dict) else str(one) for one in wanted]
    return {
        name: source_values(document.source, name)
        for name in document.ignored
        if any(matches(pattern, name) for pattern in patterns)
    }


def _shown(field: Field, value: Json, format: str | None) -> Json:
    if field.type.name in ("date", "date_nanos"):
        return dates.render(value, format or values.date_format(field))
    return value if isinstance(value, (bool, int, float, str)) else str(value)
