"""Every privilege by name, with the actions that it allows.

From `ClusterPrivilegeResolver` and `IndexPrivilege` of 9.1, which has every name that versions from 7.17 on know;
`versions` holds what differs in older ones. Names that a cluster does not know it refuses itself. Where the actions of
a name changed between versions the newest are taken for both sides of a comparison, which changes an answer only for
roles that spell actions out; then towards a denial (see docs/decisions/010-one-table-of-privileges.md).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actions:
    """Patterns of actions allowed, minus patterns excepted."""

    include: tuple[str, ...]
    exclude: tuple[str, ...] = ()


_SECURITY = "cluster:admin/xpack/security/"
_ENRICH = "cluster:monitor/xpack/enrich/"
_TEMPLATES = ("indices:admin/template/get", "cluster:admin/component_template/get", "indices:admin/index_template/get")
_EVERYTHING = ("cluster:*", "indices:admin/template/*", "indices:admin/index_template/*")
_TRANSFORM_MONITOR = ("cluster:monitor/data_frame/*", "cluster:monitor/transform/*")
_TRANSFORM_MANAGE = ("cluster:admin/data_frame/*", *_TRANSFORM_MONITOR, "cluster:admin/transform/*")
_SNAPSHOTS = ("cluster:admin/snapshot/status*", "cluster:admin/snapshot/get", "cluster:admin/repository/get")
_ILM_MODE = "cluster:admin/ilm/operation_mode/get"
_READ_SECRETS = ("cluster:admin/xpack/connector/secret/get",)
_WRITE_SECRETS = tuple(f"cluster:admin/xpack/connector/secret/{verb}" for verb in ("delete", "post", "put"))
_CCR_STATE = ("cluster:monitor/state", f"{_SECURITY}user/has_privileges")
_REMOTE = (
    "cluster:internal/remote_cluster/handshake",
    "cluster:internal/remote_cluster/nodes",
    "cluster:internal/admin/tasks/ban",
    "cluster:internal/admin/tasks/cancel_child",
    "cluster:monitor/xpack/info",
)
_INFERENCE = ("cluster:monitor/xpack/inference*", "cluster:monitor/xpack/ml/trained_models/deployment/infer")

CLUSTER: dict[str, Actions] = {
    "none": Actions(()),
    "all": Actions(_EVERYTHING),
    "monitor": Actions(("cluster:monitor/*", *_TEMPLATES)),
    "monitor_connector": Actions(
        tuple(f"cluster:admin/xpack/connector/{verb}" for verb in ("get", "list", "sync_job/get", "sync_job/list"))
    ),
    "monitor_inference": Actions(_INFERENCE),
    "monitor_ml": Actions(("cluster:monitor/xpack/ml/*",)),
    "monitor_text_structure": Actions(("cluster:monitor/text_structure/*",)),
    "monitor_data_frame_transforms": Actions(_TRANSFORM_MONITOR),
    "monitor_transform": Actions(_TRANSFORM_MONITOR),
    "monitor_watcher": Actions(("cluster:monitor/xpack/watcher/*",)),
    "monitor_rollup": Actions(("cluster:monitor/xpack/rollup/*",)),
    "monitor_enrich": Actions((f"{_ENRICH}*", "cluster:admin/xpack/enrich/get")),
    "monitor_esql": Actions(("cluster:monitor/xpack/esql/*",)),
    "monitor_stats": Actions(("cluster:monitor/stats*",)),
    "monitor_snapshot": Actions(_SNAPSHOTS),
    "monitor_data_stream_global_retention": Actions(()),
    "manage": Actions(_EVERYTHING, (f"{_SECURITY}*",)),
    "manage_connector": Actions(("cluster:admin/xpack/connector/*",), (*_READ_SECRETS, *_WRITE_SECRETS)),
    "manage_inference": Actions(
        (
            "cluster:admin/xpack/inference/*",
            *_INFERENCE,
            "cluster:admin/xpack/ml/trained_models/deployment/start",
            "cluster:admin/xpack/ml/trained_models/deployment/stop",
        )
    ),
    "manage_ml": Actions(("cluster:admin/xpack/ml/*", "cluster:monitor/xpack/ml/*")),
    "manage_data_frame_transforms": Actions(_TRANSFORM_MANAGE),
    "manage_transform": Actions(_TRANSFORM_MANAGE),
    "manage_token": Actions((f"{_SECURITY}token/*",)),
    "manage_watcher": Actions(("cluster:admin/xpack/watcher/*", "cluster:monitor/xpack/watcher/*")),
    "manage_index_templates": Actions((*_EVERYTHING[1:], "cluster:admin/component_template/*")),
    "manage_ingest_pipelines": Actions(("cluster:admin/ingest/pipeline/*",)),
    "manage_pipeline": Actions(("cluster:admin/ingest/pipeline/*",)),
    "read_pipeline": Actions(("cluster:admin/ingest/pipeline/get", "cluster:admin/ingest/pipeline/simulate")),
    "transport_client": Actions(("cluster:monitor/nodes/liveness", "cluster:monitor/state")),
    "manage_security": Actions((f"{_SECURITY}*",), (f"{_SECURITY}delegate_pki",)),
    "read_security": Actions(
        tuple(
            _SECURITY + action
            for action in (
                "api_key/get",
                "api_key/query",
                "privilege/builtin/get",
                "privilege/get",
                "profile/get",
                "profile/has_privileges",
                "profile/suggest",
                "role/get",
                "role/query",
                "role_mapping/get",
                "service_account/get",
                "service_account/credential/get*",
                "settings/get",
                "user/get",
                "user/query",
                "user/list_privileges",
                "user/has_privileges",
            )
        )
    ),
    "manage_saml": Actions(
        (
            f"{_SECURITY}saml/*",
            f"{_SECURITY}token/invalidate",
            f"{_SECURITY}token/refresh",
            "cluster:monitor/xpack/security/saml/metadata",
        )
    ),
    "manage_oidc": Actions((f"{_SECURITY}oidc/*",)),
    "manage_api_key": Actions((f"{_SECURITY}api_key/*",)),
    "grant_api_key": Actions((f"{_SECURITY}api_key/grant*",)),
    # What it allows depends on the request (own keys only), so to hold it grants no action here: see OWN_KEYS.
    "manage_own_api_key": Actions(()),
    "manage_service_account": Actions((f"{_SECURITY}service_account/*",)),
    "manage_user_profile": Actions((f"{_SECURITY}profile/*",)),
    "manage_rollup": Actions(("cluster:admin/xpack/rollup/*", "cluster:monitor/xpack/rollup/*")),
    "manage_autoscaling": Actions(("cluster:admin/autoscaling/*",)),
    "manage_ccr": Actions(("cluster:admin/xpack/ccr/*", *_CCR_STATE)),
    "read_ccr": Actions(_CCR_STATE),
    "create_snapshot": Actions(("cluster:admin/snapshot/create", *_SNAPSHOTS)),
    "manage_ilm": Actions(("cluster:admin/ilm/*",)),
    "read_ilm": Actions(("cluster:admin/ilm/get", _ILM_MODE)),
    "manage_slm": Actions(("cluster:admin/slm/*", "cluster:admin/ilm/start", "cluster:admin/ilm/stop", _ILM_MODE)),
    "read_slm": Actions(("cluster:admin/slm/status", "cluster:admin/slm/get", _ILM_MODE)),
    "delegate_pki": Actions((f"{_SECURITY}delegate_pki", f"{_SECURITY}token/invalidate")),
    "manage_enrich": Actions(("cluster:admin/xpack/enrich/*", f"{_ENRICH}*")),
    "manage_logstash_pipelines": Actions(("cluster:admin/logstash/pipeline/*",)),
    "read_fleet_secrets": Actions(("cluster:admin/fleet/secrets/get",)),
    "write_fleet_secrets": Actions(("cluster:admin/fleet/secrets/post", "cluster:admin/fleet/secrets/delete")),
    "cancel_task": Actions(("cluster:admin/tasks/cancel*",)),
    "manage_search_application": Actions(("cluster:admin/xpack/application/search_application/*",)),
    "manage_search_synonyms": Actions(
        ("cluster:admin/synonyms/*", "cluster:admin/synonyms_sets/*", "cluster:admin/synonym_rules/*")
    ),
    "manage_search_query_rules": Actions(("cluster:admin/xpack/query_rules/*",)),
    "manage_behavioral_analytics": Actions(("cluster:admin/xpack/application/analytics/*",)),
    "post_behavioral_analytics_event": Actions(("cluster:admin/xpack/application/analytics/post_event",)),
    "cross_cluster_search": Actions(
        (
            *_REMOTE,
            f"{_ENRICH}esql/resolve_policy",
            "cluster:internal:data/read/esql/open_exchange",
            "cluster:internal:data/read/esql/exchange",
            "cluster:monitor/stats",
            "cluster:monitor/stats[n]",
            "cluster:monitor/stats/remote",
        )
    ),
    "cross_cluster_replication": Actions((*_REMOTE, "cluster:monitor/state")),
    "read_connector_secrets": Actions(_READ_SECRETS),
    "write_connector_secrets": Actions(_WRITE_SECRETS),
    "manage_data_stream_global_retention": Actions(()),
}

# What `manage_own_api_key` needs where it is asked for: whoever may manage all keys may manage their own.
OWN_KEYS = ("manage_own_api_key", Actions((f"{_SECURITY}api_key/*",)))

_BULK = ("indices:data/write/bulk*", "indices:data/write/simulate/bulk*")
_CAPS = ("indices:data/read/field_caps*", "indices:data/read/xpack/rollup/get/index/caps*")
_RESOLVE = ("indices:admin/resolve/index", "indices:admin/resolve/cluster")
_SEARCH_SHARDS = ("indices:admin/shards/search_shards", "indices:admin/search/search_shards")
_PROXY = "internal:transport/proxy/indices:"
_SESSIONS = "internal/admin/ccr/restore/"
_AUTO_PUT = "indices:admin/mapping/auto_put"
_AUTO_CREATE = "indices:admin/auto_create"
_MANAGE = ("indices:monitor/*", "indices:admin/*", *_CAPS)

INDEX: dict[str, Actions] = {
    "none": Actions(()),
    "all": Actions(("indices:*", f"{_PROXY}*")),
    "read": Actions(("indices:data/read/*", *_RESOLVE)),
    "read_cross_cluster": Actions(
        (
            f"{_PROXY}data/read/*",
            *_SEARCH_SHARDS,
            _RESOLVE[1],
            "indices:data/read/esql",
            "indices:data/read/esql/compute",
        )
    ),
    "create": Actions(("indices:data/write/index*", *_BULK)),
    "create_doc": Actions(
        (
            "indices:data/write/index",
            "indices:data/write/index[*",
            "indices:data/write/index:op_type/create",
            *_BULK,
        )
    ),
    "index": Actions(("indices:data/write/index*", "indices:data/write/update*", *_BULK)),
    "delete": Actions(("indices:data/write/delete*", "indices:data/write/bulk*")),
    "write": Actions(("indices:data/write/*", _AUTO_PUT)),
    "monitor": Actions(("indices:monitor/*",)),
    "manage": Actions(_MANAGE),
    "create_index": Actions(("indices:admin/create", _AUTO_CREATE, "indices:admin/data_stream/create")),
    "delete_index": Actions(("indices:admin/delete", "indices:admin/data_stream/delete")),
    "view_index_metadata": Actions(
        (
            "indices:admin/aliases/get",
            "indices:admin/get",
            "indices:admin/mappings/fields/get*",
            "indices:admin/mappings/get",
            *_SEARCH_SHARDS,
            "indices:admin/validate/query*",
            "indices:monitor/settings/get",
            "indices:admin/ilm/explain",
            "indices:admin/data_stream/lifecycle/get",
            "indices:admin/data_stream/lifecycle/explain",
            "indices:admin/data_stream/get",
            *_RESOLVE,
            *_CAPS,
            "indices:monitor/transform/checkpoint*",
            "indices:monitor/get/metering/stats",
            "indices:admin/get/metering/stats",
        )
    ),
    "manage_follow_index": Actions(
        (
            "indices:admin/xpack/ccr/put_follow",
            "indices:admin/xpack/ccr/unfollow",
            "indices:admin/close*",
            "indices:admin/data_stream/promote",
            "indices:admin/rollover",
        )
    ),
    "manage_leader_index": Actions(("indices:admin/xpack/ccr/forget_follower*",)),
    "manage_ilm": Actions(("indices:admin/ilm/*",)),
    "manage_data_stream_lifecycle": Actions(("indices:admin/data_stream/lifecycle/*",)),
    "maintenance": Actions(
        ("indices:admin/refresh*", "indices:admin/flush*", "indices:admin/synced_flush", "indices:admin/forcemerge*")
    ),
    "auto_configure": Actions((_AUTO_PUT, _AUTO_CREATE)),
    "cross_cluster_replication": Actions(
        (
            "indices:data/read/xpack/ccr/shard_changes*",
            "indices:monitor/stats*",
            "indices:admin/seq_no/add_retention_lease*",
            "indices:admin/seq_no/remove_retention_lease*",
            "indices:admin/seq_no/renew_retention_lease*",
        )
    ),
    "cross_cluster_replication_internal": Actions(
        (
            f"indices:{_SESSIONS}session/clear*",
            f"indices:{_SESSIONS}file_chunk/get*",
            f"indices:{_SESSIONS}session/put*",
            f"{_PROXY}{_SESSIONS}session/clear*",
            f"{_PROXY}{_SESSIONS}file_chunk/get*",
        )
    ),
    "read_failure_store": Actions(("indices:data/read/*", _RESOLVE[0])),
    "manage_failure_store": Actions(_MANAGE),
}

# These reach the failure store of a data stream only, never the data; the first three reach both.
BOTH_COMPONENTS = frozenset({"all", "manage", "manage_data_stream_lifecycle"})
FAILURES_ONLY = frozenset({"read_failure_store", "manage_failure_store"})

# Besides their own actions these allow to change the mapping of what is not part of a data stream, as they did in 7.x
# (`IndicesPermission.PRIVILEGE_NAME_SET_BWC_ALLOW_MAPPING_UPDATE`).
ALSO_MAPPING = frozenset({"create", "create_doc", "index", "write"})
MAPPING_ACTIONS = frozenset({"indices:admin/mapping/put", _AUTO_PUT})
