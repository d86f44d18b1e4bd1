"""The header of an authenticating front: who it says is asking, believed from named peers only.

A peer is the address that connected to the edge, never what `X-Forwarded-For` tells: anybody can write that.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from proxy.errors import Refusal
from proxy.identity.names import wrong_name
from proxy.settings import TrustedHeader

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom the front names; `roles` is None where it says nothing of roles."""

    username: str
    roles: tuple[str, ...] | None


def address_of(peer: str) -> Address | None:
    """The address in `ip:port` or `[ip]:port`; None where it is none. An IPv4 address in IPv6 form is an IPv4 one."""
    host = peer.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def claim_of(headers: Headers, peer: str, trusted: TrustedHeader) -> Claim | None:
    """Whom the header names; None where it is not there.

    Raises:
        Refusal: 403, it came from elsewhere; 400, it came twice, is empty, names nobody that can be, or is spelled in a
            way that something on the way may take for it.
    """
    names = [name for name in (trusted.name, trusted.roles_header) if name is not None]
    told = {name: _value(headers, name) for name in names}
    present = [name for name, value in told.items() if value is not None]
    if not present:
        return None
    if not _is_trusted(peer, trusted):
        text = (
            f"[{present[0]}] is believed from the addresses in identity.trusted_header.peers alone, and this request"
            f" came from [{peer}]"
        )
        raise Refusal(403, "security_exception", text)
    username = told[trusted.name]
    if username is None:
        raise _bad(f"[{trusted.roles_header}] came without [{trusted.name}]: it tells the roles of nobody")
    # A front that adds its value to the client's, instead of replacing it, joins them with a comma (RFC 9110 §5.3).
    problem = "holds a comma: it must name one user" if "," in username else wrong_name(username)
    if problem:
        raise _bad(f"the user name in [{trusted.name}] {problem}")
    if trusted.roles_header is None:
        return Claim(username, None)
    return Claim(username, _roles(trusted.roles_header, told[trusted.roles_header]))


def _value(headers: Headers, wanted: str) -> str | None:
    """The one value of a header. `X_User` and `X-User` are the same to CGI and its heirs, so no request may hold such a
    twin: some front may have checked the one and passed on the other."""
    lower = wanted.lower()
    values = []
    for name, value in headers:
        if name.lower() == lower:
            values.append(value)
        elif name.lower().replace("_", "-") == lower.replace("_", "-"):
            raise _bad(f"[{name}] can be taken for [{wanted}]: no request may hold it")
    if len(values) > 1:
        raise _bad(f"multiple values for single-valued header [{wanted}]")
    return values[0].strip(" \t") if values else None


def _is_trusted(peer: str, trusted: TrustedHeader) -> bool:
    address = address_of(peer)
    return address is not None and any(address in ipaddress.ip_network(network) for network in trusted.peers)


def _roles(header: str, value: str | None) -> tuple[str, ...]:
    roles = tuple(dict.fromkeys(role for piece in (value or "").split(",") if (role := piece.strip(" \t"))))
    for role in roles:
        if problem := wrong_name(role):
            raise _bad(f"a role name in [{header}] {problem}")
    return roles


def _bad(text: str) -> Refusal:
    return Refusal(400, "illegal_argument_exception", text)
