"""Who sent a start, and on whose behalf: found out without the cluster.

A password, a client's certificate and a front's header may each name the caller. Where more than one does they must
agree, in the name and in the roles: which of two counts would be a guess. See
docs/decisions/090-one-way-names-the-caller.md.
"""

import asyncio
import base64
import binascii
import logging
import time
from collections.abc import Callable, Sequence

from proxy import clientcert
from proxy.errors import ConfigError, Refusal
from proxy.identity.certificates import username_of
from proxy.identity.guesses import peer_group
from proxy.identity.header import claim_of
from proxy.identity.load import People, load, signature
from proxy.identity.names import CERTIFICATES_REALM, HEADER_REALM, REALM_TYPE, USERS_REALM
from proxy.identity.passwords import Passwords
from proxy.model import Identity
from proxy.settings import IdentitySettings

logger = logging.getLogger(__name__)

Headers = Sequence[tuple[str, str]]

# How often the files are looked at, on the way of a start; Elasticsearch's own watcher takes five seconds.
LOOK_S = 1.0
# What names somebody to a cluster with security. To one without it these are nothing but secrets that need not travel.
IDENTITY_HEADERS = frozenset(
    {
        "authorization",
        "es-security-runas-user",
        "es-client-authentication",
        "es-secondary-authorization",
        "es-secondary-x-client-authentication",
    }
)
RUN_AS = (
    "the header [es-security-runas-user] is refused: who is identified by Startgate itself runs as nobody else"
    " (docs/identity.md)"
)
# RFC 7617 §2.1: the client is to send UTF-8.
CHALLENGE = ("WWW-Authenticate", 'Basic realm="startgate", charset="UTF-8"')


