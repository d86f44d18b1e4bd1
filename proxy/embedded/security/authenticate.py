"""From the headers of a request to the subject that it acts as (`AuthenticatorChain`, `SecondaryAuthenticator`)."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from proxy.embedded.failure import Failure
from proxy.embedded.request import Request
from proxy.embedded.security.identity import ANONYMOUS, API_KEY, REALMS, SERVICE, ApiKey, Realm, Subject, User
from proxy.embedded.security.store import Security, now_ms

_CHALLENGES = ('Basic realm="security", charset="UTF-8"', 'Bearer realm="security"', "ApiKey")
_NOBODY = Realm("__none", "__none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whom a request names: its primary subject, and the secondary one where that header was sent."""

    primary: Subject
    secondary: Subject | None = None

    @property
    def owner(self) -> Subject:
        """Whose credentials are stored with what the request creates."""
        return self.secondary or self.primary


def authenticate(security: Security, request: Request) -> Caller:
    """Who sends the request. Raises `Failure` 401. Run-as is not yet checked: see `authorise.may_run_as`."""
    primary = _primary(security, request)
    presented = request.header("es-secondary-authorization")
    if not presented:  # an empty one is none (SecondaryAuthenticator)
        return Caller(primary=primary)
    try:
        secondary = _by_credentials(security, presented, request.target)
    except Failure as inner:
        raise Failure(
            401,
            "security_exception",
            "Failed to authenticate secondary user",
            caused_by=inner.inner(),
            headers=inner.headers,
        ) from inner
    return Caller(primary=primary, secondary=secondary)


def _primary(security: Security, request: Request) -> Subject:
    presented = request.header("authorization")
    if presented is not None:
        subject = _by_credentials(security, presented, request.target)
    elif security.anonymous_roles:
        # Only where nothing was presented: wrong credentials never fall back to this.
        nobody = User(username="_anonymous", roles=security.anonymous_roles)
        subject = Subject(user=nobody, realm=ANONYMOUS, kind="anonymous")
    else:
        raise unauthenticated(f"missing authentication credentials for REST request [{request.target}]")
    wanted = request.header("es-security-runas-user")
    return subject if wanted is None else _run_as(security, subject, wanted)


def _run_as(security: Security, subject: Subject, wanted: str) -> Subject:
    """The subject that acts as somebody else; one whom no realm knows has no roles and is refused afterwards."""
    for realm in REALMS:
        user = security.users.get((realm, wanted))
        if user is not None and user.enabled:
            return Subject(user=user, realm=realm, run_by=subject)
    return Subject(user=User(username=wanted), realm=_NOBODY, run_by=subject)


def _by_credentials(security: Security, presented: str, uri: str) -> Subject:
    scheme, _, value = presented.strip().partition(" ")
    value = value.strip()
    if scheme.lower() == "basic":
        return _basic(security, value, uri)
    if scheme.lower() == "apikey":
        return _api_key(security, value)
    if scheme.lower() == "bearer":
        return _bearer(security, value, uri)
    raise unauthenticated(f"missing authentication credentials for REST request [{uri}]")


def _decoded(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _basic(security: Security, value: str, uri: str) -> Subject:
    text = _decoded(value)
    if text is None or ":" not in text:
        raise unauthenticated("failed to decode basic authentication header")
    name, _, password = text.partition(":")
    # Elasticsearch's reserved realm, unless turned off, ends the search at a wrong password; here the search goes on,
    # so that tests can have a namesake of a reserved user in another realm.
    for realm in REALMS:
        user = security.users.get((realm, name))
        if user is not None and user.enabled and user.password == password:
            return Subject(user=user, realm=realm)
    raise unauthenticated(f"unable to authenticate user [{name}] for REST request [{uri}]")


def _api_key(security: Security, value: str) -> Subject:
    id_, _, secret = (_decoded(value) or "").partition(":")
    key = security.api_keys.get(id_)
    # A key is its owner's, but holds no roles of its own: `_authenticate` shows none.
    fault = _key_fault(key, id_, secret)
    if key is None or fault:
        raise unauthenticated(
            "unable to authenticate with provided credentials and anonymous access is not allowed for this request",
            {"additional_unsuccessful_credentials": f"API key: {fault}"},
        )
    owner = next((u for (realm, n), u in security.users.items() if n == key.username and realm == key.realm), None)
    user = replace(owner, roles=()) if owner else User(username=key.username)
    return Subject(user=user, realm=API_KEY, kind="api_key", api_key=key)


def _key_fault(key: ApiKey | None, id_: str, secret: str) -> str:
    if key is None:
        return f"unable to find apikey with id {id_}"
    if key.invalidated is not None:
        return f"api key [{id_}] has been invalidated"
    if key.secret != secret:
        return f"invalid credentials for API key [{id_}]"
    return "api key is expired" if key.expires is not None and key.expires <= now_ms() else ""


def _bearer(security: Security, value: str, uri: str) -> Subject:
    known = security.tokens.get(value)
    if known is None:
        raise unauthenticated(f"unable to authenticate with provided token for REST request [{uri}]")
    account, token_name = known
    service = User(username=account, full_name=f"Service account - {account}")
    return Subject(user=service, realm=SERVICE, kind="token", token_name=token_name)


def unauthenticated(reason: str, extra: Mapping[str, Any] | None = None) -> Failure:
    """401 with the schemes that are understood, in headers and body."""
    return Failure(
        401,
        "security_exception",
        reason,
        headers=tuple(("WWW-Authenticate", challenge) for challenge in _CHALLENGES),
        extra={**(extra or {}), "header": {"WWW-Authenticate": list(_CHALLENGES)}},
    )
