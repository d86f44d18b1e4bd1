"""What a real request would be allowed, from role definitions."""

from collections.abc import Iterable

from proxy.privileges.fields import FieldSecurity
from proxy.privileges.roles import Role


def allows_cluster(roles: Iterable[Role], action: str) -> bool:
    """Whether any of the roles allows the cluster action."""
    raise NotImplementedError


def allows_index(roles: Iterable[Role], name: str, action: str) -> bool:
    """Whether any grant covers the one index, alias or data stream of this name and allows the action."""
    raise NotImplementedError


def allows_run_as(roles: Iterable[Role], username: str) -> bool:
    """Whether any of the roles may run as the user."""
    raise NotImplementedError


def field_view(roles: Iterable[Role], index_name: str) -> tuple[FieldSecurity, ...] | None:
    """Which fields of an index the roles may see: None = all; else the union of these views (empty: none)."""
    raise NotImplementedError
