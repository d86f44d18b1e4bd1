"""Indices as wholes: create, get, delete, open and close, refresh, blocks, resolve, stats."""

from typing import Any

from proxy.embedded.core import index_creation, settings
from proxy.embedded.core.failure import illegal, parse_failure
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import Options, check_expression, is_pattern, options, resolve, visible
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Index, Store
from proxy.embedded.core.texts import matches

BLOCKS = ("metadata", "read", "read_only", "write")
_DELETE = Options(aliases=False, closed=True)
_EVERY = Options(closed=True)


def create_index(store: Store, request: Request) -> Reply:
    """`PUT /{index}`."""
    body = request.object(required=False)
    index = index_creation.create(store, request.part("index"), body)
    return Reply(body={"acknowledged": True, "shards_acknowledged": True, "index": index.name})


def get_index(store: Store, request: Request) -> Reply:
    """`GET|HEAD /{index}`."""
    found = resolve(store, request.part("index"), options(request))
    features = request.names("features") or ["aliases", "mappings", "settings"]
    flat = request.flag("flat_settings")
    body: dict[str, Any] = {}
    for index in found:
        parts = {
            "aliases": index.aliases,
            "mappings": index.mapping.render(),
            "settings": settings.shown(index.settings, [], flat=flat),
        }
        body[index.name] = {name: part for name, part in parts.items() if name in features}
    return Reply(body=body)


def delete_index(store: Store, request: Request) -> Reply:
    """`DELETE /{index}`. Wildcards are refused, as 8.x does unless `action.destructive_requires_name` is off."""
    expression = request.part("index")
    if any(is_pattern(part) for part in expression.split(",")) or not expression:
        raise illegal("Wildcard expressions or all indices are not allowed")
    for index in resolve(store, expression, options(request, _DELETE)):
        store.remove(index)
    return Reply(body={"acknowledged": True})


def refresh(store: Store, request: Request) -> Reply:
    """`GET|POST /_refresh`, `_flush`, `_forcemerge`: nothing to do, documents are visible at once."""
    indices = resolve(store, request.part("index"), options(request))
    total = sum(index.shards * (1 + index.replicas) for index in indices)
    primaries = sum(index.shards for index in indices)
    return Reply(body={"_shards": {"total": total, "successful": primaries, "failed": 0}})


def add_block(store: Store, request: Request) -> Reply:
    """`PUT /{index}/_block/{block}`. Where all of them are blocked already, no shard is asked
    (`MetadataIndexStateService.addIndexBlock`)."""
    block = request.part("block")
    if block not in BLOCKS:
        raise illegal(f"No block found with name {block}")
    name = f"index.blocks.{block}"
    indices = [
        index for index in resolve(store, request.part("index"), options(request)) if index.settings.get(name) != "true"
    ]
    for index in indices:
        index.settings[name] = "true"
    listed = [{"name": index.name, "blocked": True} for index in indices]
    return Reply(body={"acknowledged": True, "shards_acknowledged": bool(indices), "indices": listed})


def close_index(store: Store, request: Request) -> Reply:
    """`POST /{index}/_close`."""
    indices = resolve(store, request.part("index"), options(request))
    for index in indices:
        index.closed = True
        index.settings["index.verified_before_close"] = "true"
    listed = {index.name: {"closed": True} for index in indices}
    return Reply(body={"acknowledged": True, "shards_acknowledged": True, "indices": listed})


def open_index(store: Store, request: Request) -> Reply:
    """`POST /{index}/_open`."""
    for index in resolve(store, request.part("index"), options(request, _EVERY)):
        index.closed = False
        index.settings.pop("index.verified_before_close", None)
    return Reply(body={"acknowledged": True, "shards_acknowledged": True})


def resolve_names(store: Store, request: Request) -> Reply:
    """`GET /_resolve/index/{name}`."""
    how = options(request)
    parts = [part for part in request.part("name").split(",") if part]
    if not parts:
        raise parse_failure("request is missing a name")
    resolve(store, request.part("name"), how)  # for the errors of names that do not exist
    indices: dict[str, Index] = {}
    aliases: set[str] = set()
    for part in parts:
        check_expression(part)
        pattern = "*" if part == "_all" else part
        indices.update(
            (index.name, index)
            for index in store
            if matches(pattern, index.name) and (not is_pattern(part) or visible(index, pattern, how))
        )
        aliases.update(alias for alias in store.alias_names() if matches(pattern, alias))
    return Reply(
        body={
            "indices": [_resolved(indices[name]) for name in sorted(indices)],
            "aliases": [
                {"name": alias, "indices": [index.name for index in store.of_alias(alias)]} for alias in sorted(aliases)
            ],
            "data_streams": [],
        }
    )


def stats(store: Store, request: Request) -> Reply:
    """`GET /_stats`, `/{index}/_stats[/{metric}]`: documents, and sequence numbers by shard (`level=shards`)."""
    indices = resolve(store, request.part("index"), options(request))
    each = {index.name: _stats_of(index) for index in indices}
    if request.query.get("level") == "shards":
        each = {index.name: {**each[index.name], "shards": _shards_of(index)} for index in indices}
    total = _documents(sum(len(index.documents) for index in indices))
    shards = {
        "total": sum(index.shards * (1 + index.replicas) for index in indices),
        "successful": sum(index.shards for index in indices),
        "failed": 0,
    }
    return Reply(body={"_shards": shards, "_all": {"primaries": total, "total": total}, "indices": each})


def health(index: Index) -> str:
    """`yellow` where replicas wait for a second node, which never comes; else `green`."""
    return "yellow" if index.replicas else "green"


def _resolved(index: Index) -> dict[str, Any]:
    attributes = ["closed" if index.closed else "open"]
    if index.hidden:
        attributes.append("hidden")
    shown: dict[str, Any] = {"name": index.name}
    if index.aliases:
        shown["aliases"] = sorted(index.aliases)
    return {**shown, "attributes": sorted(attributes)}


def _stats_of(index: Index) -> dict[str, Any]:
    documents = _documents(len(index.documents))
    state = "close" if index.closed else "open"
    return {"uuid": index.uuid, "health": health(index), "status": state, "primaries": documents, "total": documents}


def _shards_of(index: Index) -> dict[str, Any]:
    """The statistics of each shard: one copy, the primary. The first stands for all that was written to the index,
    which has one sequence for all of its shards."""
    highest = [index.next_seq_no - 1, *[-1] * (index.shards - 1)]
    routing = {"state": "STARTED", "primary": True}
    return {
        str(shard): [
            {
                "routing": routing,
                "seq_no": {"max_seq_no": number, "local_checkpoint": number, "global_checkpoint": number},
            }
        ]
        for shard, number in enumerate(highest)
    }


def _documents(count: int) -> dict[str, Any]:
    return {"docs": {"count": count, "deleted": 0}}
