"""`_cat`: indices, health, count, aliases, as aligned text or JSON."""

from datetime import UTC, datetime
from typing import Any

from proxy.embedded.core import cluster_api
from proxy.embedded.core.failure import illegal
from proxy.embedded.core.index_api import health as health_of
from proxy.embedded.core.json_text import compact
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import SEARCH, Options, options, resolve
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Index, Store

Row = dict[str, str | None]
_INDEX_HEADERS = (
    "health",
    "status",
    "index",
    "uuid",
    "pri",
    "rep",
    "docs.count",
    "docs.deleted",
    "store.size",
    "pri.store.size",
    "dataset.size",
)
_SHORT = {
    "h": "health",
    "s": "status",
    "i": "index",
    "idx": "index",
    "id": "uuid",
    "p": "pri",
    "r": "rep",
    "dc": "docs.count",
    "docsCount": "docs.count",
    "dd": "docs.deleted",
    "ss": "store.size",
}
_RIGHT = frozenset({"pri", "rep", "docs.count", "docs.deleted", "store.size", "pri.store.size", "dataset.size"})
_EVERY = Options(closed=True)


def indices(store: Store, request: Request) -> Reply:
    """`GET /_cat/indices[/{index}]`."""
    found = resolve(store, request.part("index"), options(request, _EVERY))
    rows = [_index_row(index) for index in found]
    wanted = request.param("health")
    if wanted is not None:
        rows = [row for row in rows if row["health"] == wanted]
    return _table(request, rows, _INDEX_HEADERS)


def health(store: Store, request: Request) -> Reply:
    """`GET /_cat/health`."""
    found = cluster_api.health(store, Request(method="GET", path="/_cluster/health")).body
    seconds = store.now_ms() // 1000
    row: Row = {
        "epoch": str(seconds),
        "timestamp": f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}",
        "cluster": found["cluster_name"],
        "status": found["status"],
        "node.total": "1",
        "node.data": "1",
        "shards": str(found["active_shards"]),
        "pri": str(found["active_primary_shards"]),
        "relo": "0",
        "init": "0",
        "unassign": str(found["unassigned_shards"]),
        "pending_tasks": "0",
        "max_task_wait_time": "-",
        "active_shards_percent": f"{found['active_shards_percent_as_number']:.1f}%",
    }
    return _table(request, [row], tuple(row))


def count(store: Store, request: Request) -> Reply:
    """`GET /_cat/count[/{index}]`."""
    found = resolve(store, request.part("index"), options(request, SEARCH))
    seconds = store.now_ms() // 1000
    row: Row = {
        "epoch": str(seconds),
        "timestamp": f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}",
        "count": str(sum(len(index.documents) for index in found)),
    }
    return _table(request, [row], tuple(row))


def aliases(store: Store, request: Request) -> Reply:
    """`GET /_cat/aliases`."""
    rows: list[Row] = []
    for index in store:
        for alias, one in sorted(index.aliases.items()):
            writes = one.get("is_write_index")
            rows.append(
                {
                    "alias": alias,
                    "index": index.name,
                    "filter": "*" if "filter" in one else "-",
                    "routing.index": one.get("index_routing", "-"),
                    "routing.search": one.get("search_routing", "-"),
                    "is_write_index": "-" if writes is None else str(writes).lower(),
                }
            )
    headers = ("alias", "index", "filter", "routing.index", "routing.search", "is_write_index")
    return _table(request, rows, headers)


def _index_row(index: Index) -> Row:
    size = f"{sum(len(compact(document.source)) for document in index.documents.values()) + 227}b"
    count = None if index.closed else str(len(index.documents))
    return {
        "health": health_of(index),
        "status": "close" if index.closed else "open",
        "index": index.name,
        "uuid": index.uuid,
        "pri": str(index.shards),
        "rep": str(index.replicas),
        "docs.count": count,
        "docs.deleted": None if index.closed else "0",
        "store.size": None if index.closed else size,
        "pri.store.size": None if index.closed else size,
        "dataset.size": None if index.closed else size,
    }


def _table(request: Request, rows: list[Row], headers: tuple[str, ...]) -> Reply:
    """The rows as a JSON value where a format is asked for, else as aligned text."""
    picked = [_SHORT.get(name, name) for name in request.names("h")] or list(headers)
    picked = [name for name in picked if name in headers]
    for name in reversed(request.names("s")):
        key, _, order = name.partition(":")
        key = _SHORT.get(key, key)
        if key not in headers:
            raise illegal(f"Unable to sort by unknown sort key `{key}`")
        rows = sorted(rows, key=lambda row: row[key] or "", reverse=order == "desc")
    shown: list[Row] = [{name: row[name] for name in picked} for row in rows]
    if request.param("format") in ("json", "yaml", "cbor"):
        return Reply(body=shown)
    return Reply(body=_text(shown, picked, titled=request.flag("v")))


def _text(rows: list[Row], headers: list[str], *, titled: bool) -> str:
    lines = [dict(zip(headers, headers, strict=True))] if titled else []
    lines += [{name: row[name] or "" for name in headers} for row in rows]
    widths = {name: max((len(line[name]) for line in lines), default=0) for name in headers}
    return "".join(_line(line, headers, widths) for line in lines)


def _line(line: dict[str, str], headers: list[str], widths: dict[str, int]) -> str:
    cells: list[Any] = [
        line[name].rjust(widths[name]) if name in _RIGHT else line[name].ljust(widths[name]) for name in headers
    ]
    cells[-1] = cells[-1].rstrip() if headers[-1] not in _RIGHT else cells[-1]
    return " ".join(cells) + "\n"
