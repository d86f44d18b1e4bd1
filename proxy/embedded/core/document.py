"""A document against its index's mapping: values to search by, and the fields that it adds (DocumentParser)."""

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core import dynamic, field_types, mapping_parse, positions, values
from proxy.embedded.core.failure import ElasticError, illegal
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping import Field, Mapping
from proxy.embedded.core.mapping_parse import Node
from proxy.embedded.core.texts import java

_REFUSED_NAMES = frozenset(field_types.METADATA_FIELDS) - {"_doc_count", "_data_stream_timestamp"}
_PREVIEW_CHARS = 500
_IMPLIED = "\0implied"  # marks objects that a document only passes through; no mapping parameter has this name
Path = tuple[str | int, ...]


@dataclass(slots=True)
class Parsed:
    """What a document is to its index: parsed values by field, new fields as a mapping, fields that were ignored."""

    values: dict[str, list[Any]] = field(default_factory=dict)
    added: Node = field(default_factory=lambda: {"properties": {}})
    ignored: set[str] = field(default_factory=set)

    @property
    def adds_fields(self) -> bool:
        """Whether the mapping has to grow before the document can be kept."""
        return bool(self.added["properties"] or self.added.get("runtime"))


def parse(mapping: Mapping, id: str, source: ReadOnly[str, Any], text: str, limit: int = 1000) -> Parsed:
    """Parse one document. `text` is its JSON, for positions in errors; `limit` is the total fields limit.

    Raises ElasticError 400: `document_parsing_exception`, `strict_dynamic_mapping_exception`.
    """
    walk = _Walk(mapping, id, text, limit)
    walk.object(mapping.root, walk.parsed.added, source, "", (), str(mapping.root.get("dynamic", "true")))
    _prune(walk.parsed.added)
    return walk.parsed


