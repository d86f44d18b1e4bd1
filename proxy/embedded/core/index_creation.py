"""Making an index: name, settings, mapping and aliases checked, then kept (MetadataCreateIndexService)."""

from collections.abc import Mapping as ReadOnly
from typing import Any

from proxy.embedded.core import aliases, analysis, names, settings
from proxy.embedded.core.failure import ElasticError, illegal, invalid_index_name, parse_failure
from proxy.embedded.core.mapping import Mapping
from proxy.embedded.core.store import INDEX_VERSION, Index, Store

_SECTIONS = ("settings", "mappings", "aliases")


def create(store: Store, name: str, body: ReadOnly[str, Any]) -> Index:
    """Make an index from a create request's body and keep it. Raises ElasticError 400."""
    for key in body:
        if key not in _SECTIONS:
            raise parse_failure(f"unknown key [{key}] for create index")
    mappings = _section(body, "mappings")
    if "_doc" in mappings and isinstance(mappings["_doc"], ReadOnly):
        raise illegal(
            "The mapping definition cannot be nested under a type [_doc] unless include_type_name is set to true."
        )
    check_free(store, name)
    given = settings.normalise(_section(body, "settings"))
    given = {key: value for key, value in given.items() if value is not None}
    settings.validate(given)
    flat = {**_defaults(), **given, **_private(store, name)}
    found = analysis.from_settings(flat)
    index = Index(name=name, uuid=flat["index.uuid"], settings=flat, mapping=Mapping.parsed(mappings, found, flat))
    for alias, definition in _section(body, "aliases").items():
        index.aliases[alias] = aliases.definition(store, alias, definition)
    store.add(index)
    return index


def check_free(store: Store, name: str) -> None:
    """Raise ElasticError 400 where no index of this name can be made."""
    names.check_index_name(name)
    if name in store.indices:
        uuid = store.indices[name].uuid
        fields = {"index_uuid": uuid, "index": name}
        reason = f"index [{name}/{uuid}] already exists"
        raise ElasticError(400, "resource_already_exists_exception", reason, fields=fields)
    if store.is_alias(name):
        raise invalid_index_name(name, "already exists as alias")


def _section(body: ReadOnly[str, Any], key: str) -> ReadOnly[str, Any]:
    value = body.get(key) or {}
    if not isinstance(value, ReadOnly):
        raise parse_failure(f"key [{key}] must be an object")
    return value


def _defaults() -> dict[str, Any]:
    return {
        "index.number_of_shards": "1",
        "index.number_of_replicas": "1",
        settings.TIER: "data_content",
    }


def _private(store: Store, name: str) -> dict[str, Any]:
    return {
        "index.creation_date": str(store.now_ms()),
        "index.provided_name": name,
        "index.uuid": store.uuid(),
        "index.version.created": INDEX_VERSION,
    }
