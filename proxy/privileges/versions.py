"""Which privileges a version has, and what they allow in it.

`tables` holds every name with its newest actions. Here is what differs: names that came later, actions that changed.
Held against the classes of 8.15.3 and 9.1.0 by tests/real/test_privileges.py, in which nothing else differs. For older
releases the names are known from Elasticsearch's list of built-in privileges; their actions are taken to be those of
8.15.3, which is not confirmed (docs/decisions/017-privileges-by-version.md).
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from proxy.privileges.tables import CLUSTER, INDEX, Actions

# Major and minor.
Version: TypeAlias = tuple[int, int]

# Names that came later, by the newest release that is known not to have them. A name is refused up to that release; in
# those after it, it may have come already, and the cluster itself says what it does not know.
CLUSTER_ABSENT: Mapping[str, Version] = {
    "manage_user_profile": (7, 17),
    "read_security": (8, 1),
    "cross_cluster_replication": (8, 6),
    "cross_cluster_search": (8, 6),
    "manage_behavioral_analytics": (8, 6),
    "manage_connector": (8, 13),
    "manage_data_stream_global_retention": (8, 13),
    "manage_inference": (8, 13),
    "manage_search_application": (8, 6),
    "manage_search_query_rules": (8, 6),
    "manage_search_synonyms": (8, 6),
    "monitor_connector": (8, 6),
    "monitor_data_stream_global_retention": (8, 6),
    "monitor_enrich": (8, 6),
    "monitor_esql": (8, 15),
    "monitor_inference": (8, 6),
    "monitor_stats": (8, 15),
    "post_behavioral_analytics_event": (8, 6),
    "read_connector_secrets": (8, 6),
    "read_fleet_secrets": (8, 6),
    "write_connector_secrets": (8, 6),
    "write_fleet_secrets": (8, 6),
}
INDEX_ABSENT: Mapping[str, Version] = {
    "cross_cluster_replication": (8, 1),
    "cross_cluster_replication_internal": (8, 1),
    "manage_data_stream_lifecycle": (8, 1),
    "manage_failure_store": (8, 15),
    "read_failure_store": (8, 15),
}

# When the newest actions are known to be in force, and what 8.15.3 has instead.
CHANGED: Version = (9, 1)
_STATS = frozenset({"cluster:monitor/stats", "cluster:monitor/stats[n]", "cluster:monitor/stats/remote"})
_RETENTION = "cluster:{}/data_stream/global_retention/*"
CLUSTER_BEFORE: Mapping[str, Actions] = {
    "cross_cluster_search": Actions(
        tuple(action for action in CLUSTER["cross_cluster_search"].include if action not in _STATS)
    ),
    "monitor_data_stream_global_retention": Actions((_RETENTION.format("monitor"),)),
    "manage_data_stream_global_retention": Actions((_RETENTION.format("admin"), _RETENTION.format("monitor"))),
}


@lru_cache(maxsize=64)
def cluster_privileges(version: Version | None = None) -> Mapping[str, Actions]:
    """Every cluster privilege of a version by name; without one, all names with their newest actions."""
    if version is None:
        return CLUSTER
    changed = CLUSTER if version >= CHANGED else {**CLUSTER, **CLUSTER_BEFORE}
    return _known(changed, CLUSTER_ABSENT, version)


@lru_cache(maxsize=64)
def index_privileges(version: Version | None = None) -> Mapping[str, Actions]:
    """Every index privilege of a version by name; without one, all names with their newest actions."""
    return INDEX if version is None else _known(INDEX, INDEX_ABSENT, version)


def _known(table: Mapping[str, Actions], absent: Mapping[str, Version], version: Version) -> Mapping[str, Actions]:
    return MappingProxyType(
        {name: actions for name, actions in table.items() if name not in absent or version > absent[name]}
    )