@dataclass(slots=True)
class _Walk:
    mapping: Mapping
    id: str
    text: str
    limit: int
    parsed: Parsed = field(default_factory=Parsed)
    new_fields: int = 0

    def object(self, node: Node, added: Node, source: ReadOnly[str, Any], prefix: str, at: Path, how: str) -> None:
        """Every member of an object: `node` is its mapping, `added` what the document adds, `how` its `dynamic`."""
        for key, value in source.items():
            here = (*at, key)
            self.check_name(key, here, root=not at)
            if "." not in key:
                self.member(node, added, key, value, f"{prefix}{key}", here, how)
            else:
                self.dotted(node, added, key.split("."), value, prefix, here, how)

    def dotted(self, node: Node, added: Node, steps: list[str], value: Json, prefix: str, at: Path, how: str) -> None:
        """A member whose name goes through objects, known or new; new ones exist even where nothing is below them."""
        name, *rest = steps
        full = f"{prefix}{name}"
        if not rest:
            self.member(node, added, name, value, full, at, how)
            return
        known = node["properties"].get(name)
        if known is not None and "properties" not in known:
            self.value(known, _nested(rest, value), full, at)
            return
        fresh = added["properties"].get(name)
        if known is None and fresh is None:
            if how == "strict":
                raise self.strict(name, full, positions.key_start(self.text, at))
            if how == "false":
                return
            if how == "true":
                self.count(at)
                added["properties"][name] = {"type": "object", "properties": {}}
        shape = known or {"type": "object", "properties": {}}
        if shape.get("enabled", True):
            mode = str(shape.get("dynamic", how))
            self.dotted(shape, _enter(added, name, full, shape["type"]), rest, value, f"{full}.", at, mode)

    def member(self, node: Node, added: Node, name: str, value: Json, full: str, at: Path, how: str) -> None:
        """One member under its mapping, or as a new field."""
        known = node["properties"].get(name)
        fresh = added["properties"].get(name)
        if known is None and fresh is None:
            if full not in self.mapping.root.get("runtime", {}) and full not in self.parsed.added.get("runtime", {}):
                self.unknown(added, name, value, full, at, how)
            return
        shape = known or fresh or {}
        if "properties" in shape:
            if shape.get("enabled", True):
                if known is None and not isinstance(value, (dict, list)) and value is not None:
                    raise _clash(full)
                extra = _enter(added, name, full, shape["type"])
                self.objects(shape, extra, value, full, at, str(shape.get("dynamic", how)))
        elif known is None and isinstance(_first(value), dict) and not field_types.TYPES[shape["type"]].composite:
            raise _clash(full)
        else:
            self.value(shape, value, full, at)

    def value(self, node: Node, value: Json, full: str, at: Path) -> None:
        """The value of what is no object: a leaf field, or an alias, which takes none."""
        if node["type"] == "alias":
            raise self.fault(f"Cannot write to a field alias [{full}].", at)
        self.leaf(node, value, full, at)

    def objects(self, node: Node, added: Node, value: Json, full: str, at: Path, how: str) -> None:
        """The value of an object field: one object, a list of them, or null."""
        if isinstance(value, dict):
            self.object(node, added, value, f"{full}.", at, how)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                self.objects(node, added, item, full, (*at, number), how)
        elif value is not None:
            name = "null" if isinstance(at[-1], int) else full.rpartition(".")[2]
            reason = f"object mapping for [{full}] tried to parse field [{name}] as object, but found a concrete value"
            raise self.fault(reason, at)

    def unknown(self, added: Node, name: str, value: Json, full: str, at: Path, how: str) -> None:
        """A field that no mapping knows: added, ignored or refused as `dynamic` says."""
        sample = _first(value)
        if how == "false":
            return
        if how == "strict":
            raise self.strict(name, full, positions.value_start(self.text, at))
        if sample is None:
            return
        if isinstance(sample, dict):
            self.new_object(added, name, value, full, at, how)
        else:
            self.new_leaf(added, name, sample, value, full, at, how)

    def new_object(self, added: Node, name: str, value: Json, full: str, at: Path, how: str) -> None:
        """A new object field; under `dynamic: runtime` only what it holds is added."""
        found = dynamic.template(self.mapping.root, full, "object")
        node: Node = {"type": "object", "properties": {}}
        if found is not None and found[1].get("type") in ("object", "nested"):
            node.update(found[1])
        elif found is not None:
            self.leaf(self.add(added, name, found[1], at), value, full, at)
            return
        if how != "runtime":
            self.count(at)
        added["properties"][name] = node
        # To the document's next object of this name, all that this one adds is new as well.
        self.objects({**node, "properties": {}}, node, value, full, at, str(node.get("dynamic", how)))
        if how == "runtime" and not node["properties"]:
            del added["properties"][name]

    def new_leaf(self, added: Node, name: str, sample: Json, value: Json, full: str, at: Path, how: str) -> None:
        """A new field of the type that its first value has."""
        kind, format = dynamic.kind_of(sample, self.mapping.root)
        found = dynamic.template(self.mapping.root, full, kind)
        if found is None and how == "runtime":
            self.add_runtime(full, dynamic.runtime_field(kind, format), at)
        elif found is not None and found[0] == "runtime":
            self.add_runtime(full, found[1], at)
        else:
            node = dynamic.field(kind, format) if found is None else found[1]
            self.leaf(self.add(added, name, node, at), value, full, at)

    def add(self, added: Node, name: str, source: Node, at: Path) -> Node:
        """Add one field under its checked mapping."""
        self.count(at)
        parsed = mapping_parse.parse({"properties": {"x": source}}, self.mapping.analysis)
        node: Node = parsed["properties"]["x"]
        added["properties"][name] = node
        return node

    def add_runtime(self, full: str, node: Node, at: Path) -> None:
        """Add one runtime field."""
        self.count(at)
        self.parsed.added.setdefault("runtime", {})[full] = node

    def count(self, at: Path) -> None:
        """One more new field. Raises ElasticError where that exceeds the limit."""
        self.new_fields += 1
        if self.mapping.total_fields() + self.new_fields > self.limit:
            reason = f"Limit of total fields [{self.limit}] has been exceeded while adding new fields [1]"
            raise self.fault(f"failed to parse: {reason}", at, illegal(reason))

    def leaf(self, node: Node, value: Json, full: str, at: Path) -> None:
        """The value or values of a leaf field and its multi-fields."""
        for one in _fields(node, full):
            found: list[Any] = []
            self.collect(one, value, at, found)
            if found:
                self.parsed.values.setdefault(one.name, []).extend(found)
        for name in node.get("copy_to", ()):
            target = self.mapping.fields.get(name)
            if target is not None:
                self.collect(target, value, at, self.parsed.values.setdefault(name, []))

    def collect(self, one: Field, value: Json, at: Path, into: list[Any]) -> None:
        """Parsed values of one field, lists flattened."""
        if isinstance(value, list) and one.type.name not in ("geo_point", "dense_vector"):
            for number, item in enumerate(value):
                self.collect(one, item, (*at, number), into)
            return
        value = one.node.get("null_value") if value is None else value
        if value is None or one.type.name == "dense_vector":
            return
        try:
            parsed = values.parse(one, value)
        except ElasticError as cause:
            if not one.node.get("ignore_malformed"):
                raise self.malformed(one, value, at, cause) from None
            parsed = None
        if parsed is None and value != "":
            self.parsed.ignored.add(one.name)
        if parsed is not None:
            into.append(self.normalised(one, parsed))

    def normalised(self, one: Field, value: Json) -> Json:
        """A keyword under its normalizer, as far as that folds case."""
        folds = one.node.get("normalizer") in self.mapping.analysis.lowercasing
        return value.lower() if folds and isinstance(value, str) else value

    def check_name(self, key: str, at: Path, *, root: bool) -> None:
        """Raise ElasticError for a name that no field can have."""
        if root and key in _REFUSED_NAMES:
            inner = self.fault(
                f"Field [{key}] is a metadata field and cannot be added inside a document. Use the index API request "
                "parameters.",
                at,
            )
            outer = self.fault(f"failed to parse field [{key}] of type [{key}] in {self.where(at)}", at)
            outer.cause = inner
            raise outer
        if not key:
            raise self.whole_fault("field name cannot be an empty string")
        if not all(part.strip() for part in key.split(".")):
            raise self.whole_fault(f"field name cannot contain only whitespace: ['{key}']")

    def where(self, at: Path, shown: Json = None) -> str:
        """Which document, and a glimpse of the value."""
        value = java(self.value_at(at) if shown is None else shown)
        return f"document with id '{self.id}'. Preview of field's value: '{value[:_PREVIEW_CHARS]}'"

    def value_at(self, at: Path) -> Json:
        """The text of the value at a path, as JSON gives it."""
        span = positions.find(self.text, at)
        return "" if span is None else self.text[span.start : span.end + 1].strip('"')

    def malformed(self, one: Field, value: Json, at: Path, cause: ElasticError) -> ElasticError:
        """The error of one value, at its begin (at its end for an object)."""
        if isinstance(value, dict):
            line, column = positions.value_start(self.text, at)
            if one.type.name not in (*field_types.NUMERIC, "boolean"):
                cause = illegal(f"Expected text at {line}:{column} but found START_OBJECT")
            line, column = positions.value_end(self.text, at) if self.is_object(at) else (line, column)
        else:
            line, column = positions.value_start(self.text, at)
        reason = (
            f"[{line}:{column}] failed to parse field [{one.name}] of type [{one.type.name}] in {self.where(at, value)}"
        )
        return ElasticError(400, "document_parsing_exception", reason, cause=self.located(cause, at))

    def located(self, cause: ElasticError, at: Path) -> ElasticError:
        """Jackson's own errors carry the position after the value and the source."""
        if cause.type != "x_content_parse_exception" or cause.cause is None:
            return cause
        line, column = self.after_token(at)
        full = f'{cause.reason}\n at [Source: (byte[])"{self.text[:500]}"; line: {line}, column: {column}]'
        inner = ElasticError(400, cause.cause.type, full)
        return ElasticError(400, cause.type, f"[{line}:{column}] {full}", cause=inner)

    def is_object(self, at: Path) -> bool:
        """Whether the value at a path is an object in the text itself, not by dots in its name."""
        span = positions.find(self.text, at)
        return span is not None and self.text[span.start] == "{"

    def after_token(self, at: Path) -> tuple[int, int]:
        """The position after the first token of a value: after a bracket, or after a whole scalar."""
        span = positions.find(self.text, at)
        if span is None:
            return 1, 1
        opens = self.text[span.start] in "{["
        return positions.line_column(self.text, (span.start if opens else span.end) + 1)

    def strict(self, name: str, full: str, position: tuple[int, int]) -> ElasticError:
        """400 `strict_dynamic_mapping_exception`."""
        within = full.rpartition(".")[0] or "_doc"
        reason = f"mapping set to strict, dynamic introduction of [{name}] within [{within}] is not allowed"
        line, column = position
        return ElasticError(400, "strict_dynamic_mapping_exception", f"[{line}:{column}] {reason}")

    def fault(self, reason: str, at: Path, cause: ElasticError | None = None) -> ElasticError:
        """400 `document_parsing_exception` at the value's position."""
        line, column = positions.value_start(self.text, at)
        return ElasticError(400, "document_parsing_exception", f"[{line}:{column}] {reason}", cause=cause)

    def whole_fault(self, reason: str) -> ElasticError:
        """400 `document_parsing_exception` of the document as a whole."""
        return ElasticError(
            400, "document_parsing_exception", f"[1:2] failed to parse: {reason}", cause=illegal(reason)
        )


