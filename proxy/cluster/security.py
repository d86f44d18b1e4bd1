"""Who somebody is, and what they hold: `_security`."""

import time
from collections.abc import Mapping
from typing import Any

from proxy.cluster.jobs import text_of
from proxy.cluster.transport import Reply, Transport, in_pieces, quoted, refusal_of
from proxy.errors import ClusterUnreachable, PassedOn, Refusal
from proxy.gate.ports import Grants
from proxy.identity.names import REALMS
from proxy.model import Credential, Identity, Owner, OwnerKind
from proxy.privileges import Asked, Held, InvalidRole, Role, role_from_json

NO_SECURITY = (
    "the cluster has no security, so nobody can be identified and every start is refused; "
    "enable security in Elasticsearch (xpack.security.enabled: true), or let Startgate itself identify who asks: "
    "identity in startgate.yml and authority: roles in the rules (docs/identity.md)"
)
NO_SERVICE = (
    "the job's owner can only be judged with a service credential, and none is configured; "
    "set cluster.service in startgate.yml (docs/service-credential.md)"
)


async def identify(transport: Transport, credential: Credential) -> Identity:
    """`GET _security/_authenticate`.

    Raises:
        Refusal: 403, the cluster has no security, or a realm under a name of Startgate's own.
        PassedOn: 401 or 403 in the cluster's words.
        ClusterUnreachable: no usable answer.
    """
    reply = await transport.call("GET", "/_security/_authenticate", credential)
    if reply.status in (401, 403):
        raise refusal_of(reply)
    if not reply.good:
        # Without security there is no such route: 400, 404 or 405, as versions have it.
        raise Refusal(403, "security_exception", NO_SECURITY)
    try:
        return _identity(reply.content, asked_to_run_as=_asks_to_run_as(credential))
    except (KeyError, TypeError, AttributeError) as failure:
        raise ClusterUnreachable(f"GET /_security/_authenticate: the answer lacks {failure}") from failure


def _asks_to_run_as(credential: Credential) -> bool:
    """Where both users are of one realm the cluster's answer does not show a run-as; the request does."""
    return any(name == "es-security-runas-user" for name, _ in credential.headers)


def _identity(content: Mapping[str, Any], *, asked_to_run_as: bool) -> Identity:
    realm, key = content["authentication_realm"], content.get("api_key") or {}
    if realm["name"] in REALMS:
        text = f"the cluster has a realm [{realm['name']}]: that is a name of Startgate's own; give the realm another"
        raise Refusal(403, "security_exception", text)
    return Identity(
        username=text_of(content["username"], "a user's name"),
        roles=tuple(text_of(role, "names of roles") for role in content["roles"]),
        realm=text_of(realm["name"], "a realm's name"),
        realm_type=text_of(realm["type"], "a realm's type"),
        lookup_realm=text_of(content["lookup_realm"]["name"], "a realm's name"),
        # Before 7.11 a cluster does not say; its realms are all it had.
        authentication_type=text_of(content.get("authentication_type", "realm"), "a kind of authentication"),
        api_key_id=key.get("id"),
        api_key_name=key.get("name"),
        asked_to_run_as=asked_to_run_as,
    )


async def held(transport: Transport, asked: Asked, credential: Credential) -> Held:
    """`POST _security/user/_has_privileges` with the subject's own credential.

    Raises:
        PassedOn: the cluster refused the question, for instance for a privilege that its version does not know.
        ClusterUnreachable: no usable answer.
    """
    index = [
        {
            "names": list(one.names),
            "privileges": list(one.privileges),
            "allow_restricted_indices": one.allow_restricted,
        }
        for one in asked.index
    ]
    body = {"cluster": list(asked.cluster), "index": index, "application": []}
    content = await transport.ask("POST", "/_security/user/_has_privileges", credential, body=body, safe=True)
    try:
        return Held(
            cluster={str(name): value is True for name, value in content["cluster"].items()},
            index={
                str(name): {str(privilege): value is True for privilege, value in given.items()}
                for name, given in content["index"].items()
            },
        )
    except (KeyError, TypeError, AttributeError) as failure:
        raise ClusterUnreachable(f"POST /_security/user/_has_privileges: the answer lacks {failure}") from failure


