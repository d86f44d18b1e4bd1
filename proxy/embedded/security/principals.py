"""`_security/role` and `_security/user`."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proxy.embedded.core.json_text import Json
from proxy.embedded.endpoint import Context, Reply
from proxy.embedded.failure import Failure, bad_request
from proxy.embedded.security.builtin import ROLES
from proxy.embedded.security.identity import NATIVE, RESERVED, User
from proxy.embedded.shapes import FLAG, OBJECT, OBJECTS, TEXT, TEXTS, shaped, texts
from proxy.privileges import InvalidRole, UnknownPrivilege
from proxy.privileges.versions import cluster_privileges, index_privileges

_ROLE_FIELDS = (
    "cluster",
    "indices",
    "index",
    "applications",
    "run_as",
    "metadata",
    "global",
    "transient_metadata",
    "remote_indices",
    "remote_cluster",
    "description",
)
_USER_SHAPES = {
    "password": TEXT,
    "roles": TEXTS,
    "full_name": TEXT,
    "email": TEXT,
    "metadata": OBJECT,
    "enabled": FLAG,
}
SHORTEST_PASSWORD = 6
_NAME = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def _wanted(names: str | None) -> list[str] | None:
    return None if names is None else [name for name in names.split(",") if name]


async def get_roles(context: Context) -> Reply:
    """Roles by name, or all; 404 with an empty object where none of the names is known."""
    context.request.params.finish(context.request.path, "name")
    wanted = _wanted(context.request.variables.get("name"))
    names = [*ROLES, *context.security.custom_roles] if wanted is None else wanted
    found = {name: body for name in names if (body := context.security.role(name)) is not None}
    return (404 if wanted and not found else 200), {name: _role_json(body) for name, body in found.items()}


def _role_json(body: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "cluster": list(body.get("cluster", ())),
        "indices": [
            {"allow_restricted_indices": False, **grant} for grant in body.get("indices", body.get("index", ()))
        ],
        "applications": list(body.get("applications", ())),
        "run_as": list(body.get("run_as", ())),
        "metadata": dict(body.get("metadata", {})),
        "transient_metadata": {"enabled": True},
    }
    return shown | {key: body[key] for key in ("global", "remote_indices", "description") if key in body}


async def put_role(context: Context) -> Reply:
    """Create or replace a role. Raises `Failure` 400 for names that are not allowed and privileges not known."""
    request, name = context.request, context.request.variables["name"]
    request.params.text("refresh")
    body = request.record()
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    for key in body:
        if key not in _ROLE_FIELDS:
            raise Failure(400, "parse_exception", f"failed to parse role [{name}]. unexpected field [{key}]")
    body = shaped(body, {"applications": OBJECTS, "metadata": OBJECT, "global": OBJECT, "description": TEXT})
    request.params.finish(request.path, "name")
    if name in ROLES:
        raise bad_request(f"Role [{name}] is reserved and may not be used.")
    created = name not in context.security.custom_roles
    try:
        context.security.add_role(name, body)
    except (UnknownPrivilege, InvalidRole) as fault:
        raise bad_request(str(fault)) from fault
    return 200, {"role": {"created": created}}


async def delete_role(context: Context) -> Reply:
    """Remove a role that is not built in."""
    name = context.request.variables["name"]
    context.request.params.text("refresh")
    context.request.params.finish(context.request.path, "name")
    if name in ROLES:
        raise bad_request(f"role [{name}] is reserved and cannot be deleted")
    found = context.security.custom_roles.pop(name, None) is not None
    return (200 if found else 404), {"found": found}


async def get_users(context: Context) -> Reply:
    """Native and reserved users by name, or all; 404 with an empty object where none of the names is known."""
    context.request.params.finish(context.request.path, "username", "with_profile_uid")
    wanted = _wanted(context.request.variables.get("username"))
    users = {
        name: user
        for realm in (NATIVE, RESERVED)
        for (at, name), user in context.security.users.items()
        if at == realm and (wanted is None or name in wanted)
    }
    return (404 if wanted and not users else 200), {name: user.json() for name, user in users.items()}


async def put_user(context: Context) -> Reply:
    """Create or replace a user of the native realm. Raises `Failure` 400."""
    request, name = context.request, context.request.variables["username"]
    request.params.text("refresh")
    body = request.record()
    request.params.finish(request.path, "username")
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    body = shaped(body, _USER_SHAPES)
    if (RESERVED, name) in context.security.users:
        raise bad_request(f"user [{name}] is reserved and only the password can be changed")
    before = context.security.users.get((NATIVE, name))
    password = body.get("password", before.password if before else None)
    if _NAME.fullmatch(name) is None or password is None or len(password) < SHORTEST_PASSWORD:
        raise _invalid_user(name, password)
    context.security.users[NATIVE, name] = User(
        username=name,
        password=password,
        roles=tuple(texts(body.get("roles"))),
        full_name=body.get("full_name"),
        email=body.get("email"),
        metadata=body.get("metadata", {}),
        enabled=body.get("enabled", True),
    )
    return 200, {"created": before is None}


def _invalid_user(name: str, password: Json) -> Failure:
    if password is None:
        return Failure(
            400,
            "validation_exception",
            "Validation Failed: 1: password must be specified unless you are updating an existing user;",
        )
    fault = "passwords must be at least [6] characters long" if _NAME.fullmatch(name) else f"invalid username [{name}]"
    return Failure(400, "action_request_validation_exception", f"Validation Failed: 1: {fault};")


async def put_password(context: Context) -> Reply:
    """Change the password of a user, of a reserved one, too. Raises `Failure` 400."""
    request, name = context.request, context.request.variables["username"]
    request.params.text("refresh")
    body = request.record()
    request.params.finish(request.path, "username")
    if body is None:
        raise Failure(400, "parse_exception", "request body is required")
    password = shaped(body, {"password": TEXT}).get("password")
    fault = None
    if password is None:
        fault = "password cannot be null"
    elif len(password) < SHORTEST_PASSWORD:
        fault = "passwords must be at least [6] characters long"
    realm = next((realm for realm in (RESERVED, NATIVE) if (realm, name) in context.security.users), None)
    if fault is None and realm is None:
        fault = "user must exist in order to change password"
    if fault is not None or realm is None or password is None:
        raise Failure(400, "validation_exception", f"Validation Failed: 1: {fault};")
    context.security.users[realm, name] = replace(context.security.users[realm, name], password=password)
    return 200, {}


async def get_builtin(context: Context) -> Reply:
    """The names of all privileges that there are."""
    context.request.params.finish(context.request.path)
    return 200, {"cluster": sorted(cluster_privileges()), "index": sorted(index_privileges())}


async def delete_user(context: Context) -> Reply:
    """Remove a user of the native realm."""
    name = context.request.variables["username"]
    context.request.params.text("refresh")
    context.request.params.finish(context.request.path, "username")
    if (RESERVED, name) in context.security.users:
        raise bad_request(f"user [{name}] is reserved and cannot be deleted")
    found = context.security.users.pop((NATIVE, name), None) is not None
    return (200 if found else 404), {"found": found}