def _enter(added: Node, name: str, full: str, type: str) -> Node:
    """What a document adds inside an object; dropped again by `_prune` when that is nothing."""
    entered: Node = added["properties"].setdefault(name, {"type": type, "properties": {}, _IMPLIED: True})
    if "properties" not in entered:
        raise _clash(full)
    return entered


def _clash(full: str) -> ElasticError:
    """400: a document that holds a new field both as a value and as an object."""
    return illegal(f"can't merge a non object mapping [{full}] with an object mapping")


def _nested(steps: list[str], value: Json) -> Json:
    for step in reversed(steps):
        value = {step: value}
    return value


def _prune(added: Node) -> None:
    for name, node in list(added["properties"].items()):
        if "properties" in node:
            _prune(node)
            if node.pop(_IMPLIED, False) and not node["properties"]:
                del added["properties"][name]


def _fields(node: Node, full: str) -> list[Field]:
    own = Field(name=full, type=field_types.TYPES[node["type"]], node=node)
    return [own, *(one for sub, inner in node.get("fields", {}).items() for one in _fields(inner, f"{full}.{sub}"))]


def _first(value: Json) -> Json:
    """The first value in nested lists that is not null."""
    if not isinstance(value, list):
        return value
    return next((found for item in value if (found := _first(item)) is not None), None)
