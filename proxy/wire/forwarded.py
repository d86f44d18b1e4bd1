r"""What a server behind is told of who asked: `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` (RFC 7239).

By default these pass as they came, like every other field, and nothing here is called. Whoever sends a request can
write them: they say something only where the last hop before us replaces or checks them.
"""

import ipaddress
import re
from typing import Final

from proxy.wire.hops import without

_FOR: Final = b"x-forwarded-for"
_PROTO: Final = b"x-forwarded-proto"
_FORWARDED: Final = b"forwarded"
_NAMES: Final = frozenset({_FOR, _PROTO, _FORWARDED})
_FIELD = re.compile(rb"\n([^:]*): ([^\r]*)\r")


def tell_forwarded(section: bytes, *, address: str, scheme: str, believed: bool) -> bytes:
    """`section` (as in `fields`) with these fields telling of a client at `address`, which came by `scheme`.

    What came is kept and extended where it is `believed`, else taken out first. All values of a name leave as one
    line: a list in several lines means the same (RFC 9110 §5.3), but not every reader takes more than the first.
    `Forwarded` is extended where it came, and never begun: two lists that should say the same could differ. An empty
    `address` stands for one that is not known.
    """
    came: dict[bytes, list[bytes]] = {name: [] for name in _NAMES}
    for name, value in _FIELD.findall(section):
        if name.lower() in _NAMES and value and believed:
            came[name.lower()].append(value)
    client = address.encode("ascii")
    hops = came[_FOR] + [client or b"unknown"]
    protocols = came[_PROTO] or [scheme.encode("ascii")]
    lines = b"\nX-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r" % (b", ".join(hops), b", ".join(protocols))
    if came[_FORWARDED]:
        element = b"for=%b;proto=%b" % (_node(address), scheme.encode("ascii"))
        lines += b"\nForwarded: %b\r" % b", ".join([*came[_FORWARDED], element])
    return without(section, _NAMES) + lines


def _node(address: str) -> bytes:
    """RFC 7239 §6: IPv6 in brackets and so in quotes; `unknown` where there is no address."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return b"unknown"
    return b'"[%b]"' % address.encode("ascii") if version == 6 else address.encode("ascii")
