"""Mappings as requests spell them → the one form in which they are kept.

Kept form: nested dicts as Elasticsearch shows them, but objects always carry `type` and `properties`. Dotted names
become objects, parameters get their types, those equal to a default go; `mapping.render` drops what is implied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.embedded.core import dates, field_types
from proxy.embedded.core.analysis import Analysis
from proxy.embedded.core.failure import ElasticError, bad_mapping, illegal, number_format, unparsable
from proxy.embedded.core.field_types import FieldType, Parameter
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.request import boolean
from proxy.embedded.core.texts import java, java_type

Node = dict[str, Any]
DYNAMIC = ("true", "false", "strict", "runtime")
_ROOT_FLAGS = ("date_detection", "numeric_detection", "subobjects")
_ROOT_KEPT = (
    "_meta",
    "dynamic_templates",
    "dynamic_date_formats",
    "_source",
    "_routing",
    "_field_names",
    "_size",
    "_data_stream_timestamp",
    "_doc_count",
    "_tier",
)


def parse(source: Mapping[str, Any], analysis: Analysis) -> Node:
    """The kept form of a whole mapping. Raises ElasticError 400 `Failed to parse mapping: …`."""
    try:
        return _Parser(analysis).root(source)
    except ElasticError as fault:
        raise unparsable(fault) from None


def parse_runtime(source: Json) -> dict[str, Node | None]:
    """A `runtime` section (or a request's `runtime_mappings`); None under a name removes the field."""
    if not isinstance(source, Mapping):
        raise bad_mapping(f"Expected map for property [runtime] but got a {java_type(source)}")
    found: dict[str, Node | None] = {}
    for name, node in source.items():
        found[name] = None if node is None else _runtime_field(name, node)
    return found


@dataclass(frozen=True, slots=True)
class _Parser:
    analysis: Analysis

    def root(self, source: Mapping[str, Any]) -> Node:
        root: Node = {"properties": {}}
        unknown: dict[str, Any] = {}
        for key, value in source.items():
            if key == "dynamic":
                root[key] = _dynamic(value, "dynamic")
            elif key == "properties":
                self.properties(value, "", root["properties"])
            elif key == "runtime":
                root[key] = parse_runtime(value)
            elif key in _ROOT_FLAGS or key in _ROOT_KEPT:
                root[key] = _flag(value) if key in _ROOT_FLAGS else value
            elif key != "type":
                unknown[key] = value
        if unknown:
            raise bad_mapping(f"Root mapping definition has unsupported parameters:  {_listed(unknown)}")
        return root

    def properties(self, source: Json, prefix: str, into: Node) -> None:
        if source == []:
            return  # what PHP clients send for an empty object
        if not isinstance(source, Mapping):
            raise bad_mapping("Expected map for property [properties] but got a class java.lang.String")
        for name, node in source.items():
            steps = _steps(name)
            if not isinstance(node, Mapping):
                raise bad_mapping(
                    f"Expected map for property [fields] on field [{name}] but got a class java.lang.String"
                )
            full = ".".join([prefix, *steps] if prefix else steps)
            _insert(into, steps, self.field(name, steps[-1], full, node), prefix)

    def field(self, given: str, name: str, full: str, source: Mapping[str, Any]) -> Node:
        """One field: `given` is its name as the body spells it, `name` the last step of that, `full` with its path."""
        type = source.get("type")
        if type is None and ("properties" in source or set(source) == {"enabled"}):
            type = "object"
        if type is None:
            raise bad_mapping(f"No type specified for field [{given}]")
        if type in ("object", "nested"):
            return self.object(name, full, type, source)
        if type == "alias":
            return _alias(name, source)
        found = field_types.TYPES.get(type) if isinstance(type, str) else None
        if found is None:
            raise bad_mapping(f"No handler for type [{type}] declared on field [{given}]")
        return self.leaf(name, found, source)

    def object(self, name: str, full: str, type: str, source: Mapping[str, Any]) -> Node:
        allowed = field_types.NESTED_PARAMETERS if type == "nested" else field_types.OBJECT_PARAMETERS
        unknown = {key: value for key, value in source.items() if key not in allowed}
        if unknown:
            raise bad_mapping(f"Mapping definition for [{name}] has unsupported parameters:  {_listed(unknown)}")
        node: Node = {"type": type, "properties": {}}
        if "dynamic" in source:
            node["dynamic"] = _dynamic(source["dynamic"], name)
        if "enabled" in source:
            node["enabled"] = _flag(source["enabled"])  # kept even when true: it may not follow a false one
        for key in ("include_in_parent", "include_in_root", "subobjects"):
            if key in source and (flag := _flag(source[key])) is not (key == "subobjects"):
                node[key] = flag
        self.properties(source.get("properties", {}), full, node["properties"])
        return node

    def leaf(self, name: str, type: FieldType, source: Mapping[str, Any]) -> Node:
        node: Node = {"type": type.name}
        for key, value in source.items():
            if type.name == "flattened" and key in ("fields", "copy_to"):
                raise bad_mapping(f"flattened field [{name}] does not support [{key}]")
            if key == "fields":
                node["fields"] = self.multi_fields(name, value)
            elif key != "type":
                _set_parameter(node, name, type, key, value)
        for key in type.required:
            if key not in node:
                raise bad_mapping(f"Field [{key}] is required")
        self.check_names(name, node)
        return node

    def multi_fields(self, name: str, source: Json) -> dict[str, Node]:
        if not isinstance(source, Mapping):
            raise bad_mapping(f"expected map for property [fields] on field [{name}] but got a {java_type(source)}")
        found: dict[str, Node] = {}
        for sub, node in source.items():
            if "." in sub:
                raise bad_mapping(f"Field name [{sub}] which is a multi field of [{name}] cannot contain '.'")
            if not isinstance(node, Mapping):
                raise bad_mapping(f"Expected map for property [fields] on field [{sub}] but got a {java_type(node)}")
            if node.get("type") in ("object", "nested", "alias"):
                raise bad_mapping(f"Type [{node['type']}] cannot be used in multi field")
            found[sub] = self.field(sub, sub, f"{name}.{sub}", node)
        return found

    def check_names(self, name: str, node: Node) -> None:
        """The analyzers, normalizer and similarity that a field names must exist."""
        for key in ("analyzer", "search_analyzer", "search_quote_analyzer"):
            if key in node and node[key] not in self.analysis.analyzers:
                raise illegal(f"analyzer [{node[key]}] has not been configured in mappings")
        if "normalizer" in node and node["normalizer"] not in self.analysis.normalizers:
            raise bad_mapping(f"normalizer [{node['normalizer']}] not found for field [{name}]")
        similarity = node.get("similarity")
        if node["type"] in ("text", "keyword") and similarity and similarity not in self.analysis.similarities:
            raise bad_mapping(f"Unknown Similarity type [{similarity}] for field [{name}]")


def _steps(name: str) -> list[str]:
    steps = name.split(".")
    while len(steps) > 1 and not steps[-1]:
        steps.pop()  # `a.` is `a`, as Java's split has it
    if not all(steps):
        raise illegal("field name cannot be an empty string")
    if not all(step.strip() for step in steps):
        raise illegal(f"field name cannot contain only whitespace: ['{name}']")
    return steps


def _insert(into: Node, steps: list[str], node: Node, prefix: str) -> None:
    """Set a field; what several names of one body say of it must fit together."""
    name, *rest = steps
    full = f"{prefix}.{name}" if prefix else name
    if rest:
        node = {"type": "object", "properties": _below(rest, node)}
    known = into.get(name)
    if known is None:
        into[name] = node
    elif "properties" in known and "properties" in node:
        if known["type"] != node["type"]:
            raise illegal(f"can't merge a non-nested mapping [{full}] with a nested mapping")
        known.update((key, value) for key, value in node.items() if key != "properties")
        for child, inner in node["properties"].items():
            _insert(known["properties"], [child], inner, full)
    elif "properties" in known:
        raise illegal(f"can't merge a non object mapping [{full}] with an object mapping")
    elif known["type"] != node["type"]:
        kind = "ObjectMapper" if "properties" in node else node["type"]
        raise illegal(f"mapper [{full}] cannot be changed from type [{known['type']}] to [{kind}]")
    else:
        into[name] = node


def _below(steps: list[str], node: Node) -> Node:
    """The properties that lead through all the steps to a node."""
    for step in reversed(steps[1:]):
        node = {"type": "object", "properties": {step: node}}
    return {steps[0]: node}


def _alias(name: str, source: Mapping[str, Any]) -> Node:
    if source.get("path") is None:
        raise bad_mapping(f"The [path] property must be specified for field [{name}].")
    unknown = {key: value for key, value in source.items() if key not in ("type", "path")}
    if unknown:
        raise bad_mapping(f"Mapping definition for [{name}] has unsupported parameters:  {_listed(unknown)}")
    return {"type": "alias", "path": source["path"]}


def _runtime_field(name: str, source: Json) -> Node:
    if not isinstance(source, Mapping):
        raise bad_mapping(f"Expected map for runtime field [{name}] definition but got a {java_type(source)}")
    type = source.get("type")
    if type is None:
        raise bad_mapping(f"No type specified for runtime field [{name}]")
    if type not in field_types.RUNTIME_TYPES:
        raise bad_mapping(f"No handler for type [{type}] declared on runtime field [{name}]")
    for key in source:
        if key not in field_types.RUNTIME_PARAMETERS:
            raise bad_mapping(f"unknown parameter [{key}] on runtime field [{name}] of type [{type}]")
    node = dict(source)
    if isinstance(node.get("script"), str):
        node["script"] = {"source": node["script"], "lang": "painless"}
    return node


def _dynamic(value: Json, name: str) -> str:
    text = java(value)
    if text not in DYNAMIC:
        cause = illegal(f"Failed to parse value [{text}] as only [true] or [false] are allowed.")
        raise illegal(f"Could not convert [{name}.dynamic] to boolean", cause)
    return text


def _flag(value: Json) -> bool:
    return value if isinstance(value, bool) else boolean(str(value) or "?")


def _set_parameter(node: Node, name: str, type: FieldType, key: str, value: Json) -> None:
    """Keep one parameter of a field, unless it is what holds anyway."""
    parameter = type.parameters.get(key)
    if parameter is None:
        raise bad_mapping(f"unknown parameter [{key}] on mapper [{name}] of type [{type.name}]")
    parsed = _parameter(name, type, key, value, parameter)
    if parameter.explicit or parsed != parameter.default:
        node[key] = parsed


def _parameter(name: str, type: FieldType, key: str, value: Json, parameter: Parameter) -> Json:
    if value is None and key != "null_value":
        raise bad_mapping(f"[{key}] on mapper [{name}] of type [{type.name}] must not have a [null] value")
    if key == "meta":
        return _meta(name, value)
    if key == "copy_to":
        return [value] if isinstance(value, str) else value
    if key == "format":
        return _format(name, value)
    if key == "null_value" and type.name in field_types.NUMERIC:
        return _number(value, whole=type.name not in field_types.FLOATING)
    if parameter.kind == "bool" or (parameter.kind == "any" and parameter.explicit):
        return _flag(value)
    if parameter.kind in ("int", "float"):
        return _number(value, whole=parameter.kind == "int")
    return java(value) if parameter.kind == "text" and value is not None else value


def _format(name: str, value: Json) -> str:
    try:
        dates.check(str(value))
    except ElasticError as cause:
        raise illegal(f"Error parsing [format] on field [{name}]: {cause.reason}", cause) from None
    return str(value)


def _meta(name: str, value: Json) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise bad_mapping(f"[meta] must be an object, got {java_type(value)}[{java(value)}] for field [{name}]")
    for inner in value.values():
        if not isinstance(inner, str):
            shown = f"{java_type(inner)}[{java(inner)}]"
            raise bad_mapping(f"[meta] values can only be strings, but got {shown} for field [{name}]")
    return dict(sorted(value.items()))


def _number(value: Json, *, whole: bool) -> Json:
    if isinstance(value, bool) or value is None:
        return value
    try:
        return int(value) if whole else float(value)
    except (TypeError, ValueError):
        raise number_format(java(value)) from None


def _listed(unknown: Mapping[str, Any]) -> str:
    return " ".join(f"[{key} : {java(value)}]" for key, value in unknown.items())
