"""`_security/api_key`."""

import base64
from collections.abc import Mapping
from typing import Any

from proxy.embedded.core.texts import matches
from proxy.embedded.endpoint import Context, Reply
from proxy.embedded.failure import Failure, bad_request
from proxy.embedded.params import time_seconds
from proxy.embedded.security.authorise import cluster_denial, may_cluster, may_run_as
from proxy.embedded.security.identity import API_KEY, ApiKey, Subject
from proxy.embedded.security.store import Security
from proxy.embedded.shapes import FLAG, OBJECT, TEXT, TEXTS, shaped, texts
from proxy.privileges import InvalidRole, role_from_json

_SHAPES = {"name": TEXT, "expiration": TEXT, "role_descriptors": OBJECT, "metadata": OBJECT}
_NAMED = {"ids": TEXTS, "id": TEXT, "name": TEXT, "username": TEXT, "realm_name": TEXT, "owner": FLAG}
_CREATE = "cluster:admin/xpack/security/api_key/create"
_GET = "cluster:admin/xpack/security/api_key/get"
_INVALIDATE = "cluster:admin/xpack/security/api_key/invalidate"


def encoded(key: ApiKey) -> str:
    """What goes behind `ApiKey ` in the Authorization header."""
    return base64.b64encode(f"{key.id}:{key.secret}".encode()).decode()


async def create_key(context: Context) -> Reply:
    """Make a key for the caller. Raises `Failure` 400."""
    request = context.request
    request.params.text("refresh")
    body = request.record()
    request.params.finish(request.path)
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    request.refuse_unknown(body, _SHAPES, "api_key_request")
    body = shaped(body, _SHAPES)
    _check_descriptors(body.get("role_descriptors", {}))
    _require_own(context)
    if not body.get("name"):
        raise Failure(400, "action_request_validation_exception", "Validation Failed: 1: api key name is required;")
    lifetime = body.get("expiration")
    key = context.security.add_api_key(
        context.subject,
        body["name"],
        body.get("role_descriptors"),
        lifetime_ms=None if lifetime is None else int(time_seconds(lifetime, "expiration") * 1000),
        metadata=body.get("metadata"),
    )
    shown: dict[str, Any] = {"id": key.id, "name": key.name}
    if key.expires is not None:
        shown["expiration"] = key.expires
    return 200, shown | {"api_key": key.secret, "encoded": encoded(key)}


async def get_keys(context: Context) -> Reply:
    """Keys by id, name, owner; all that are visible without these. An id that is not there: 404."""
    params = context.request.params
    id_, name, username, realm = (params.text(n) for n in ("id", "name", "username", "realm_name"))
    own, limits, active = params.flag("owner"), params.flag("with_limited_by"), params.flag("active_only")
    params.finish(context.request.path)
    candidates = _visible(context, _GET, own=own, id_=id_)
    found = [
        key
        for key in candidates
        if (id_ is None or key.id == id_)
        and (name is None or matches(name, key.name))
        and (username is None or key.username == username)
        and (realm is None or key.realm.name == realm)
        and not (active and key.invalidated is not None)
    ]
    return (404 if id_ and not found else 200), {"api_keys": [_key_json(key, limits=limits) for key in found]}


def _check_descriptors(descriptors: Mapping[str, Any]) -> None:
    for name, body in shaped(descriptors, dict.fromkeys(descriptors, OBJECT)).items():
        try:
            role_from_json(name, body)
        except InvalidRole as fault:
            raise bad_request(str(fault)) from fault


def _key_json(key: ApiKey, *, limits: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": key.id, "name": key.name, "type": "rest", "creation": key.created}
    if key.expires is not None:
        shown["expiration"] = key.expires
    shown["invalidated"] = key.invalidated is not None
    if key.invalidated is not None:
        shown["invalidation"] = key.invalidated
    shown |= {
        "username": key.username,
        "realm": key.realm.name,
        "realm_type": key.realm.type,
        "metadata": dict(key.metadata),
        "role_descriptors": dict(key.descriptors),
    }
    return shown | {"limited_by": [dict(key.limited_by)]} if limits else shown


async def invalidate_keys(context: Context) -> Reply:
    """Make keys unusable, by the body's `ids`, `id`, `name`, `username`, `realm_name`, `owner`."""
    context.request.params.finish(context.request.path)
    body = context.request.record()
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    body = shaped(body, _NAMED)
    ids = texts(body.get("ids") or body.get("id")) or None
    candidates = _visible(context, _INVALIDATE, own=body.get("owner", False), id_=None)
    found = [key for key in candidates if _named(key, body, ids)]
    fresh = [key for key in found if key.invalidated is None]
    for key in fresh:
        context.security.invalidate(key)
    return 200, {
        "invalidated_api_keys": [key.id for key in fresh],
        "previously_invalidated_api_keys": [key.id for key in found if key not in fresh],
        "error_count": 0,
    }


def _named(key: ApiKey, body: Mapping[str, Any], ids: list[str] | None) -> bool:
    wanted = (
        ("name", key.name),
        ("username", key.username),
        ("realm_name", key.realm.name),
    )
    return (ids is None or key.id in ids) and all(body.get(name) in (None, value) for name, value in wanted)


def _visible(context: Context, action: str, *, own: bool, id_: str | None) -> list[ApiKey]:
    """Keys that the caller may see: with the privilege all, else its own; a key sees itself. Raises `Failure` 403
    where neither was asked for."""
    security, subject = context.security, context.subject
    may_run_as(security, subject, action)
    if may_cluster(security, subject, action):
        return [key for key in security.api_keys.values() if not own or _owns(subject, key)]
    itself = subject.api_key is not None and id_ == subject.api_key.id
    if not itself and not (own and _manages_own(security, subject)):
        raise cluster_denial(security, subject, action)
    return [key for key in security.api_keys.values() if _owns(subject, key)]


def _require_own(context: Context) -> None:
    """Raise `Failure` 403 unless the caller may make keys for itself."""
    security, subject = context.security, context.subject
    may_run_as(security, subject, _CREATE)
    if not may_cluster(security, subject, _CREATE) and not _manages_own(security, subject):
        raise cluster_denial(security, subject, _CREATE)


def _owns(subject: Subject, key: ApiKey) -> bool:
    if subject.realm == API_KEY:
        return subject.api_key is not None and subject.api_key.id == key.id
    return (subject.name, subject.realm) == (key.username, key.realm)


def _manages_own(security: Security, subject: Subject) -> bool:
    sets = security.permissions(subject)
    return all(any("manage_own_api_key" in role.cluster for role in roles) for roles in sets)