class OwnIdentities:
    """Identities of Startgate's own. `clock` gives seconds that never go back.

    `error` is why the files could not be read the last time, None where they could.

    Raises:
        ConfigError: the files are broken; nobody can be identified then.
    """

    def __init__(self, settings: IdentitySettings, clock: Callable[[], float] = time.monotonic) -> None:
        self.error: ConfigError | None = None
        self._settings = settings
        self._clock = clock
        self._people = load(settings.users_file, settings.users_roles_file)
        self._passwords = Passwords(settings.limits, clock)
        self._look_at_s = clock() + LOOK_S
        self._seen = self._people.seen

    @property
    def kept_back(self) -> frozenset[str]:
        """The headers of a start, in lower case, that the cluster must not get."""
        header = self._settings.header
        if header is None or header.forward:
            return IDENTITY_HEADERS
        own = {name.lower() for name in (header.name, header.roles_header) if name is not None}
        return IDENTITY_HEADERS | own

    async def identify(
        self, headers: Headers, *, peer: str, certificate: str, target: str
    ) -> tuple[Identity, Identity | None]:
        """The caller, and the secondary where one was sent.

        `peer` is the edge's `ip:port` of the client, `certificate` what it told of a verified one (`clientcert.told`);
        `target` is named in refusals. No header that names somebody may come twice: that was refused before.

        Raises:
            Refusal: 401, nobody is named, or a password is wrong; 403, in a way that is not allowed; 429, too often.
        """
        await self._look()
        if _one(headers, "es-security-runas-user") is not None:
            raise Refusal(403, "security_exception", RUN_AS)
        people = self._people
        named = [*self._by_certificate(certificate, people), *self._by_header(headers, peer, people)]
        written = _one(headers, "authorization")
        # The password is last, as it alone takes time, and first in what it says: its realm is told.
        if written is not None and self._settings.users_file is not None:
            named.insert(0, await self._by_password(written, peer, people, target))
        caller = self._agreed(named, target)
        secondary = _one(headers, "es-secondary-authorization")
        return caller, await self._secondary(secondary, peer, people, target) if secondary else None

    async def reload(self) -> None:
        """Read the files again.

        Raises:
            ConfigError: they are broken, and what was read before stays in force.
        """
        settings = self._settings
        self._seen = await asyncio.to_thread(signature, (settings.users_file, settings.users_roles_file))
        try:
            self._people = await asyncio.to_thread(load, settings.users_file, settings.users_roles_file)
        except ConfigError as error:
            self.error = error
            raise
        self.error = None

    def close(self) -> None:
        """Identify nobody any more."""
        self._passwords.close()

    async def _look(self) -> None:
        """Read the files again where they changed: at most once in `LOOK_S`, and a broken state of them only once."""
        if self._clock() < self._look_at_s:
            return
        self._look_at_s = self._clock() + LOOK_S
        files = (self._settings.users_file, self._settings.users_roles_file)
        if await asyncio.to_thread(signature, files) == self._seen:
            return
        try:
            await self.reload()
        except ConfigError as error:
            logger.error("the users were not read again, those from before stay in force:\n%s", error)
        else:
            logger.info("the users were read again: %d with a password", len(self._people.users))

    def _by_certificate(self, told: str, people: People) -> list[Identity]:
        rule = self._settings.certificates
        if rule is None or not told:
            return []
        try:
            username = username_of(clientcert.read(told), rule)
        except ValueError as failure:
            raise Refusal(403, "security_exception", f"the client's certificate names nobody: {failure}") from None
        return [] if username is None else [_identity(username, people.roles.get(username, ()), CERTIFICATES_REALM)]

    def _by_header(self, headers: Headers, peer: str, people: People) -> list[Identity]:
        trusted = self._settings.header
        claim = None if trusted is None else claim_of(headers, peer, trusted)
        if claim is None:
            return []
        roles = people.roles.get(claim.username, ()) if claim.roles is None else claim.roles
        return [_identity(claim.username, roles, HEADER_REALM)]

    async def _by_password(self, written: str, peer: str, people: People, target: str) -> Identity:
        found = _basic(written)
        if found is None:
            text = f"unable to authenticate for REST request [{target}]: only Basic authentication is known here"
            raise Refusal(401, "security_exception", text, headers=(CHALLENGE,))
        name, password = found
        if not await self._passwords.verify(name, password, people.users, peer_group(peer)):
            text = f"unable to authenticate user [{name}] for REST request [{target}]"
            raise Refusal(401, "security_exception", text, headers=(CHALLENGE,))
        return _identity(name, people.roles.get(name, ()), USERS_REALM)

    async def _secondary(self, written: str, peer: str, people: People, target: str) -> Identity:
        if self._settings.users_file is None:
            raise _secondary_failed("no identity.users_file is configured, and nothing else vouches for somebody else")
        try:
            return await self._by_password(written, peer, people, target)
        except Refusal as refusal:
            if refusal.status != 401:
                raise
            raise _secondary_failed(refusal.reason, *refusal.headers) from None

    def _agreed(self, named: Sequence[Identity], target: str) -> Identity:
        if not named:
            text = f"missing authentication credentials for REST request [{target}]"
            challenge = (CHALLENGE,) if self._settings.users_file is not None else ()
            raise Refusal(401, "security_exception", text, headers=challenge)
        first = named[0]
        for other in named[1:]:
            if (other.username, set(other.roles)) != (first.username, set(first.roles)):
                text = (
                    f"two ways name the caller and do not agree: [{first.username}] of [{first.realm}] and"
                    f" [{other.username}] of [{other.realm}]; one must name the caller, or both the same user and roles"
                )
                raise Refusal(403, "security_exception", text)
        return first


def _secondary_failed(reason: str, *headers: tuple[str, str]) -> Refusal:
    """As SecondaryAuthenticator words it: the reason is the cause."""
    cause = {"type": "security_exception", "reason": reason}
    text = "Failed to authenticate secondary user"
    return Refusal(401, "security_exception", text, caused_by=cause, headers=headers)


def _identity(username: str, roles: tuple[str, ...], realm: str) -> Identity:
    return Identity(username=username, roles=roles, realm=realm, realm_type=REALM_TYPE, lookup_realm=realm)


def _one(headers: Headers, name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name), None)


def _basic(written: str) -> tuple[str, bytes] | None:
    """Name and password of `Basic base64(name:password)` (RFC 7617 §2); None where it is anything else."""
    scheme, _, encoded = written.strip(" \t").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(" "), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, password.encode()) if colon and name and password else None
