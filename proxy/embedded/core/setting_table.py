"""Which index settings exist, what their values may be, and which may change on an open index.

After IndexScopedSettings of 8.15; settings that only plugins know are left out.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: `kind` is int, bool, time or text; `low` and `high` bound an int; final ones never change."""

    kind: str = "text"
    dynamic: bool = False
    low: int | None = None
    high: int | None = None
    final: bool = False


_DYNAMIC_TEXT = Setting(dynamic=True)
_TEXT = Setting()
_DYNAMIC_BOOL = Setting(kind="bool", dynamic=True)
_BOOL = Setting(kind="bool")
_TIME = Setting(kind="time", dynamic=True)


def _count(low: int = 0, high: int | None = None) -> Setting:
    return Setting(kind="int", dynamic=True, low=low, high=high)


KNOWN: dict[str, Setting] = {
    "index.number_of_shards": Setting(kind="int", low=1, high=1024, final=True),
    "index.number_of_replicas": _count(),
    "index.number_of_routing_shards": Setting(kind="int", low=1, final=True),
    "index.routing_partition_size": Setting(kind="int", low=1),
    "index.auto_expand_replicas": _DYNAMIC_TEXT,
    "index.refresh_interval": _TIME,
    "index.hidden": _DYNAMIC_BOOL,
    "index.codec": _TEXT,
    "index.mode": _TEXT,
    "index.routing_path": _TEXT,
    "index.priority": _count(),
    "index.format": Setting(kind="int"),
    "index.default_pipeline": _DYNAMIC_TEXT,
    "index.final_pipeline": _DYNAMIC_TEXT,
    "index.required_pipeline": _DYNAMIC_TEXT,
    "index.gc_deletes": _TIME,
    "index.write.wait_for_active_shards": _DYNAMIC_TEXT,
    "index.blocks.read": _DYNAMIC_BOOL,
    "index.blocks.write": _DYNAMIC_BOOL,
    "index.blocks.metadata": _DYNAMIC_BOOL,
    "index.blocks.read_only": _DYNAMIC_BOOL,
    "index.blocks.read_only_allow_delete": _DYNAMIC_BOOL,
    "index.max_result_window": _count(1),
    "index.max_inner_result_window": _count(1),
    "index.max_rescore_window": _count(1),
    "index.max_docvalue_fields_search": _count(),
    "index.max_script_fields": _count(),
    "index.max_ngram_diff": _count(),
    "index.max_shingle_diff": _count(),
    "index.max_refresh_listeners": _count(),
    "index.max_terms_count": _count(1),
    "index.max_regex_length": _count(1),
    "index.max_slices_per_scroll": _count(1),
    "index.max_adjacency_matrix_filters": _count(2),
    "index.analyze.max_token_count": _count(1),
    "index.highlight.max_analyzed_offset": _count(1),
    "index.query.default_field": _DYNAMIC_TEXT,
    "index.queries.cache.enabled": _BOOL,
    "index.query_string.lenient": _BOOL,
    "index.requests.cache.enable": _DYNAMIC_BOOL,
    "index.load_fixed_bitset_filters_eagerly": _BOOL,
    "index.look_ahead_time": _TIME,
    "index.mapper.dynamic": _BOOL,
    "index.mapping.coerce": _BOOL,
    "index.mapping.ignore_malformed": _BOOL,
    "index.mapping.total_fields.limit": _count(),
    "index.mapping.total_fields.ignore_dynamic_beyond_limit": _DYNAMIC_BOOL,
    "index.mapping.depth.limit": _count(1),
    "index.mapping.nested_fields.limit": _count(),
    "index.mapping.nested_objects.limit": _count(),
    "index.mapping.field_name_length.limit": _count(1),
    "index.mapping.dimension_fields.limit": _count(),
    "index.search.idle.after": _TIME,
    "index.search.throttled": _BOOL,
    "index.shard.check_on_startup": _TEXT,
    "index.soft_deletes.enabled": Setting(kind="bool", final=True),
    "index.soft_deletes.retention.operations": _count(),
    "index.soft_deletes.retention_lease.period": _TIME,
    "index.sort.field": _TEXT,
    "index.sort.order": _TEXT,
    "index.sort.mode": _TEXT,
    "index.sort.missing": _TEXT,
    "index.store.type": _TEXT,
    "index.store.preload": _TEXT,
    "index.store.stats_refresh_interval": _TIME,
    "index.time_series.start_time": _TEXT,
    "index.time_series.end_time": _DYNAMIC_TEXT,
    "index.top_metrics_max_size": _count(1),
    "index.translog.durability": _DYNAMIC_TEXT,
    "index.translog.flush_threshold_size": _DYNAMIC_TEXT,
    "index.translog.generation_threshold_size": _DYNAMIC_TEXT,
    "index.translog.retention.age": _TIME,
    "index.translog.retention.size": _DYNAMIC_TEXT,
    "index.translog.sync_interval": _TIME,
    "index.unassigned.node_left.delayed_timeout": _TIME,
    "index.warmer.enabled": _DYNAMIC_BOOL,
    "index.routing.allocation.enable": _DYNAMIC_TEXT,
    "index.routing.allocation.total_shards_per_node": Setting(kind="int", dynamic=True, low=-1),
    "index.routing.allocation.include._tier_preference": _DYNAMIC_TEXT,
    "index.routing.rebalance.enable": _DYNAMIC_TEXT,
    "index.lifecycle.name": _DYNAMIC_TEXT,
    "index.lifecycle.rollover_alias": _DYNAMIC_TEXT,
    "index.lifecycle.origination_date": _DYNAMIC_TEXT,
    "index.lifecycle.parse_origination_date": _DYNAMIC_BOOL,
    "index.lifecycle.indexing_complete": _DYNAMIC_BOOL,
    "index.lifecycle.prefer_ilm": _DYNAMIC_BOOL,
}

# Groups whose names below the prefix are the user's own; the flag says whether they may change on an open index.
GROUPS: dict[str, bool] = {
    "index.analysis.": False,
    "index.similarity.": False,
    "index.routing.allocation.include.": True,
    "index.routing.allocation.exclude.": True,
    "index.routing.allocation.require.": True,
    "index.merge.": True,
    "index.search.slowlog.": True,
    "index.indexing.slowlog.": True,
    "index.store.snapshot.": False,
    "index.xpack.": True,
}

# What the cluster itself writes; refused in requests, shown in answers.
PRIVATE = ("index.uuid", "index.creation_date", "index.provided_name", "index.version.created")


def find(name: str) -> Setting | None:
    """The setting of a full name (`index.…`), None where Elasticsearch knows none."""
    if name in KNOWN:
        return KNOWN[name]
    for prefix, dynamic in GROUPS.items():
        if name.startswith(prefix) and len(name) > len(prefix):
            return _DYNAMIC_TEXT if dynamic else _TEXT
    return None
