"""What somebody shows to be let in, as it is kept for a session: to be checked again, and for calls in their name."""

import base64
import binascii
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from proxy.admin.api import ApiError

# An API key has some 80 characters, a name and a password together 2,000 at the most; tokens of OpenID Connect, which a
# cluster takes as `Bearer`, are not taken here.
AUTHORIZATION_CHARS: Final = 8192


class Way(StrEnum):
    """How somebody was let in."""

    CLUSTER = "cluster"
    TOKEN = "token"  # noqa: S105 -- a word, and no token
    SOCKET = "socket"


@dataclass(frozen=True, slots=True)
class Proof:
    """`secret` is the value of an `Authorization` header that the cluster takes, or a token; empty for the socket."""

    way: Way
    secret: str = field(default="", repr=False)


def basic(username: str, password: str) -> Proof:
    """A name and a password (RFC 7617). Raises ApiError 400."""
    if not username or not password:
        raise ApiError(400, "a user name and a password belong together", where="password" if username else "username")
    if ":" in username:
        raise ApiError(400, "a user name holds no colon", where="username")
    return _cluster("Basic", f"{username}:{password}".encode(errors="replace"))


def api_key(text: str) -> Proof:
    """An API key as `id:api_key`, or the base64 of that, which Elasticsearch calls `encoded`. Raises ApiError 400."""
    plain = text.strip()
    if ":" not in plain:
        plain = _decoded(plain)
    id, colon, secret = plain.partition(":")
    if not (id and colon and secret):
        raise ApiError(
            400, "this is no API key", where="api_key", allowed="`encoded` of the cluster's answer, or id:api_key"
        )
    return _cluster("ApiKey", plain.encode(errors="replace"))


def of_header(value: str) -> Proof:
    """What a header `Authorization` shows. Raises ApiError 400 or 401."""
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer" and rest:
        return Proof(Way.TOKEN, rest)
    if scheme.lower() == "apikey" and rest:
        return api_key(rest)
    if scheme.lower() == "basic" and rest:
        name, colon, password = _decoded(rest).partition(":")
        if not colon:
            raise ApiError(400, "this is no user name and password in base64", where="Authorization")
        return basic(name, password)
    allowed = "Basic, ApiKey or Bearer with a value"
    raise ApiError(401, "credentials of this kind are not taken", where="Authorization", allowed=allowed)


def name_of(proof: Proof) -> str:
    """The user name that a proof claims; empty where it claims none."""
    scheme, _, rest = proof.secret.partition(" ")
    return _decoded(rest).partition(":")[0] if proof.way is Way.CLUSTER and scheme == "Basic" else ""


def _cluster(scheme: str, plain: bytes) -> Proof:
    value = f"{scheme} {base64.b64encode(plain).decode()}"
    if len(value) > AUTHORIZATION_CHARS:
        raise ApiError(400, "credentials are not that long", where="Authorization")
    return Proof(Way.CLUSTER, value)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
