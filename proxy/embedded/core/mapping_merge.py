"""A mapping laid over an existing one: what may change does, what may not is refused in Elasticsearch's words."""

from typing import Any

from proxy.embedded.core import field_types
from proxy.embedded.core.failure import ElasticError, illegal
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping_parse import Node
from proxy.embedded.core.texts import java

_FIXED_METADATA: dict[str, dict[str, Any]] = {
    "_source": {"enabled": True, "includes": [], "excludes": []},
    "_routing": {"required": False},
}


def merge(old: Node, new: Node) -> Node:
    """The kept form of `new` over `old`, neither changed. Raises ElasticError 400 where a field cannot change so."""
    merged = {**old, **{key: value for key, value in new.items() if key not in ("properties", "runtime")}}
    for name, defaults in _FIXED_METADATA.items():
        if name in new:
            _check_metadata(name, defaults, old.get(name, {}), new[name])
    merged["properties"] = merge_properties(old["properties"], new["properties"], "")
    runtime = {**old.get("runtime", {}), **new.get("runtime", {})}
    merged["runtime"] = {name: node for name, node in runtime.items() if node is not None}
    return merged


def merge_properties(old: dict[str, Node], new: dict[str, Node], prefix: str) -> dict[str, Node]:
    """Both sets of fields; the names in both are merged one by one."""
    merged = dict(old)
    for name, node in new.items():
        full = f"{prefix}.{name}" if prefix else name
        merged[name] = _merge_node(old[name], node, full) if name in old else node
    return merged


def _merge_node(old: Node, new: Node, full: str) -> Node:
    if "properties" in old and "properties" in new:
        return _merge_object(old, new, full)
    if "properties" in old or "properties" in new:
        if "nested" in (old["type"], new["type"]):
            raise illegal(f"can't merge a non-nested mapping [{full}] with a nested mapping")
        raise illegal(f"can't merge a non object mapping [{full}] with an object mapping")
    if old["type"] != new["type"]:
        if "alias" in (old["type"], new["type"]):
            raise illegal(_alias_conflict(old, new, full))
        raise illegal(f"mapper [{full}] cannot be changed from type [{old['type']}] to [{new['type']}]")
    return new if old["type"] == "alias" else _merge_leaf(old, new, full)


def _alias_conflict(old: Node, new: Node, full: str) -> str:
    if old["type"] == "alias":
        return f"Cannot merge a field alias mapping [{full}] with a mapping that is not for a field alias."
    return f"mapper [{full}] cannot be changed from type [{old['type']}] to [FieldAliasMapper]"


def _merge_object(old: Node, new: Node, full: str) -> Node:
    if old["type"] != new["type"]:
        raise illegal(f"can't merge a non-nested mapping [{full}] with a nested mapping")
    if "enabled" in new or "enabled" in old:
        before, after = old.get("enabled", True), new.get("enabled", old.get("enabled", True))
        if before != after:
            reason = f"the [enabled] parameter can't be updated for the object mapping [{full}]"
            raise ElasticError(500, "mapper_exception", reason)
    properties = merge_properties(old["properties"], new["properties"], full)
    return {**old, **new, "properties": properties}


def _merge_leaf(old: Node, new: Node, full: str) -> Node:
    parameters = field_types.TYPES[old["type"]].parameters
    conflicts: list[str] = []
    for key, parameter in parameters.items():
        before, after = old.get(key, parameter.default), new.get(key, parameter.default)
        if before != after and not _may_change(old["type"], key, before, after):
            conflicts.append(f"\tCannot update parameter [{key}] from [{java(before)}] to [{java(after)}]")
    if conflicts:
        listed = "\n".join(conflicts)
        raise illegal(f"Mapper for [{full}] conflicts with existing mapper:\n{listed}")
    fields = merge_properties(old.get("fields", {}), new.get("fields", {}), full)
    return {**new, "fields": fields} if fields else new


def _may_change(type: str, key: str, before: Json, after: Json) -> bool:
    if key == "norms":
        return bool(before) and not after  # norms can be given up, not brought back
    if type == "constant_keyword" and key == "value":
        return before is None
    return field_types.TYPES[type].parameters[key].updatable


def _check_metadata(name: str, defaults: dict[str, Any], old: Node, new: Node) -> None:
    conflicts = [
        f"\tCannot update parameter [{key}] from [{java(old.get(key, default))}] to [{java(new.get(key, default))}]"
        for key, default in defaults.items()
        if old.get(key, default) != new.get(key, default)
    ]
    if conflicts:
        raise illegal(f"Mapper for [{name}] conflicts with existing mapper:\n" + "\n".join(conflicts))
