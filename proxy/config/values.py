"""One written value in, one that means something out: addresses, numbers, choices.

Every function takes a `Node`, and raises `ConfigError` with what is wrong and what is allowed.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from proxy.config.tree import Node, invalid
from proxy.errors import ConfigError, Fault, nearest
from proxy.settings import Listen, ListenTls
from proxy.tls import CLIENT_CERTIFICATES, VERSIONS

T = TypeVar("T")

PORT_MAX = 65535
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.\-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")


def text(node: Node) -> str:
    """A text that is not empty."""
    if not isinstance(node.value, str):
        raise invalid(node, f"must be a text, and is {node.kind}")
    if not node.value.strip():
        raise invalid(node, "is empty: leave it out, or give it a value")
    return node.value


def choice(node: Node, allowed: Collection[str], *, later: Collection[str] = ()) -> str:
    """One of `allowed`; those of `later` are refused as not supported by this version."""
    written = text(node)
    if written in later:
        raise invalid(node, f"{written!r} is not supported by this version; allowed: {', '.join(allowed)}")
    if written not in allowed:
        raise invalid(node, f"must be one of {', '.join(allowed)}, and is {written!r}{nearest(written, allowed)}")
    return written


def whole(node: Node, *, at_least: int, at_most: int | None = None) -> int:
    """A whole number in the bounds given. A variable of the environment holds it as text."""
    value = node.value
    if node.from_environment and isinstance(value, str):
        try:
            value = int(value.strip())
        except ValueError:
            raise invalid(node, f"must be a whole number, and is {node.value!r}") from None
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(node, f"must be a whole number, and is {_shown(node)}")
    if value < at_least or (at_most is not None and value > at_most):
        bounds = f"at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        raise invalid(node, f"must be {bounds}, and is {value}")
    return value


def switch(node: Node) -> bool:
    """`true` or `false`. A variable of the environment holds it as text."""
    value = node.value
    if node.from_environment and isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise invalid(node, f"must be true or false, and is {_shown(node)}")
    return value


def seconds(node: Node, *, or_zero: bool = False) -> float:
    """A time in seconds above 0, as a plain number; 0 as well with `or_zero`."""
    value = node.value
    if node.from_environment and isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            raise invalid(node, f"must be a number of seconds, and is {node.value!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(node, f"must be a number of seconds, and is {_shown(node)}")
    # Neither `nan` nor `inf` is a time that anybody can wait for.
    if not 0 < value < float("inf") and not (or_zero and value == 0):
        raise invalid(node, f"must be a number of seconds above 0{', or 0' if or_zero else ''}, and is {value}")
    return float(value)


def _shown(node: Node) -> str:
    """A value as it was read, where it is short enough to be told; else what it is."""
    return repr(node.value) if isinstance(node.value, str | float) else node.kind


def each(node: Node, read: Callable[[Node], T]) -> tuple[T, ...]:
    """One value or a list of them, each read with `read`. In the environment, commas stand between them."""
    faults: list[Fault] = []
    found: list[T] = []
    items = node.items()
    if not items:
        raise invalid(node, "is an empty list")
    for item in items:
        try:
            found.append(read(item))
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return tuple(found)


def pairs(node: Node, what: str, shape: str) -> dict[str, Node]:
    """A map as it is written, or a variable's `name=value` with commas between; `what` and `shape` say to an operator
    what is wanted."""
    if isinstance(node.value, dict):
        return node.value
    if not (node.from_environment and isinstance(node.value, str)):
        raise invalid(node, f"must be a map of {what}, and is {node.kind}")
    found: dict[str, Node] = {}
    for item in node.items():
        name, equals, value = (piece.strip() for piece in str(item.value).partition("="))
        if not equals:
            raise invalid(node, f"must be {shape}, with commas between, and holds {item.value!r}")
        if name in found:
            raise invalid(node, f"{name} is named twice")
        found[name] = Node(
            value=value, place=node.place, key_place=node.place, folder=node.folder, from_environment=True
        )
    return found


def address(node: Node) -> tuple[str, int]:
    """`host:port` or `[v6]:port` as host and port; port 0 lets the system choose."""
    shape = "must be host:port, such as 127.0.0.1:9400 or [::1]:9400"
    if not isinstance(node.value, str):
        raise invalid(node, f"{shape}, and is {node.kind}")
    written = text(node)
    host, colon, port = written.strip().rpartition(":")
    if not colon or not host:
        raise invalid(node, f"{shape}, and is {written!r}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise invalid(node, f"{shape}: an IPv6 address stands in brackets, and here is {written!r}")
    if not port.isascii() or not port.isdigit() or int(port) > PORT_MAX:
        raise invalid(node, f"the port must be a number from 0 to {PORT_MAX}, and is {port!r}")
    if not host or any(char in host for char in "/@ []"):
        raise invalid(node, f"{shape}, and is {written!r}")
    return host, int(port)


def listen(node: Node) -> Listen:
    """An address to listen on: `host:port`, or the long form with `address`, `tls` and `proxy_protocol`."""
    if not isinstance(node.value, dict):
        host, port = address(node)
        return Listen(host=host, port=port)
    host, port = address(_required(node, node.value, "listen.address", ("address", "tls", "proxy_protocol")))
    told, secure = node.value.get("proxy_protocol"), node.value.get("tls")
    fronts = () if told is None else each(told, network)
    if secure is None:
        return Listen(host=host, port=port, proxy_protocol=fronts)
    if not isinstance(secure.value, dict):
        raise invalid(secure, f"must hold certificate and key, and is {secure.kind}")
    return Listen(host=host, port=port, tls=listen_tls(secure, secure.value), proxy_protocol=fronts)


LISTEN_TLS = ("certificate", "key", "client_ca", "client_certificates", "client_crl", "min_version", "max_version")


def listen_tls(node: Node, entries: Mapping[str, Node], section: str = "listen.tls") -> ListenTls:
    """How clients of a listening address are met. `entries` are the values by key under `section`, `node` the whole."""
    certificates = _files(_required(node, entries, f"{section}.certificate", LISTEN_TLS))
    key = _required(node, entries, f"{section}.key", LISTEN_TLS)
    keys = _files(key)
    if len(keys) != len(certificates):
        raise invalid(
            key,
            "certificate and key must name as many files, in the same order, and name "
            f"{len(certificates)} and {len(keys)}",
        )
    authorities, wanted = entries.get("client_ca"), entries.get("client_certificates")
    revoked = entries.get("client_crl")
    for name, needy in (("client_certificates", wanted), ("client_crl", revoked)):
        if authorities is None and needy is not None:
            raise invalid(needy, f"{name} needs client_ca: the authorities that vouch for clients", key=True)
    lowest, highest = versions(entries.get("min_version"), entries.get("max_version"))
    return ListenTls(
        certificate=certificates[0],
        key=keys[0],
        more=tuple(zip(certificates[1:], keys[1:], strict=True)),
        client_ca=None if authorities is None else authorities.path(text(authorities)),
        client_crl=None if revoked is None else revoked.path(text(revoked)),
        client_certificates="required" if wanted is None else choice(wanted, CLIENT_CERTIFICATES),
        min_version=lowest,
        max_version=highest,
    )


def _files(node: Node) -> tuple[str, ...]:
    return each(node, lambda one: one.path(text(one)))


def versions(lowest: Node | None, highest: Node | None) -> tuple[str, str]:
    """The versions of TLS from one to the other; where one is not written, all that this version speaks."""
    least = "1.2" if lowest is None else version(lowest)
    most = "1.3" if highest is None else version(highest)
    if lowest is not None and least > most:
        raise invalid(lowest, f"there is no version from {least} to {most}: min_version is above max_version")
    return least, most


def version(node: Node) -> str:
    """A version of TLS. YAML takes 1.2 for a number."""
    written = str(node.value) if isinstance(node.value, float) else text(node)
    if written not in VERSIONS:
        raise invalid(node, f"must be one of {', '.join(VERSIONS)}, and is {written!r}")
    return written


def fingerprint(node: Node) -> str:
    """A SHA-256 fingerprint as `openssl x509 -fingerprint -sha256` writes it, with colons or without; in lower case."""
    written = text(node).strip()
    digits = written.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(digits):
        wanted = "the SHA-256 fingerprint of a node's certificate: 64 hex digits, with colons or without"
        raise invalid(node, f"must be {wanted}, and has {len(digits)} characters")
    return digits


def host_name(node: Node) -> str:
    """A host name, or an address, as it may stand in a certificate."""
    written = text(node).strip()
    if not _HOST_NAME.fullmatch(written):
        raise invalid(node, f"must be a host name without a port, such as es.example.org, and is {written!r}")
    return written


def _required(node: Node, entries: Mapping[str, Node], name: str, allowed: Collection[str]) -> Node:
    """The value of the dotted `name` in a map that must hold it and may hold nothing but `allowed`."""
    for key, value in entries.items():
        if key not in allowed:
            hint = f"{nearest(key, allowed)}; allowed: {', '.join(allowed)}"
            raise invalid(value, f"unknown key {key!r}{hint}", key=True)
    piece = name.rpartition(".")[2]
    if piece not in entries:
        raise invalid(node, f"{name} is missing")
    return entries[piece]


def cluster_node(node: Node) -> str:
    """The base address of a node, `http(s)://host:port`, without a slash at its end."""
    shape = "must be http(s)://host:port, such as https://10.0.0.1:9200"
    if not isinstance(node.value, str):
        raise invalid(node, f"{shape}, and is {node.kind}")
    written = text(node).strip()
    try:
        url = urlsplit(written)
        port = url.port
    except ValueError as failure:
        raise invalid(node, f"{shape}, and is {written!r} ({failure})") from None
    if url.scheme not in {"http", "https"} or not url.hostname:
        # What stands before an @ may be a password: it is not repeated.
        shown = "" if "@" in written else f", and is {written!r}"
        raise invalid(node, shape + shown)
    if wrong := _beyond_base(url, written):
        raise invalid(node, f"{shape}; {wrong}")
    if port is None:
        raise invalid(node, f"{shape}; the port is missing in {written!r}")
    if port == 0:
        raise invalid(node, f"{shape}; no node listens on port 0")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    return f"{url.scheme}://{host}:{port}"


def _beyond_base(url: SplitResult, written: str) -> str:
    """What an address holds beyond scheme, host and port, as a fault; empty where there is nothing."""
    if "@" in url.netloc:
        return "credentials don't belong into it: cluster.service names files that hold them"
    if url.path not in {"", "/"} or "?" in written or "#" in written:
        return "it must end after the port"
    if any(char.isspace() or ord(char) < 0x21 for char in url.netloc):
        return "it holds a space or a control character"
    return ""


def network(node: Node) -> str:
    """An address or a network in CIDR form, whose word is believed; in CIDR form."""
    written = text(node).strip()
    try:
        found = ipaddress.ip_network(written)
    except ValueError:
        raise invalid(node, _no_network(written)) from None
    if found.prefixlen == 0:
        raise invalid(node, f"{written} is every address: anybody could say who they are")
    return str(found)


def _no_network(written: str) -> str:
    shape = f"must be an address or a network, such as 10.0.0.5 or 10.0.0.0/24, and is {written!r}"
    try:
        meant = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return shape
    return f"{shape}, which is in the middle of {meant}"


def distinct(node: Node, names: Iterable[str]) -> None:
    """Refuses a list in which a name stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise invalid(node, f"{name} is named twice")
        seen.add(name)
