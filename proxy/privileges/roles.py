"""Role definitions as values, read from the cluster's JSON (`RoleDescriptor`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proxy.errors import StartgateError
from proxy.privileges.fields import FieldSecurity


class InvalidRole(StartgateError):
    """A role definition that is not of the form that Elasticsearch gives; the text names the role and the part."""


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
    """A role as `GET _security/role` or a role descriptor of an API key words it. Raises InvalidRole.

    A role that the licence has switched off (`transient_metadata.enabled` false) grants nothing, nor does a key that
    is restricted to workflows: a start of a job is none of them. Parts that have no say here are not looked at.
    """
    if _mapping(name, body, "transient_metadata").get("enabled") is False or body.get("restriction"):
        return Role(name=name)
    entries = body.get("indices", body.get("index")) or ()
    if not isinstance(entries, list | tuple):
        raise InvalidRole(f"role [{name}]: [indices] must be a list")
    return Role(
        name=name,
        cluster=_texts(name, body, "cluster"),
        indices=tuple(_grant(name, entry) for entry in entries),
        run_as=_texts(name, body, "run_as"),
    )


def _grant(role: str, entry: object) -> IndexGrant:
    if not isinstance(entry, Mapping):
        raise InvalidRole(f"role [{role}]: every entry of [indices] must be an object")
    query = entry.get("query")
    return IndexGrant(
        names=_texts(role, entry, "names"),
        privileges=_texts(role, entry, "privileges"),
        field_security=_field_security(role, entry),
        query=query if query is None or isinstance(query, str) else json.dumps(query, sort_keys=True),
        allow_restricted=entry.get("allow_restricted_indices") is True,
    )


def _field_security(role: str, entry: Mapping[str, Any]) -> FieldSecurity | None:
    if entry.get("field_security") is None:
        return None
    section = _mapping(role, entry, "field_security")
    grant = ("*",) if section.get("grant") is None else _texts(role, section, "grant")
    security = FieldSecurity(grant, _texts(role, section, "except"))
    return None if security.total else security


def _mapping(role: str, body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRole(f"role [{role}]: [{key}] must be an object")
    return value


def _texts(role: str, body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = body.get(key)
    if value is None:
        return ()
    texts = (value,) if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        raise InvalidRole(f"role [{role}]: [{key}] must be a list of texts")
    return tuple(texts)
