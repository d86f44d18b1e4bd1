"""The roles and the service account that every cluster has (`ReservedRolesStore`, `ElasticServiceAccounts`), as JSON.

What the roles grant is `proxy.privileges.BUILT_IN`: the embedded cluster has the same roles that rules are judged by.
"""

from collections.abc import Mapping
from typing import Any

from proxy.privileges import BUILT_IN, IndexGrant, Role

# What the roles grant in Kibana. It has no say here, but is part of the answer.
_KIBANA = {
    "editor": ("kibana-.kibana", "all"),
    "kibana_admin": ("kibana-.kibana", "all"),
    "kibana_user": ("kibana-.kibana", "all"),
    "machine_learning_admin": ("kibana-*", "reserved_ml_admin"),
    "machine_learning_user": ("kibana-*", "reserved_ml_user"),
    "monitoring_user": ("kibana-*", "reserved_monitoring"),
    "superuser": ("*", "*"),
    "viewer": ("kibana-.kibana", "read"),
}


def _role(role: Role) -> dict[str, Any]:
    application = _KIBANA.get(role.name)
    return {
        "cluster": list(role.cluster),
        "indices": [_grant(grant) for grant in role.indices],
        "applications": []
        if application is None
        else [{"application": application[0], "privileges": [application[1]], "resources": ["*"]}],
        "run_as": list(role.run_as),
        "metadata": {"_reserved": True},
        "transient_metadata": {"enabled": True},
    }


def _grant(grant: IndexGrant) -> dict[str, Any]:
    return {
        "names": list(grant.names),
        "privileges": list(grant.privileges),
        "allow_restricted_indices": grant.allow_restricted,
    }


ROLES: Mapping[str, Mapping[str, Any]] = {name: _role(role) for name, role in BUILT_IN.items()}

# Kibana's account has the role of its user (`ElasticServiceAccounts` refers to `ReservedRolesStore`).
SERVICE_ACCOUNTS: Mapping[str, Mapping[str, Any]] = {"elastic/kibana": ROLES["kibana_system"]}
