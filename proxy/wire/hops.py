"""What a header section says about the one connection it came over: read, judged, and taken out.

1. Fields that RFC 9110 §7.6.1 calls connection-specific never pass: Connection and what it names, Keep-Alive,
   Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade, HTTP2-Settings.
2. Connection cannot name what carries identity, framing or meaning: such a message is refused. Whoever can strip a
   header that a front before us has set decides who he is.
3. Startgate's own request fields (X-Startgate-…) are never believed from a client: they are taken out.
4. Content-Length, Host and Expect are collected here and stay.
"""

import re
from collections.abc import Collection

from proxy.wire.errors import WireError

# One search finds all lines that mean anything to a proxy. The look-ahead rejects most lines by their first letter.
_SPECIAL = re.compile(
    rb"\n((?=[HhCcTtKkPpUuXxEe])(?i:host|content-length|expect|transfer-encoding|connection|keep-alive"
    rb"|proxy-connection|te|trailer|upgrade|http2-settings|x-startgate-[^:]*)): ([^\r]*)\r"
)
_FIELD = re.compile(rb"(\n([^:]*): [^\r]*\r)")
_OPTION = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_PROTECTED = frozenset(
    b"accept accept-encoding authorization content-encoding content-length content-type cookie date expect forwarded"
    b" host kbn-xsrf proxy-authorization traceparent tracestate via warning www-authenticate".split()
)
_PROTECTED_PREFIXES = (
    b"es-",
    b"x-elastic-",
    b"x-forwarded-",
    b"x-opaque-",
    b"x-startgate-",
    b"x-found-",
    b"x-real-",
    # What fronts use to tell who the user is (identity.trusted_header).
    b"x-remote-",
    b"x-authenticated-",
)


# What was read: the section that may pass on; the values of Host, Expect, Content-Length and Transfer-Encoding lines as
# they came; Connection's options in lower case. A plain tuple: it is made for every head and lives for a line of code.
Values = tuple[bytes, ...]
Hops = tuple[bytes, Values, Values, Values, Values, frozenset[bytes]]

# What is done with a field: the first three are collected and stay, the next two are collected and taken out.
_HOST, _EXPECT, _LENGTH, _CODING, _CONNECTION, _DROPPED, _OWN = range(7)
_KINDS = {
    b"host": _HOST,
    b"expect": _EXPECT,
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
}
# The usual spellings are found at once; any other takes the way over `_kind`.
_SPELLINGS = _KINDS | {b"-".join(word.capitalize() for word in name.split(b"-")): kind for name, kind in _KINDS.items()}
_NO_OPTIONS: frozenset[bytes] = frozenset()
_OWN_OPTIONS = frozenset({b"close", b"keep-alive"})
_COMMON_OPTIONS: dict[Values, frozenset[bytes]] = {
    (b"keep-alive",): frozenset({b"keep-alive"}),
    (b"Keep-Alive",): frozenset({b"keep-alive"}),
    (b"close",): frozenset({b"close"}),
}


def take_hops(section: bytes, *, keep_own: bool = False) -> Hops:
    """Sort out `section` (canonical). With `keep_own` X-Startgate-… fields pass, as they do in the gate's answers.

    Raises WireError if Connection is malformed or names a field that must reach the other end.
    """
    values: list[Values] = [(), (), (), (), ()]
    for name, value in _SPECIAL.findall(section):
        kind = _SPELLINGS.get(name)
        if kind is None:
            kind = _kind(name)
        if kind <= _CONNECTION:
            values[kind] += (value,)
            if kind <= _LENGTH:
                continue
        elif kind == _OWN and keep_own:
            continue
        section = section.replace(b"\n%b: %b\r" % (name, value), b"", 1)
    hosts, expectations, lengths, codings, connection = values
    if not connection:
        return section, hosts, expectations, lengths, codings, _NO_OPTIONS
    options = _options(connection)
    if not options <= _OWN_OPTIONS:
        section = _without_options(section, options - _OWN_OPTIONS)
    return section, hosts, expectations, lengths, codings, options


def _kind(name: bytes) -> int:
    lower = name.lower()
    return _KINDS.get(lower, _OWN if lower.startswith(b"x-startgate-") else _DROPPED)


def special(name: bytes) -> bool:
    """Whether a field of this name means anything to a proxy."""
    return _SPECIAL.match(b"\n%b: \r" % name) is not None


def _options(lines: Values) -> frozenset[bytes]:
    """The options of all Connection lines in lower case. RFC 9110 §5.6.1: empty list elements are ignored."""
    common = _COMMON_OPTIONS.get(lines)
    if common is not None:
        return common
    parts = b",".join(lines).lower().split(b",")
    options = [option for part in parts if (option := part.strip(b" \t"))]
    if not all(_OPTION.fullmatch(option) for option in options):
        raise WireError("the Connection header is not a list of tokens")
    return frozenset(options)


def _without_options(section: bytes, named: frozenset[bytes]) -> bytes:
    """`section` without the fields `named`. RFC 9110 §7.6.1: they are removed, but §7.6.1 also says that Connection
    must not name what is meant for all recipients; we refuse rather than guess which of the two was meant."""
    for name in named:
        if name in _PROTECTED or name.startswith(_PROTECTED_PREFIXES):
            raise WireError("the Connection header names a header that is meant for the other end")
    return without(section, named)


def without(section: bytes, named: Collection[bytes]) -> bytes:
    """`section` without the fields of these names (lower case)."""
    kept = [line for line, name in _FIELD.findall(section) if name.lower() not in named]
    return b"".join(kept)
