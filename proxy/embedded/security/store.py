"""Users, roles, API keys and service tokens of one cluster, and what a subject is permitted."""

import base64
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from proxy.embedded.security.builtin import ROLES, SERVICE_ACCOUNTS
from proxy.embedded.security.identity import NATIVE, RESERVED, ApiKey, Realm, Subject, User
from proxy.privileges import Role, require_cluster_privilege, require_index_privilege, role_from_json

ELASTIC_PASSWORD = "changeme"
KIBANA_PASSWORD = "kibana-changeme"
_TOKEN_PREFIX = b"\x00\x01\x00\x01"


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Security:
    """What a secured cluster knows. `anonymous_roles`, where not empty, are what a request without credentials has."""

    def __init__(self, *, anonymous_roles: Sequence[str] = ()) -> None:
        self.anonymous_roles = tuple(anonymous_roles)
        self.users: dict[tuple[Realm, str], User] = {}
        self.custom_roles: dict[str, Mapping[str, Any]] = {}
        self.api_keys: dict[str, ApiKey] = {}
        self.tokens: dict[str, tuple[str, str]] = {}
        self._compiled: dict[str, tuple[Mapping[str, Any], Role]] = {}
        self.add_user("elastic", ELASTIC_PASSWORD, ["superuser"], realm=RESERVED)
        self.add_user("kibana_system", KIBANA_PASSWORD, ["kibana_system"], realm=RESERVED)

    def add_user(
        self, name: str, password: str, roles: Sequence[str], *, realm: Realm = NATIVE, full_name: str | None = None
    ) -> User:
        """Add or replace a user of a realm; the same name may be in several."""
        user = User(username=name, password=password, roles=tuple(roles), full_name=full_name)
        self.users[realm, name] = user
        return user

    def add_role(self, name: str, body: Mapping[str, Any]) -> None:
        """Add or replace a role. Raises `UnknownPrivilege` or `InvalidRole` for what Elasticsearch would refuse."""
        role = role_from_json(name, body)
        for privilege in role.cluster:
            require_cluster_privilege(privilege)
        for privilege in (each for grant in role.indices for each in grant.privileges):
            require_index_privilege(privilege)
        self.custom_roles[name] = body

    def add_service_token(self, account: str = "elastic/kibana", label: str = "token1") -> str:
        """Make a token of a service account; the answer is what goes behind `Bearer `."""
        if account not in SERVICE_ACCOUNTS:
            raise ValueError(f"no service account {account!r}; there is {', '.join(SERVICE_ACCOUNTS)}")
        raw = _TOKEN_PREFIX + f"{account}/{label}:{secrets.token_hex(11)}".encode()
        token = base64.b64encode(raw).decode()
        self.tokens[token] = (account, label)
        return token

    def add_api_key(
        self,
        owner: Subject,
        name: str,
        descriptors: Mapping[str, Any] | None = None,
        *,
        lifetime_ms: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> ApiKey:
        """Make a key of `owner`; what the owner holds now limits it for ever."""
        created = now_ms()
        key = ApiKey(
            id=secrets.token_urlsafe(15),
            name=name,
            secret=secrets.token_urlsafe(16),
            username=owner.name,
            realm=owner.realm,
            descriptors=dict(descriptors or {}),
            limited_by=self._held_now(owner),
            created=created,
            expires=None if lifetime_ms is None else created + lifetime_ms,
            metadata=dict(metadata or {}),
        )
        self.api_keys[key.id] = key
        return key

    def invalidate(self, key: ApiKey) -> None:
        """Make a key unusable; who it was stays known."""
        self.api_keys[key.id] = replace(key, invalidated=now_ms())

    def role(self, name: str) -> Mapping[str, Any] | None:
        """A role's definition, built in or not."""
        return ROLES.get(name) or self.custom_roles.get(name)

    def missing_roles(self, subject: Subject) -> tuple[str, ...]:
        """Roles that the subject's user names and the cluster doesn't know, sorted."""
        return tuple(sorted(name for name in subject.user.roles if self.role(name) is None))

    def permissions(self, subject: Subject) -> tuple[tuple[Role, ...], ...]:
        """Sets of roles; something is permitted where every set permits it. Roles are looked up anew every time,
        as Elasticsearch does for stored credentials too."""
        if subject.api_key is not None:
            # Both are as they were when the key was made: a change of the owner's roles does not reach it, and stored
            # credentials go on to work after the key is invalidated.
            key = subject.api_key
            limits = self._roles("limit", key.limited_by)
            return (self._roles("key", key.descriptors), limits) if key.descriptors else (limits,)
        if subject.token_name is not None:
            return (self._roles("service", {subject.name: SERVICE_ACCOUNTS[subject.name]}),)
        return (self._roles("role", self._defined(subject)),)

    def _defined(self, subject: Subject) -> dict[str, Mapping[str, Any]]:
        found = {name: self.role(name) for name in subject.user.roles}
        return {name: body for name, body in found.items() if body is not None}

    def _held_now(self, subject: Subject) -> dict[str, Any]:
        if subject.api_key is not None:
            return dict(subject.api_key.limited_by)
        if subject.token_name is not None:
            return {subject.name: SERVICE_ACCOUNTS[subject.name]}
        return dict(self._defined(subject))

    def _roles(self, kind: str, bodies: Mapping[str, Mapping[str, Any]]) -> tuple[Role, ...]:
        return tuple(self._compile(f"{kind}:{name}", name, body) for name, body in bodies.items())

    def _compile(self, cached_as: str, name: str, body: Mapping[str, Any]) -> Role:
        known = self._compiled.get(cached_as)
        if known is None or known[0] is not body:
            known = self._compiled[cached_as] = (body, role_from_json(name, body))
        return known[1]
