"""Who acts: users, realms, API keys, and the subject that a request acts as."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Realm:
    """Where an identity comes from."""

    name: str
    type: str

    def json(self) -> dict[str, str]:
        """As `_authenticate` shows it."""
        return {"name": self.name, "type": self.type}


RESERVED = Realm("reserved", "reserved")
FILE = Realm("default_file", "file")
NATIVE = Realm("native1", "native")
API_KEY = Realm("_es_api_key", "_es_api_key")
SERVICE = Realm("_service_account", "_service_account")
ANONYMOUS = Realm("__anonymous", "__anonymous")
# The order in which realms are asked for a name and a password.
REALMS = (RESERVED, FILE, NATIVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A user as a realm holds it; `password` is kept plain, for it is made up."""

    username: str
    password: str = field(default="", repr=False)
    roles: tuple[str, ...] = ()
    full_name: str | None = None
    email: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    enabled: bool = True

    def json(self) -> dict[str, Any]:
        """As `GET _security/user` and, with more, `_authenticate` show it."""
        return {
            "username": self.username,
            "roles": list(self.roles),
            "full_name": self.full_name,
            "email": self.email,
            "metadata": dict(self.metadata),
            "enabled": self.enabled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key; times are in milliseconds since 1970. `descriptors` are what was asked for (empty: all that the
    owner held), `limited_by` the owner's role definitions when the key was made."""

    id: str
    name: str
    secret: str = field(repr=False)
    username: str
    realm: Realm
    descriptors: Mapping[str, Any]
    limited_by: Mapping[str, Any]
    created: int
    expires: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    invalidated: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The identity that a request acts as. `run_by` is who presented the credentials where that is somebody else."""

    user: User
    realm: Realm
    kind: str = "realm"
    api_key: ApiKey | None = None
    token_name: str | None = None
    run_by: "Subject | None" = None

    @property
    def name(self) -> str:
        """The effective user's name."""
        return self.user.username

    @property
    def authenticating(self) -> "Subject":
        """Who presented the credentials."""
        return self.run_by or self

    @property
    def has_roles(self) -> bool:
        """Whether roles are what this identity's permissions come from."""
        return self.api_key is None and self.token_name is None

    def json(self) -> dict[str, Any]:
        """As `GET _security/_authenticate` shows it."""
        found = self.user.json() | {
            "authentication_realm": self.authenticating.realm.json(),
            "lookup_realm": self.realm.json(),
            "authentication_type": self.authenticating.kind,
        }
        if self.token_name is not None:
            found["token"] = {"name": self.token_name, "type": "_service_account_index"}
        if self.api_key is not None:
            found["api_key"] = {"id": self.api_key.id, "name": self.api_key.name}
        return found

    def authorization(self) -> dict[str, Any]:
        """As a job's configuration shows the identity that it was stored with."""
        if self.api_key is not None:
            return {"api_key": {"id": self.api_key.id, "name": self.api_key.name}}
        if self.token_name is not None:
            return {"service_account": self.name}
        return {"roles": list(self.user.roles)}
