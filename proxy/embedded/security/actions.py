"""From a method and a path to Elasticsearch's action, and to where the index names are.

1. `names` says where they are: in the `path` (a template without `{index}` means all indices), in the lines of a
   `bulk` or `msearch` body, in the `reindex` or `aliases` body, or nowhere (`none`: a cluster action).
2. `expands`: wildcards among the names are first narrowed to what the subject may see. Other actions take names as
   they are.
3. A path that is not here is refused to all but those who hold every cluster action: what is not known is not open.
"""

from dataclasses import dataclass
from typing import Final

from proxy.embedded.routes import Routes

UNMAPPED: Final = "cluster:admin/unmapped"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one kind of request asks for. `template` is the path with `{index}`, to be filled in again."""

    action: str
    names: str
    expands: bool
    template: str


_GET, _HEAD, _PUT, _POST, _DELETE = ("GET",), ("HEAD",), ("PUT",), ("POST",), ("DELETE",)
_READ = ("GET", "HEAD")
_ASK = ("GET", "POST")
_WRITE = ("PUT", "POST")

_CLUSTER: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (_READ, "/", "cluster:monitor/main"),
    (_GET, "/_cluster/health", "cluster:monitor/health"),
    (_GET, "/_cluster/health/{any}", "cluster:monitor/health"),
    (_GET, "/_cluster/settings", "cluster:monitor/settings"),
    (_PUT, "/_cluster/settings", "cluster:admin/settings/update"),
    (_GET, "/_cluster/state", "cluster:monitor/state"),
    (_GET, "/_cluster/state/{any}", "cluster:monitor/state"),
    (_GET, "/_cluster/stats", "cluster:monitor/stats"),
    (_GET, "/_nodes", "cluster:monitor/nodes/info"),
    (_GET, "/_nodes/{any}", "cluster:monitor/nodes/info"),
    (_GET, "/_nodes/{any}/{metric}", "cluster:monitor/nodes/info"),
    (_GET, "/_nodes/stats", "cluster:monitor/nodes/stats"),
    (_GET, "/_nodes/stats/{metric}", "cluster:monitor/nodes/stats"),
    (_GET, "/_tasks", "cluster:monitor/tasks/lists"),
    (_READ, "/_index_template/{name}", "indices:admin/index_template/get"),
    (_WRITE, "/_index_template/{name}", "indices:admin/index_template/put"),
    (_DELETE, "/_index_template/{name}", "indices:admin/index_template/delete"),
    (_WRITE, "/_component_template/{name}", "cluster:admin/component_template/put"),
    (_DELETE, "/_component_template/{name}", "cluster:admin/component_template/delete"),
    (_WRITE, "/_ingest/pipeline/{name}", "cluster:admin/ingest/pipeline/put"),
    (_DELETE, "/_ingest/pipeline/{name}", "cluster:admin/ingest/pipeline/delete"),
)

# Each of these is there with and without an index in front.
_ON_INDICES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (_GET, "/_mapping", "indices:admin/mappings/get"),
    (_GET, "/_mapping/field/{fields}", "indices:admin/mappings/fields/get"),
    (_GET, "/_settings", "indices:monitor/settings/get"),
    (_GET, "/_settings/{name}", "indices:monitor/settings/get"),
    (_PUT, "/_settings", "indices:admin/settings/update"),
    (_READ, "/_alias", "indices:admin/aliases/get"),
    (_READ, "/_alias/{name}", "indices:admin/aliases/get"),
    (_ASK, "/_search", "indices:data/read/search"),
    (_ASK, "/_count", "indices:data/read/search"),
    (_ASK, "/_field_caps", "indices:data/read/field_caps"),
    (_ASK, "/_refresh", "indices:admin/refresh"),
    (_ASK, "/_flush", "indices:admin/flush"),
    (_POST, "/_forcemerge", "indices:admin/forcemerge"),
    (_GET, "/_stats", "indices:monitor/stats"),
    (_GET, "/_stats/{metric}", "indices:monitor/stats"),
    (_GET, "/_segments", "indices:monitor/segments"),
)

# And these only with one.
_ON_NAMED: tuple[tuple[tuple[str, ...], str, str, bool], ...] = (
    (_READ, "/{index}", "indices:admin/get", True),
    (_PUT, "/{index}", "indices:admin/create", False),
    (_DELETE, "/{index}", "indices:admin/delete", True),
    (_WRITE, "/{index}/_mapping", "indices:admin/mapping/put", True),
    (_WRITE, "/{index}/_alias/{name}", "indices:admin/aliases", True),
    (_DELETE, "/{index}/_alias/{name}", "indices:admin/aliases", True),
    (_POST, "/{index}/_open", "indices:admin/open", True),
    (_POST, "/{index}/_close", "indices:admin/close", True),
    (_PUT, "/{index}/_block/{block}", "indices:admin/block/add", True),
    (_GET, "/_resolve/index/{index}", "indices:admin/resolve/index", True),
    (_GET, "/_data_stream/{index}", "indices:admin/data_stream/get", True),
    (_PUT, "/_data_stream/{index}", "indices:admin/data_stream/create", False),
    (_DELETE, "/_data_stream/{index}", "indices:admin/data_stream/delete", True),
    (_GET, "/_cat/indices/{index}", "indices:monitor/stats", True),
    (_POST, "/{index}/_pit", "indices:data/read/open_point_in_time", True),
    (_ASK, "/{index}/_analyze", "indices:admin/analyze", False),
    (_POST, "/{index}/_doc", "indices:data/write/index", False),
    (_WRITE, "/{index}/_doc/{id}", "indices:data/write/index", False),
    (_WRITE, "/{index}/_create/{id}", "indices:data/write/index", False),
    (_READ, "/{index}/_doc/{id}", "indices:data/read/get", False),
    (_READ, "/{index}/_source/{id}", "indices:data/read/get", False),
    (_DELETE, "/{index}/_doc/{id}", "indices:data/write/delete", False),
    (_POST, "/{index}/_update/{id}", "indices:data/write/update", False),
    (_POST, "/{index}/_delete_by_query", "indices:data/write/delete/byquery", True),
    (_POST, "/{index}/_update_by_query", "indices:data/write/update/byquery", True),
)

_IN_BODY: tuple[tuple[tuple[str, ...], str, str, str], ...] = (
    (_WRITE, "/_bulk", "indices:data/write/bulk", "bulk"),
    (_WRITE, "/{index}/_bulk", "indices:data/write/bulk", "bulk"),
    (_ASK, "/_msearch", "indices:data/read/search", "msearch"),
    (_ASK, "/{index}/_msearch", "indices:data/read/search", "msearch"),
    (_POST, "/_reindex", "indices:data/write/reindex", "reindex"),
    (_POST, "/_aliases", "indices:admin/aliases", "aliases"),
)


def _table() -> Routes[Rule]:
    table: Routes[Rule] = Routes()
    for methods, template, action in _CLUSTER:
        table.add(methods, template, Rule(action, "none", expands=False, template=template))
    for methods, template, action in _ON_INDICES:
        rule = Rule(action, "path", expands=True, template="/{index}" + template)
        table.add(methods, template, rule)
        table.add(methods, "/{index}" + template, rule)
    for methods, template, action, expands in _ON_NAMED:
        table.add(methods, template, Rule(action, "path", expands=expands, template=template))
    for methods, template, action, names in _IN_BODY:
        table.add(methods, template, Rule(action, names, expands=False, template=template))
    table.add(
        _GET, "/_cat/indices", Rule("indices:monitor/stats", "path", expands=True, template="/_cat/indices/{index}")
    )
    return table


RULES: Final = _table()
