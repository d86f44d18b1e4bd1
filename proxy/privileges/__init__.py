"""Elasticsearch's privilege model as a pure library: who may do what, told from role definitions alone.

- `automata`, `regex`, `patterns`: the pattern language of names and actions, and exact inclusion between sets;
- `tables`: every cluster and index privilege by name, with the actions that it allows;
- `versions`: which of them a version has, and what they allowed before they changed;
- `names`: from a privilege's name to its actions and back, unknown names refused;
- `restricted`: the index names that a plain `*` does not cover;
- `fields`: field-level security as a view of a mapping;
- `roles`: role definitions as values, read from Elasticsearch's JSON; `groups`: what several grant together;
- `builtin`, `builtin_roles`: the roles that every cluster has;
- `check`: what `_has_privileges` would answer; `allow`: what a real request would be allowed.

Nothing here asks a cluster. What cannot be decided exactly raises `Undecidable`: callers turn that into a denial.
"""

from proxy.privileges.allow import allows_cluster, allows_index, allows_run_as, field_view
from proxy.privileges.automata import Undecidable
from proxy.privileges.builtin import BUILT_IN, RESERVED_ROLES, built_in
from proxy.privileges.check import Asked, AskedIndex, Held, check, check_limited
from proxy.privileges.fields import FieldSecurity, visible_fields
from proxy.privileges.names import (
    UnknownPrivilege,
    cluster_privilege_grants,
    granting_cluster_privileges,
    granting_index_privileges,
    including_cluster_privileges,
    require_cluster_privilege,
    require_index_privilege,
)
from proxy.privileges.roles import IndexGrant, InvalidRole, Role, role_from_json
from proxy.privileges.versions import Version

__all__ = [
    "BUILT_IN",
    "RESERVED_ROLES",
    "Asked",
    "AskedIndex",
    "FieldSecurity",
    "Held",
    "IndexGrant",
    "InvalidRole",
    "Role",
    "Undecidable",
    "UnknownPrivilege",
    "Version",
    "allows_cluster",
    "allows_index",
    "allows_run_as",
    "built_in",
    "check",
    "check_limited",
    "cluster_privilege_grants",
    "field_view",
    "granting_cluster_privileges",
    "granting_index_privileges",
    "including_cluster_privileges",
    "require_cluster_privilege",
    "require_index_privilege",
    "role_from_json",
    "visible_fields",
]
