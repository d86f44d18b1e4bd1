"""The cluster itself: `GET /`, health, settings, nodes, tasks."""

from typing import Any

from proxy.embedded.core.index_api import health as health_of
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import Options, options, resolve
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import INDEX_VERSION, VERSION, Index, Store

_EVERY = Options(closed=True, hidden=True, ignore_unavailable=True)
_ROLES = [
    "data",
    "data_cold",
    "data_content",
    "data_frozen",
    "data_hot",
    "data_warm",
    "ingest",
    "master",
    "ml",
    "remote_cluster_client",
    "transform",
]
_RANKS = {"green": 0, "yellow": 1, "red": 2}
_BUILD_HASH = "0" * 40
_BUILD_DATE = "2024-10-09T22:08:00.000000000Z"


def info(store: Store, _: Request) -> Reply:
    """`GET|HEAD /`."""
    return Reply(
        body={
            "name": store.name,
            "cluster_name": store.cluster_name,
            "cluster_uuid": store.cluster_uuid,
            "version": {
                "number": VERSION,
                "build_flavor": "default",
                "build_type": "embedded",
                "build_hash": _BUILD_HASH,
                "build_date": _BUILD_DATE,
                "build_snapshot": False,
                "lucene_version": "9.11.1",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "You Know, for Search",
        }
    )


def health(store: Store, request: Request) -> Reply:
    """`GET /_cluster/health[/{index}]`. A wanted status that is not there times out at once: it would never come."""
    expression = request.part("index")
    indices = resolve(store, expression, options(request, _EVERY))
    body = _health(store, indices)
    wanted = request.param("wait_for_status")
    missing = [name for name in expression.split(",") if name and "*" not in name and not _known(store, name)]
    timed_out = bool(missing) or (wanted is not None and _RANKS[body["status"]] > _RANKS.get(wanted, 2))
    body["timed_out"] = timed_out
    if missing:
        body["status"] = "red"
    if request.param("level") in ("indices", "shards"):
        body["indices"] = {index.name: _index_health(index) for index in indices}
    return Reply(status=408 if timed_out else 200, body=body)


def cluster_settings(_: Store, request: Request) -> Reply:
    """`GET /_cluster/settings`: nothing is set."""
    defaults: dict[str, Any] = {"defaults": {}} if request.flag("include_defaults") else {}
    return Reply(body={"persistent": {}, "transient": {}, **defaults})


def nodes(store: Store, _: Request) -> Reply:
    """`GET /_nodes[/http]`."""
    address = "127.0.0.1:9200"
    node: dict[str, Any] = {
        "name": store.name,
        "transport_address": "127.0.0.1:9300",
        "host": "127.0.0.1",
        "ip": "127.0.0.1",
        "version": VERSION,
        "transport_version": 8702003,
        "index_version": int(INDEX_VERSION),
        "component_versions": {},
        "build_flavor": "default",
        "build_type": "embedded",
        "build_hash": _BUILD_HASH,
        "roles": _ROLES,
        "http": {"bound_address": [address], "publish_address": address, "max_content_length_in_bytes": 104857600},
    }
    return Reply(
        body={
            "_nodes": {"total": 1, "successful": 1, "failed": 0},
            "cluster_name": store.cluster_name,
            "nodes": {store.node_id: node},
        }
    )


def nodes_stats(store: Store, _: Request) -> Reply:
    """`GET /_nodes/stats[/{metric}]`: when they were made, and no more."""
    node = {"name": store.name, "timestamp": store.now_ms(), "roles": _ROLES}
    return Reply(body={"cluster_name": store.cluster_name, "nodes": {store.node_id: node}})


def tasks(store: Store, _: Request) -> Reply:
    """`GET /_tasks`: the request itself is all that runs."""
    number = store.number()
    task = {
        "node": store.node_id,
        "id": number,
        "type": "transport",
        "action": "cluster:monitor/tasks/lists",
        "start_time_in_millis": store.now_ms(),
        "running_time_in_nanos": 0,
        "cancellable": True,
        "cancelled": False,
        "headers": {},
    }
    node = {
        "name": store.name,
        "transport_address": "127.0.0.1:9300",
        "host": "127.0.0.1",
        "ip": "127.0.0.1:9300",
        "roles": _ROLES,
        "tasks": {f"{store.node_id}:{number}": task},
    }
    return Reply(body={"nodes": {store.node_id: node}})


def _known(store: Store, name: str) -> bool:
    return name == "_all" or name in store.indices or store.is_alias(name)


def _health(store: Store, indices: list[Index]) -> dict[str, Any]:
    primaries = sum(index.shards for index in indices)
    unassigned = sum(index.shards * index.replicas for index in indices)
    every = primaries + unassigned
    return {
        "cluster_name": store.cluster_name,
        "status": "yellow" if unassigned else "green",
        "timed_out": False,
        "number_of_nodes": 1,
        "number_of_data_nodes": 1,
        "active_primary_shards": primaries,
        "active_shards": primaries,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": unassigned,
        "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0,
        "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0,
        "active_shards_percent_as_number": 100.0 * primaries / every if every else 100.0,
    }


def _index_health(index: Index) -> dict[str, Any]:
    return {
        "status": health_of(index),
        "number_of_shards": index.shards,
        "number_of_replicas": index.replicas,
        "active_primary_shards": index.shards,
        "active_shards": index.shards,
        "relocating_shards": 0,
        "initializing_shards": 0,
        "unassigned_shards": index.shards * index.replicas,
    }
