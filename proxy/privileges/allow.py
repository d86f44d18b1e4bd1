"""What a real request would be allowed, from role definitions (`AuthorizationService`, `IndicesPermission.authorize`).

Names here are of one index, alias or data stream as the request uses it, never patterns: the caller resolves those. An
index is also covered by a grant on the data stream that it belongs to: ask for either name.
"""

from collections.abc import Iterable

from proxy.privileges.fields import FieldSecurity
from proxy.privileges.groups import groups_of
from proxy.privileges.names import union_of_cluster
from proxy.privileges.patterns import matches
from proxy.privileges.roles import Role

# What reading a mapping takes: field-level security of the grants that allow it decides which fields the answer shows.
GET_MAPPING = "indices:admin/mappings/get"


def allows_cluster(roles: Iterable[Role], action: str) -> bool:
    """Whether any of the roles allows the cluster action."""
    return union_of_cluster(privilege for role in roles for privilege in role.cluster).matches(action)


def allows_index(roles: Iterable[Role], name: str, action: str) -> bool:
    """Whether any grant covers the one index or alias of this name and allows the action. Raises Undecidable."""
    return any(group.allows(action) and group.covers(name) for group in groups_of(roles))


def allows_run_as(roles: Iterable[Role], username: str) -> bool:
    """Whether any of the roles may run as the user. Raises Undecidable."""
    return any(matches(role.run_as, username) for role in roles)


def field_view(
    roles: Iterable[Role],
    index_name: str,
    *,
    via: Iterable[str] = (),
    action: str = GET_MAPPING,
) -> tuple[FieldSecurity, ...] | None:
    """Which fields of an index the roles may see: None means all; else the union of these views (empty: no field).

    `via` are aliases and data streams by which the index is reached besides its own name. Only grants that allow
    `action` count, as in the cluster. Give the result to `fields.visible_fields`. Raises Undecidable.
    """
    names = (index_name, *via)
    views: set[FieldSecurity] = set()
    for group in groups_of(roles):
        if not group.allows(action) or not any(group.covers(name) for name in names):
            continue
        if group.views is None:
            return None
        views |= group.views
    return tuple(sorted(views, key=lambda view: (view.grant, view.except_)))
