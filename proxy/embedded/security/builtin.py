"""The roles and the service account that every cluster has (`ReservedRolesStore`, `ElasticServiceAccounts`)."""

from collections.abc import Mapping, Sequence
from typing import Any


def _grant(names: Sequence[str], privileges: Sequence[str], restricted: bool = False) -> dict[str, Any]:
    return {"names": list(names), "privileges": list(privileges), "allow_restricted_indices": restricted}


def _role(
    cluster: Sequence[str] = (),
    indices: Sequence[Mapping[str, Any]] = (),
    applications: Sequence[Mapping[str, Any]] = (),
    run_as: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "cluster": list(cluster),
        "indices": [dict(grant) for grant in indices],
        "applications": [dict(grant) for grant in applications],
        "run_as": list(run_as),
        "metadata": {"_reserved": True},
        "transient_metadata": {"enabled": True},
    }


def _kibana(privilege: str) -> dict[str, Any]:
    return {"application": "kibana-*", "privileges": [privilege], "resources": ["*"]}


_ML_READ = (".ml-anomalies*", ".ml-notifications*", ".ml-state*", ".ml-meta*", ".ml-stats-*")
_KIBANA_CLUSTER = (
    "monitor",
    "manage_index_templates",
    "manage_ml",
    "manage_transform",
    "manage_saml",
    "manage_token",
    "manage_oidc",
    "manage_own_api_key",
    "cluster:admin/xpack/security/privilege/builtin/get",
    "delegate_pki",
)
_KIBANA_INDICES = (
    _grant([".kibana*", ".reporting-*", ".apm-agent-configuration", ".apm-custom-link"], ["all"], restricted=True),
    _grant([".monitoring-*"], ["read", "read_cross_cluster"]),
    _grant([".management-beats"], ["create_index", "read", "write"]),
    _grant([".ml-anomalies*", ".ml-stats-*"], ["read"]),
    _grant([".ml-annotations*", ".ml-notifications*"], ["read", "write"]),
    _grant(["*"], ["view_index_metadata"]),
)

ROLES: Mapping[str, Mapping[str, Any]] = {
    "superuser": _role(
        ["all"],
        [
            _grant(["*"], ["all"]),
            _grant(["*"], ["monitor", "read", "view_index_metadata", "read_cross_cluster"], restricted=True),
        ],
        [{"application": "*", "privileges": ["*"], "resources": ["*"]}],
        ["*"],
    ),
    "machine_learning_admin": _role(
        ["manage_ml"],
        [
            _grant(_ML_READ, ["view_index_metadata", "read"], restricted=True),
            _grant([".ml-annotations*"], ["view_index_metadata", "read", "write"]),
        ],
        [_kibana("reserved_ml_admin")],
    ),
    "machine_learning_user": _role(
        ["monitor_ml"],
        [
            _grant([".ml-anomalies*", ".ml-notifications*"], ["view_index_metadata", "read"]),
            _grant([".ml-annotations*"], ["view_index_metadata", "read", "write"]),
        ],
        [_kibana("reserved_ml_user")],
    ),
    "kibana_system": _role(_KIBANA_CLUSTER, _KIBANA_INDICES),
    "kibana_admin": _role(applications=[_kibana("all")]),
    "viewer": _role(indices=[_grant(["*"], ["read", "view_index_metadata"])], applications=[_kibana("read")]),
    "editor": _role(
        indices=[_grant(["*"], ["read", "view_index_metadata", "maintenance"])], applications=[_kibana("all")]
    ),
    "monitoring_user": _role(["cluster:monitor/main"], [_grant([".monitoring-*"], ["read", "read_cross_cluster"])]),
}

SERVICE_ACCOUNTS: Mapping[str, Mapping[str, Any]] = {"elastic/kibana": _role(_KIBANA_CLUSTER, _KIBANA_INDICES)}
