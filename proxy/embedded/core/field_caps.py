"""Field capabilities: what each field is in each index, and where the indices differ (FieldCapabilitiesResponse)."""

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core import field_types
from proxy.embedded.core.field_reader import runtime_field
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.store import Index
from proxy.embedded.core.texts import matches


@dataclass(frozen=True, slots=True)
class Capability:
    """What one field is in one index."""

    type: str
    searchable: bool = False
    aggregatable: bool = False
    metadata: bool = False
    meta: ReadOnly[str, str] = field(default_factory=dict)
    parent: bool = False  # an object or nested object


def of_index(index: Index, patterns: list[str], runtime: ReadOnly[str, Any]) -> dict[str, Capability]:
    """The fields of an index that the patterns pick, by name, with the objects that hold them."""
    found: dict[str, Capability] = {}
    for name, (type, searchable, aggregatable) in field_types.METADATA_FIELDS.items():
        if _picked(name, patterns):
            found[name] = Capability(type, searchable, aggregatable, metadata=True)
    names = {name: one for name, one in index.mapping.fields.items() if _picked(name, patterns)}
    names.update(
        (alias, one)
        for alias, path in index.mapping.aliases.items()
        if _picked(alias, patterns) and (one := index.mapping.fields.get(path)) is not None
    )
    names.update((name, runtime_field(name, node)) for name, node in runtime.items() if _picked(name, patterns))
    for name, one in names.items():
        found[name] = of_field(one)
        found.update(_parents(index, name, found))
    return found


def of_field(one: Field) -> Capability:
    """What a field can do, from its type and its parameters."""
    node, type = one.node, one.type
    if one.runtime:
        return Capability(type.family, True, True, meta=node.get("meta", {}))
    doc_values = node.get(
        "doc_values", type.parameters["doc_values"].default if "doc_values" in type.parameters else True
    )
    indexed = node.get("index", True)
    searchable = type.searchable and bool(indexed or (doc_values and type.doc_values_searchable))
    aggregatable = bool(doc_values) if type.aggregatable else bool(node.get("fielddata"))
    if type.name == "binary":
        aggregatable = bool(doc_values)
    return Capability(type.family, searchable, aggregatable, meta=node.get("meta", {}))


def merged(by_index: ReadOnly[str, ReadOnly[str, Capability]], *, unmapped: bool) -> dict[str, dict[str, Any]]:
    """The `fields` section over several indices; `by_index` in the order of names."""
    fields: dict[str, dict[str, dict[str, Capability]]] = {}
    for index, found in by_index.items():
        for name, one in found.items():
            fields.setdefault(name, {}).setdefault(one.type, {})[index] = one
    shown: dict[str, dict[str, Any]] = {}
    for name in sorted(fields):
        types = dict(fields[name])
        without = [index for index in by_index if not any(index in group for group in types.values())]
        if unmapped and without:
            types["unmapped"] = {index: Capability("unmapped") for index in without}
        shown[name] = {type: _merged_type(type, group, many=len(types) > 1) for type, group in sorted(types.items())}
    return shown


def _merged_type(type: str, group: dict[str, Capability], *, many: bool) -> dict[str, Any]:
    every = list(group.values())
    shown: dict[str, Any] = {
        "type": type,
        "metadata_field": any(one.metadata for one in every),
        "searchable": all(one.searchable for one in every),
        "aggregatable": all(one.aggregatable for one in every),
    }
    if many:
        shown["indices"] = list(group)
    for key, attribute in (("non_searchable_indices", "searchable"), ("non_aggregatable_indices", "aggregatable")):
        lacking = [index for index, one in group.items() if not getattr(one, attribute)]
        if lacking and len(lacking) < len(group):
            shown[key] = lacking
    meta: dict[str, set[str]] = {}
    for one in every:
        for key, value in one.meta.items():
            meta.setdefault(key, set()).add(value)
    if meta:
        shown["meta"] = {key: sorted(values) for key, values in sorted(meta.items())}
    return shown


def _parents(index: Index, name: str, found: dict[str, Capability]) -> dict[str, Capability]:
    """What holds a field by its name; Elasticsearch lists it with the field, whatever the patterns say."""
    parents: dict[str, Capability] = {}
    while "." in name:
        name = name.rpartition(".")[0]
        if name in found:
            break
        if index.mapping.field(name) is None:
            nested = index.mapping.objects.get(name, {}).get("type") == "nested"
            parents[name] = Capability("nested" if nested else "object", parent=True)
    return parents


def _picked(name: str, patterns: list[str]) -> bool:
    return any(matches(pattern, name) for pattern in patterns)
