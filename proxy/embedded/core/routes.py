"""The route table: methods, paths, handlers and the query parameters that each reads (the REST handlers of 8.15).

Rules: `reads` names parameters beyond those that every route accepts; anything else in a query is refused.
"""

from proxy.embedded.core import (
    alias_api,
    bulk_api,
    cat_api,
    cluster_api,
    document_api,
    field_caps_api,
    index_api,
    mapping_api,
    search_api,
    settings_api,
)
from proxy.embedded.core.routing import Handler, Route, Router

_GET = ("GET",)
_READ = ("GET", "HEAD")
_ASK = ("GET", "POST")
_WRITE = ("PUT", "POST")
_INDICES = "allow_no_indices expand_wildcards ignore_unavailable "
_MASTER = "master_timeout timeout "
_SOURCE = "_source _source_excludes _source_includes "
_BODY = "source source_content_type "
_CAT = "bytes h help local master_timeout s time ts v "
_DOC = (
    "if_primary_term if_seq_no op_type pipeline refresh require_alias require_data_stream routing timeout version "
    "version_type wait_for_active_shards include_source_on_error "
)
_SEARCH = (
    _INDICES
    + _SOURCE
    + _BODY
    + "allow_partial_search_results analyze_wildcard analyzer batched_reduce_size ccs_minimize_roundtrips "
    "default_operator df docvalue_fields explain force_synthetic_source from ignore_throttled lenient "
    "max_concurrent_shard_requests min_score pre_filter_shard_size preference q request_cache rest_total_hits_as_int "
    "routing search_type seq_no_primary_term size sort stats stored_fields suggest_field suggest_mode suggest_size "
    "suggest_text terminate_after timeout track_scores track_total_hits typed_keys version "
)


def _route(methods: tuple[str, ...], paths: str, handler: Handler | None, reads: str = "") -> Route:
    return Route(methods, tuple(paths.split()), handler, frozenset(reads.split()))


