"""Role definitions as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.privileges.fields import FieldSecurity


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexGrant:
    """One entry of a role's `indices`. `query` is the document-level security query, as text, if any."""

    names: tuple[str, ...]
    privileges: tuple[str, ...]
    field_security: FieldSecurity | None = None
    query: str | None = None
    allow_restricted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role: what it grants on the cluster, on indices, and as whom it may run."""

    name: str
    cluster: tuple[str, ...] = ()
    indices: tuple[IndexGrant, ...] = ()
    run_as: tuple[str, ...] = ()


def role_from_json(name: str, body: Mapping[str, Any]) -> Role:
    """A role as `GET _security/role` or a role descriptor of an API key words it."""
    raise NotImplementedError