async def grants(transport: Transport, owner: Owner, service: Credential | None) -> Grants:
    """What an owner's stored credentials amount to today, asked with the service credential.

    Raises:
        Refusal: 403; the reason says what is missing and what to configure.
        ClusterUnreachable: no usable answer.
    """
    if service is None:
        raise Refusal(403, "security_exception", NO_SERVICE)
    resolve = {
        OwnerKind.ROLES: _roles,
        OwnerKind.API_KEY: _api_key,
        OwnerKind.SERVICE_ACCOUNT: _service_account,
        OwnerKind.UNKNOWN: _unknown,
    }[owner.kind]
    try:
        return await resolve(transport, owner, service)
    except PassedOn as refusal:
        text = f"the service credential could not look the job's owner up: {refusal.reason}"
        raise Refusal(403, "security_exception", text) from refusal
    except (KeyError, TypeError, AttributeError, ValueError, InvalidRole) as failure:
        text = f"the job's owner cannot be judged: its definition is not understood ({failure})"
        raise Refusal(403, "security_exception", text) from failure


async def _unknown(_transport: Transport, _owner: Owner, _service: Credential) -> Grants:
    text = (
        "the cluster does not tell who owns the job (Elasticsearch before 8.1 never does, nor does a cluster without "
        "security); update the job through a version that does, or start it with secondary authorization headers"
    )
    raise Refusal(403, "security_exception", text)


async def _roles(transport: Transport, owner: Owner, service: Credential) -> Grants:
    if not owner.roles:
        return Grants(roles=())
    found: dict[str, Any] = {}
    for names in in_pieces(owner.roles):
        reply = await transport.call("GET", f"/_security/role/{quoted(','.join(names))}", service)
        found |= {} if reply.status == 404 else _good(reply)
    gone = [name for name in owner.roles if name not in found]
    if gone:
        text = (
            f"the job's owner has roles that do not exist any more: [{', '.join(gone)}] (or that stand in files of the"
            " nodes, which the cluster does not tell)"
        )
        raise Refusal(403, "security_exception", text)
    return Grants(roles=tuple(role_from_json(name, found[name]) for name in owner.roles))


async def _api_key(transport: Transport, owner: Owner, service: Credential) -> Grants:
    path = f"/_security/api_key?id={quoted(owner.api_key_id or '')}&with_limited_by=true"
    reply = await transport.call("GET", path, service)
    keys = [] if reply.status == 404 else _good(reply)["api_keys"]
    key = next((one for one in keys if one["id"] == owner.api_key_id), None)
    if key is None or key.get("invalidated"):
        text = f"the job's owner is the API key [{owner.api_key_id}], which is gone or invalidated"
        raise Refusal(403, "security_exception", text)
    expires = key.get("expiration")
    if expires is not None and expires <= time.time() * 1000:
        text = f"the job's owner is the API key [{owner.api_key_id}], which has expired"
        raise Refusal(403, "security_exception", text)
    if "role_descriptors" not in key or "limited_by" not in key:
        text = "the cluster does not tell what API keys are limited to (Elasticsearch before 8.5 does not)"
        raise Refusal(403, "security_exception", text)
    if len(key["limited_by"]) != 1:
        # Several would bound each other (RoleDescriptorsIntersection); no API key has them.
        raise ValueError(f"[limited_by] holds {len(key['limited_by'])} sets of roles")
    limits = _named_roles(key["limited_by"][0])
    own = _named_roles(key["role_descriptors"])
    # A key without descriptors of its own holds all that its maker held (ApiKeyService).
    return Grants(roles=own or limits, limited_by=limits)


async def _service_account(transport: Transport, owner: Owner, service: Credential) -> Grants:
    namespace, _, name = (owner.service_account or "").partition("/")
    content = await transport.ask("GET", f"/_security/service/{quoted(namespace)}/{quoted(name)}", service)
    account = content[owner.service_account]
    return Grants(roles=(role_from_json(str(owner.service_account), account["role_descriptor"]),))


def _named_roles(descriptors: Mapping[str, Mapping[str, Any]]) -> tuple[Role, ...]:
    return tuple(role_from_json(name, body) for name, body in descriptors.items())


def _good(reply: Reply) -> Any:  # noqa: ANN401 -- decoded JSON
    if not reply.good:
        raise refusal_of(reply)
    return reply.content
