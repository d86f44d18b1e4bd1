"""Reading a field's values from documents: parsed ones as they are kept, those of runtime fields from the source."""

from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from typing import Any

from proxy.embedded.core import field_types, mapping_parse, values
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.store import Document, Index


def reader(
    index: Index, name: str, runtime: ReadOnly[str, Any]
) -> tuple[Field | None, Callable[[Document], list[Any]]]:
    """A field and how to read its values from a document; None for a field that the index does not have."""
    if name == "_id":
        return _id_field(), lambda document: [document.id]
    if name == "_index":
        return _id_field(), lambda _: [index.name]
    if name == "_seq_no":
        return _seq_no_field(), lambda document: [document.seq_no]
    found = runtime_field(name, runtime[name]) if name in runtime else index.mapping.field(name)
    if found is None:
        return None, lambda _: []
    if found.runtime:
        return found, lambda document: _from_source(found, document.source)
    full = found.name
    return found, lambda document: document.values.get(full, [])


def runtime_field(name: str, node: Json) -> Field:
    """A field of a request's `runtime_mappings`."""
    parsed = mapping_parse.parse_runtime({name: node})[name] or {}
    return Field(name=name, type=field_types.TYPES[parsed["type"]], node=parsed, runtime=True)


def _from_source(found: Field, source: dict[str, Any]) -> list[Any]:
    """A runtime field's values without a script: what the source holds under its name, where it fits the type."""
    collected: list[Any] = []
    for value in source_values(source, found.name):
        try:
            parsed = values.parse(found, value)
        except ElasticError:
            continue
        if parsed is not None:
            collected.append(parsed)
    return collected


def source_values(source: Json, name: str) -> list[Any]:
    """Scalars that a source holds under a dotted name, through lists, with dots in keys or without."""
    if isinstance(source, list):
        return [found for item in source for found in source_values(item, name)]
    if not name:
        return [] if source is None or isinstance(source, dict) else [source]
    if not isinstance(source, dict):
        return []
    found: list[Any] = []
    for key, value in source.items():
        if name == key:
            found += source_values(value, "")
        elif name.startswith(f"{key}."):
            found += source_values(value, name[len(key) + 1 :])
    return found


def _id_field() -> Field:
    return Field(name="_id", type=field_types.TYPES["keyword"], node={})


def _seq_no_field() -> Field:
    return Field(name="_seq_no", type=field_types.TYPES["long"], node={})
