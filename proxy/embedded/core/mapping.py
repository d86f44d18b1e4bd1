"""The mapping of one index: its kept form, the fields by full name, its limits, and how it reads back."""

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from proxy.embedded.core import field_types, mapping_merge, mapping_parse
from proxy.embedded.core.analysis import Analysis
from proxy.embedded.core.failure import bad_mapping, illegal
from proxy.embedded.core.field_types import FieldType
from proxy.embedded.core.mapping_parse import Node
from proxy.embedded.core.texts import matches

_ROOT_ORDER = (
    "dynamic",
    "subobjects",
    "_meta",
    "_routing",
    "_source",
    "dynamic_date_formats",
    "dynamic_templates",
    "date_detection",
    "numeric_detection",
    "runtime",
    "properties",
)
_LIMITS = {
    "index.mapping.total_fields.limit": 1000,
    "index.mapping.depth.limit": 20,
    "index.mapping.nested_fields.limit": 50,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field that can be searched: its full name, type and parameters; `runtime` ones are read from the source."""

    name: str
    type: FieldType
    node: Node = field(repr=False)
    runtime: bool = False


@dataclass(frozen=True)
class Mapping:
    """A mapping that never changes: `merged` gives a new one."""

    root: Node
    analysis: Analysis

    @classmethod
    def parsed(cls, source: ReadOnly[str, Any], analysis: Analysis, settings: ReadOnly[str, Any]) -> "Mapping":
        """A mapping from a request body. Raises ElasticError 400 where it is wrong or exceeds a limit."""
        root = mapping_parse.parse(source, analysis)
        if "runtime" in root:
            root["runtime"] = {name: node for name, node in root["runtime"].items() if node is not None}
        return cls(root, analysis).checked(settings)

    def merged(self, new: Node, settings: ReadOnly[str, Any]) -> "Mapping":
        """This mapping with a parsed one laid over it. Raises ElasticError 400 for a conflict or an exceeded limit."""
        return Mapping(mapping_merge.merge(self.root, new), self.analysis).checked(settings)

    def checked(self, settings: ReadOnly[str, Any]) -> "Mapping":
        """This mapping, once its aliases and the index's limits are found to hold. Raises ElasticError 400."""
        self.check_aliases()
        self.check_copies()
        self.check_limits(settings)
        return self

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Every field by full name: leaves, multi-fields and runtime fields; runtime ones shadow others."""
        found = {one.name: one for name, node in self._leaves() for one in _with_multi_fields(name, node)}
        for name, node in self.root.get("runtime", {}).items():
            type = field_types.TYPES.get(node["type"])
            if type is not None:
                found[name] = Field(name=name, type=type, node=node, runtime=True)
        return found

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Field aliases by full name, with the paths that they stand for."""
        return {name: node["path"] for name, node in self._nodes() if node["type"] == "alias"}

    @cached_property
    def objects(self) -> dict[str, Node]:
        """Objects and nested objects by full name."""
        return {name: node for name, node in self._nodes() if "properties" in node}

    def field(self, name: str) -> Field | None:
        """The field of a name or alias."""
        return self.fields.get(self.aliases.get(name, name))

    def matching(self, pattern: str) -> list[str]:
        """Names of fields and aliases that a simple pattern picks."""
        return [name for name in (*self.fields, *self.aliases) if matches(pattern, name)]

    def total_fields(self) -> int:
        """What `index.mapping.total_fields.limit` counts: fields, objects, multi-fields, aliases and runtime fields."""
        nodes = list(self._nodes())
        multi = sum(len(node.get("fields", ())) for _, node in nodes)
        return len(nodes) + multi + len(self.root.get("runtime", {}))

    def render(self) -> Node:
        """The mapping as Elasticsearch shows it."""
        shown = {key: self.root[key] for key in _ROOT_ORDER if key in self.root and key != "properties"}
        shown.update((key, value) for key, value in self.root.items() if key not in _ROOT_ORDER)
        if not shown.get("runtime", True):
            del shown["runtime"]
        if self.root["properties"]:
            shown["properties"] = _render_properties(self.root["properties"])
        return shown

    def check_aliases(self) -> None:
        """Raise ElasticError 400 for an alias to what is no field."""
        for name, path in self.aliases.items():
            prefix = f"Invalid [path] value [{path}] for field alias [{name}]: an alias"
            if path == name:
                raise bad_mapping(f"{prefix} cannot refer to itself.")
            if path in self.aliases:
                raise bad_mapping(f"{prefix} cannot refer to another alias.")
            if path not in self.fields:
                raise bad_mapping(f"{prefix} must refer to an existing field in the mappings.")

    def check_copies(self) -> None:
        """Raise ElasticError 400 for a `copy_to` an object."""
        for _, node in self._leaves():
            for name in node.get("copy_to", ()):
                if name in self.objects:
                    raise illegal(f"Cannot copy to field [{name}] since it is mapped as an object")

    def check_limits(self, settings: ReadOnly[str, Any]) -> None:
        """Raise ElasticError 400 where the index's mapping limits are exceeded."""
        limits = {name: int(settings.get(name, default)) for name, default in _LIMITS.items()}
        total, depth, nested = limits.values()
        if self.total_fields() > total:
            raise illegal(f"Limit of total fields [{total}] has been exceeded")
        for name in self.objects:
            if name.count(".") + 2 > depth:
                raise illegal(f"Limit of mapping depth [{depth}] has been exceeded due to object field [{name}]")
        if sum(node["type"] == "nested" for node in self.objects.values()) > nested:
            raise illegal(f"Limit of nested fields [{nested}] has been exceeded")
        self._check_name_lengths(settings.get("index.mapping.field_name_length.limit"))

    def _check_name_lengths(self, limit: str | None) -> None:
        for name, _ in self._nodes() if limit is not None else ():
            if len(name.rpartition(".")[2]) > int(limit or 0):
                raise illegal(f"Field name [{name}] is longer than the limit of [{limit}] characters")

    def _nodes(self) -> Iterator[tuple[str, Node]]:
        return _walk(self.root["properties"], "")

    def _leaves(self) -> Iterator[tuple[str, Node]]:
        return ((name, node) for name, node in self._nodes() if "properties" not in node and node["type"] != "alias")


def _walk(properties: dict[str, Node], prefix: str) -> Iterator[tuple[str, Node]]:
    for name, node in properties.items():
        full = f"{prefix}{name}"
        yield full, node
        if "properties" in node:
            yield from _walk(node["properties"], f"{full}.")


def _with_multi_fields(name: str, node: Node) -> Iterator[Field]:
    yield Field(name=name, type=field_types.TYPES[node["type"]], node=node)
    for sub, inner in node.get("fields", {}).items():
        yield from _with_multi_fields(f"{name}.{sub}", inner)


def _render_properties(properties: dict[str, Node]) -> Node:
    return {name: _render_node(properties[name]) for name in sorted(properties)}


def _render_node(node: Node) -> Node:
    if "properties" not in node:
        return node
    shown = {key: value for key, value in node.items() if key != "properties" and (key, value) != ("enabled", True)}
    if node["properties"]:
        if node["type"] == "object":
            del shown["type"]  # implied by `properties`
        shown["properties"] = _render_properties(node["properties"])
    return shown
