"""The section `identity`: the ways in which Startgate itself learns who asks. Off where nothing of it is written."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from proxy.config import values
from proxy.config.tree import Node, invalid
from proxy.errors import ConfigError
from proxy.identity.certificates import RULES, read_dn
from proxy.identity.load import load
from proxy.identity.names import wrong_name
from proxy.settings import CertificateNames, IdentityLimits, IdentitySettings, Listen, TrustedHeader

T = TypeVar("T")

SECTION = "identity"
# RFC 9110 §5.1: the name of a field is a token.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# What HTTP, the cluster, or Startgate itself gives a meaning of its own.
_TAKEN = frozenset(
    {
        *("accept", "authorization", "connection", "content-encoding", "content-length", "content-type", "cookie"),
        *("date", "expect", "forwarded", "host", "keep-alive", "proxy-authorization", "te", "traceparent"),
        *("tracestate", "trailer", "transfer-encoding", "upgrade", "user-agent", "via", "warning"),
        *("x-forwarded-for", "x-opaque-id"),
    }
)
_TAKEN_BEGINNINGS = ("es-", "x-startgate-", "x-elastic-")


class Taker(Protocol):
    """What the reader of the whole configuration offers."""

    found: Mapping[str, Node]

    def take(self, key: str, read: Callable[[Node], T], default: T) -> T:
        """The value of a key as `read` gives it; `default` where it is not written, or wrong."""
        ...

    def refuse(self, key: str, message: str) -> None:
        """Notes a fault of a key that is written."""
        ...


def identity_settings(reader: Taker, listens: Sequence[Listen], limits: IdentityLimits) -> IdentitySettings | None:
    """The section's meaning; None where nothing of it is written. Faults go to `reader`."""
    if limits.failures >= limits.waiting:
        # The defaults go together: one of the two is written.
        key = "failures" if "limits.identity.failures" in reader.found else "waiting"
        message = f"failures ({limits.failures}) must be below waiting ({limits.waiting}): one peer could fill it"
        reader.refuse(f"limits.identity.{key}", message)
    written = [key for key in reader.found if key.startswith(f"{SECTION}.")]
    if not written:
        return None
    if written == [f"{SECTION}.users_roles_file"]:
        ways = "identity.users_file, identity.client_certificates or identity.trusted_header"
        reader.refuse(written[0], f"tells the roles of users, and nothing names a user: it needs {ways}")
    return IdentitySettings(
        users_file=reader.take(f"{SECTION}.users_file", _users, None),
        users_roles_file=reader.take(f"{SECTION}.users_roles_file", _users_roles, None),
        certificates=_certificates(reader, listens),
        header=_header(reader),
        limits=limits,
    )


def _users(node: Node) -> str:
    path = node.path(values.text(node))
    load(path, None)
    return path


def _users_roles(node: Node) -> str:
    path = node.path(values.text(node))
    load(None, path)
    return path


def _certificates(reader: Taker, listens: Sequence[Listen]) -> CertificateNames | None:
    section = f"{SECTION}.client_certificates"
    written = [key for key in (f"{section}.username", f"{section}.users") if key in reader.found]
    if not written:
        return None
    if len(written) > 1:
        reader.refuse(written[0], f"stands beside {written[1]}: give one or the other")
    # None are told where `listen` itself is wrong: that is a fault already.
    if listens and not any(one.tls is not None and one.tls.client_ca for one in listens):
        reader.refuse(written[0], "needs an address in listen with tls.client_ca: no other asks for certificates")
    return CertificateNames(
        username=reader.take(f"{section}.username", lambda node: values.choice(node, tuple(RULES)), ""),
        users=reader.take(f"{section}.users", _by_dn, ()),
    )


def _by_dn(node: Node) -> tuple[tuple[str, str], ...]:
    if not isinstance(node.value, dict) or not node.value:
        raise invalid(node, f"must be a map from distinguished names to users, in the file, and is {node.kind}")
    faults = ConfigError([])
    seen: dict[object, str] = {}
    for name, user in node.value.items():
        try:
            parsed = _parsed(user, name)
            if parsed in seen:
                raise invalid(user, f"{name!r} is the same name as {seen[parsed]!r}", key=True)
            seen[parsed] = name
            _named(user)
        except ConfigError as error:
            faults = ConfigError((*faults.faults, *error.faults))
    if faults.faults:
        raise faults
    return tuple((name, _named(user)) for name, user in node.value.items())


def _parsed(node: Node, name: str) -> object:
    try:
        return read_dn(name)
    except ValueError as failure:
        raise invalid(node, f"{name!r} is no distinguished name: {failure}", key=True) from None


def _named(node: Node) -> str:
    name = values.text(node)
    if problem := wrong_name(name):
        raise invalid(node, f"the user's name {problem}")
    return name


def _header(reader: Taker) -> TrustedHeader | None:
    section = f"{SECTION}.trusted_header"
    written = [key for key in reader.found if key.startswith(f"{section}.")]
    if not written:
        return None
    for needed in ("name", "peers"):
        if f"{section}.{needed}" not in reader.found:
            reader.refuse(written[0], f"needs {section}.{needed}")
    header = TrustedHeader(
        name=reader.take(f"{section}.name", _header_name, ""),
        peers=reader.take(f"{section}.peers", lambda node: values.each(node, values.network), ()),
        roles_header=reader.take(f"{section}.roles_header", _header_name, None),
        forward=reader.take(f"{section}.forward", values.switch, True),
    )
    if header.roles_header is not None and _same(header.name, header.roles_header):
        reader.refuse(f"{section}.roles_header", f"is the same header as {section}.name")
    return header


def _same(one: str, other: str) -> bool:
    return one.lower().replace("_", "-") == other.lower().replace("_", "-")


def _header_name(node: Node) -> str:
    name = values.text(node).strip()
    if not _TOKEN.fullmatch(name):
        raise invalid(node, f"must be the name of a header, and is {name!r}")
    if _taken(name.lower().replace("_", "-"), _TAKEN):
        raise invalid(node, f"{name} has a meaning of its own: choose another, such as X-Authenticated-User")
    return name


def _taken(lower: str, names: Collection[str]) -> bool:
    return lower in names or lower.startswith(_TAKEN_BEGINNINGS)