ROUTES = (
    # the cluster
    _route(_READ, "/", cluster_api.info),
    _route(
        _GET,
        "/_cluster/health /_cluster/health/{index}",
        cluster_api.health,
        _INDICES + _MASTER + "level local wait_for_active_shards wait_for_events wait_for_no_initializing_shards "
        "wait_for_no_relocating_shards wait_for_nodes wait_for_status return_200_for_cluster_health_timeout",
    ),
    _route(_GET, "/_cluster/settings", cluster_api.cluster_settings, _MASTER + "flat_settings include_defaults local"),
    _route(_GET, "/_nodes /_nodes/{nodeId} /_nodes/{nodeId}/{metrics}", cluster_api.nodes, "flat_settings timeout"),
    _route(_GET, "/_nodes/stats /_nodes/stats/{metric}", cluster_api.nodes_stats, "level timeout"),
    _route(
        _GET,
        "/_tasks",
        cluster_api.tasks,
        "actions detailed group_by nodes parent_task_id timeout wait_for_completion",
    ),
    _route(
        _GET,
        "/_cat/indices /_cat/indices/{index}",
        cat_api.indices,
        _CAT + _INDICES + "health pri include_unloaded_segments",
    ),
    _route(_GET, "/_cat/health", cat_api.health, _CAT),
    _route(_GET, "/_cat/count /_cat/count/{index}", cat_api.count, _CAT),
    _route(_GET, "/_cat/aliases", cat_api.aliases, _CAT + "expand_wildcards"),
    # indices
    _route(("PUT",), "/{index}", index_api.create_index, _MASTER + _BODY + "wait_for_active_shards"),
    _route(
        _READ,
        "/{index}",
        index_api.get_index,
        _INDICES + "features flat_settings include_defaults local master_timeout",
    ),
    _route(("DELETE",), "/{index}", index_api.delete_index, _INDICES + _MASTER),
    _route(_ASK, "/_refresh /{index}/_refresh", index_api.refresh, _INDICES),
    _route(_ASK, "/_flush /{index}/_flush", index_api.refresh, _INDICES + "force wait_if_ongoing"),
    _route(
        ("POST",),
        "/_forcemerge /{index}/_forcemerge",
        index_api.refresh,
        _INDICES + "flush max_num_segments only_expunge_deletes wait_for_completion",
    ),
    _route(("PUT",), "/{index}/_block/{block}", index_api.add_block, _INDICES + _MASTER),
    _route(("POST",), "/{index}/_close", index_api.close_index, _INDICES + _MASTER + "wait_for_active_shards"),
    _route(("POST",), "/{index}/_open", index_api.open_index, _INDICES + _MASTER + "wait_for_active_shards"),
    _route(_GET, "/_resolve/index/{name}", index_api.resolve_names, _INDICES + "mode"),
    _route(
        _GET,
        "/_stats /_stats/{metric} /{index}/_stats /{index}/_stats/{metric}",
        index_api.stats,
        _INDICES + "completion_fields fielddata_fields fields forbid_closed_indices groups include_segment_file_sizes "
        "include_unloaded_segments level",
    ),
    # mappings, settings, aliases
    _route(
        _GET,
        "/_mapping /_mappings /{index}/_mapping /{index}/_mappings",
        mapping_api.get_mapping,
        _INDICES + "local master_timeout",
    ),
    _route(
        _WRITE,
        "/{index}/_mapping /{index}/_mappings",
        mapping_api.put_mapping,
        _INDICES + _MASTER + _BODY + "write_index_only",
    ),
    _route(
        _GET,
        "/_mapping/field/{fields} /{index}/_mapping/field/{fields}",
        mapping_api.get_field_mapping,
        _INDICES + "include_defaults local",
    ),
    _route(
        _GET,
        "/_settings /_settings/{name} /{index}/_settings /{index}/_settings/{name}",
        settings_api.get_settings,
        _INDICES + "flat_settings include_defaults local master_timeout",
    ),
    _route(
        ("PUT",),
        "/_settings /{index}/_settings",
        settings_api.put_settings,
        _INDICES + _MASTER + _BODY + "flat_settings preserve_existing reopen",
    ),
    _route(
        _READ,
        "/_alias/{name} /{index}/_alias /{index}/_alias/{name}",
        alias_api.get_alias,
        _INDICES + "local master_timeout",
    ),
    _route(_GET, "/_alias /_aliases", alias_api.get_alias, _INDICES + "local master_timeout"),
    _route(
        _WRITE,
        "/{index}/_alias/{name} /{index}/_aliases/{name} /_alias/{name} /{index}/_alias /{index}/_aliases /_alias",
        alias_api.put_alias,
        _MASTER + _BODY,
    ),
    _route(("DELETE",), "/{index}/_alias/{name} /{index}/_aliases/{name}", alias_api.delete_alias, _MASTER),
    _route(("POST",), "/_aliases", alias_api.change_aliases, _MASTER + _BODY),
    # documents
    _route(_WRITE, "/{index}/_doc/{id}", document_api.index_document, _DOC + _BODY),
    _route(("POST",), "/{index}/_doc", document_api.index_document, _DOC + _BODY),
    _route(_WRITE, "/{index}/_create/{id}", document_api.index_document, _DOC + _BODY),
    _route(
        _READ,
        "/{index}/_doc/{id}",
        document_api.get_document,
        _SOURCE + "force_synthetic_source preference realtime refresh routing stored_fields version version_type",
    ),
    _route(
        _READ,
        "/{index}/_source/{id}",
        document_api.get_source,
        _SOURCE + "preference realtime refresh routing version version_type",
    ),
    _route(
        ("DELETE",),
        "/{index}/_doc/{id}",
        document_api.delete_document,
        "if_primary_term if_seq_no refresh routing timeout version version_type wait_for_active_shards",
    ),
    _route(
        ("POST",),
        "/{index}/_update/{id}",
        document_api.update_document,
        _SOURCE + _BODY + "if_primary_term "
        "if_seq_no lang refresh require_alias retry_on_conflict routing timeout wait_for_active_shards",
    ),
    _route(
        _ASK,
        "/_mget /{index}/_mget",
        document_api.multi_get,
        _SOURCE + _BODY + "force_synthetic_source preference realtime refresh routing stored_fields",
    ),
    _route(
        _WRITE,
        "/_bulk /{index}/_bulk",
        bulk_api.bulk,
        _SOURCE + "list_executed_pipelines pipeline refresh "
        "require_alias require_data_stream routing timeout wait_for_active_shards",
    ),
    # searches
    _route(_ASK, "/_search /{index}/_search", search_api.search_documents, _SEARCH),
    _route(
        _ASK,
        "/_msearch /{index}/_msearch",
        search_api.multi_search,
        _INDICES + "ccs_minimize_roundtrips "
        "ignore_throttled max_concurrent_searches max_concurrent_shard_requests pre_filter_shard_size "
        "rest_total_hits_as_int routing search_type typed_keys",
    ),
    _route(
        _ASK,
        "/_count /{index}/_count",
        search_api.count_documents,
        _INDICES + _BODY + "analyze_wildcard analyzer "
        "default_operator df ignore_throttled lenient min_score preference q routing terminate_after",
    ),
    _route(
        _ASK,
        "/_field_caps /{index}/_field_caps",
        field_caps_api.capabilities,
        _INDICES + _BODY + "fields filters include_empty_fields include_unmapped types",
    ),
    # typed routes of 7.x
    _route(("POST",), "/{index}/{type}", None),
    _route(("GET", "POST", "PUT", "DELETE", "HEAD"), "/{index}/{type}/{id}", None),
)

ROUTER = Router(ROUTES)
