"""`admin.*`: where the page, its API, metrics and health are served, and who may see what."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path

from proxy.config import files, values
from proxy.config.identity import Taker
from proxy.config.tree import Node, invalid
from proxy.errors import nearest
from proxy.privileges import UnknownPrivilege, require_cluster_privilege
from proxy.settings import (
    AccessRule,
    AdminAccess,
    AdminLimits,
    AdminPort,
    AdminToken,
    Listen,
    ListenTls,
)

OFF = "off"
# Whoever has such an address has all of the machine's.
EVERY = frozenset({"0.0.0.0", "::"})  # noqa: S104 -- nothing is bound here
# Loopback: who may read there is whoever can connect.
DEFAULT_ADMIN = Listen(host="127.0.0.1", port=9402)
ADMIN_SOCKET = "admin.sock"
METRICS = ("open", "signed_in")
TOKEN_ROLES = ("read", "write")
_TOKEN_KEYS = ("name", "file", "role")
# What is shorter can be guessed, or is a word that somebody made up: 32 characters of base64 are 192 bits.
TOKEN_CHARS = 32
# Names stand in the log and in the record, as those of keys do.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# RFC 6750 §2.1: what a bearer token may be made of.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def admin_port(reader: Taker, listens: Iterable[Listen], limits: AdminLimits, control: str) -> AdminPort | None:
    """The section's meaning; None where there is no admin port. `listens` are the addresses for clients, `control` is
    the path of the control API's socket. Faults go to `reader`."""
    listen = _address(reader, listens)
    if listen is None:
        _nothing_else(reader)
        return None
    tls = _tls(reader)
    _encrypted(reader, listen, tls)
    if limits.sessions_per_user > limits.sessions:
        key = "sessions_per_user" if "limits.admin.sessions_per_user" in reader.found else "sessions"
        text = f"sessions_per_user ({limits.sessions_per_user}) must not be above sessions ({limits.sessions})"
        reader.refuse(f"limits.admin.{key}", text)
    return AdminPort(
        host=listen.host,
        port=listen.port,
        socket=_socket(reader, control),
        tls=tls,
        hosts=reader.take("admin.hosts", lambda node: values.each(node, _host), ()),
        access=_access(reader),
        limits=limits,
    )


def _address(reader: Taker, listens: Iterable[Listen]) -> Listen | None:
    default: Listen | None = DEFAULT_ADMIN
    admin = reader.take("admin.listen", _listen, default)
    if admin is not None and admin.port and any(_meets(admin, one) for one in listens):
        text = f"{admin.host}:{admin.port} is an address of `listen`, too, which clients have"
        if "admin.listen" in reader.found:
            reader.refuse("admin.listen", text)
        else:
            reader.refuse("listen", f"{text}; choose another for admin.listen")
    return admin


def _meets(one: Listen, other: Listen) -> bool:
    return one.port == other.port and (one.host == other.host or bool({one.host, other.host} & EVERY))


def _listen(node: Node) -> Listen | None:
    # A YAML file's `off` is `false`; a variable's is a text.
    if node.value is False or node.value == OFF:
        return None
    host, port = values.address(node)
    return Listen(host=host, port=port)


def _nothing_else(reader: Taker) -> None:
    """Whoever writes one of these believes it to be in force."""
    for key in reader.found:
        if key.startswith("admin.") and key != "admin.listen":
            reader.refuse(key, "means nothing with admin.listen: off")


def _tls(reader: Taker) -> ListenTls | None:
    section = "admin.tls"
    entries = {key.rpartition(".")[2]: node for key, node in reader.found.items() if key.startswith(f"{section}.")}
    if not entries:
        return None
    first = f"{section}.{next(iter(entries))}"
    faults = len(getattr(reader, "faults", ()))
    made: ListenTls | None = reader.take(first, lambda node: values.listen_tls(node, entries, section), None)
    if made is not None and faults == len(getattr(reader, "faults", ())):
        files_of = made
        reader.take(first, lambda node: files.key_pair(node, files_of), None)
    return made


def _encrypted(reader: Taker, listen: Listen, tls: ListenTls | None) -> None:
    """Passwords cross the network in clear where an address is not loopback and nothing encrypts."""
    unsafe = reader.take("admin.unsafe_plain", values.switch, False)
    if unsafe and tls is not None:
        reader.refuse("admin.unsafe_plain", "means nothing beside admin.tls: leave one of them out")
    if unsafe or tls is not None or is_loopback(listen.host) or "admin.listen" not in reader.found:
        return
    if any(key.startswith("admin.tls.") for key in reader.found):
        # What is wrong with it is told already.
        return
    text = (
        f"{listen.host} is not loopback: passwords would cross the network in clear; give admin.tls.certificate and "
        "admin.tls.key, or say admin.unsafe_plain: true where something else encrypts"
    )
    reader.refuse("admin.listen", text)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can connect to an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _socket(reader: Taker, control: str) -> str:
    beside = Path(control).with_name(ADMIN_SOCKET)
    path = reader.take("admin.socket", files.socket_path, str(beside))
    if "admin.socket" in reader.found and path == control:
        reader.refuse("admin.socket", "is the control API's socket, too: choose another")
    if "admin.socket" not in reader.found and files.too_long(beside) and "control.socket" in reader.found:
        reader.refuse("control.socket", f"{beside} would be too long for a Unix socket: name another with admin.socket")
    return path


def _host(node: Node) -> str:
    return values.host_name(node).lower()


def _access(reader: Taker) -> AdminAccess:
    default = AdminAccess()
    metrics = reader.take("admin.metrics", lambda node: values.choice(node, METRICS), METRICS[0])
    return AdminAccess(
        read=_rule(reader, "read", default.read),
        write=_rule(reader, "write", default.write),
        own=reader.take("admin.access.own", values.switch, default.own),
        tokens=reader.take("admin.tokens", _tokens, ()),
        metrics_signed_in=metrics == "signed_in",
    )


def _rule(reader: Taker, role: str, default: AccessRule) -> AccessRule:
    at = f"admin.access.{role}"
    if f"{at}.cluster" not in reader.found and f"{at}.roles" not in reader.found:
        return default
    return AccessRule(
        cluster=reader.take(f"{at}.cluster", lambda node: values.each(node, _privilege), ()),
        roles=reader.take(f"{at}.roles", lambda node: values.each(node, values.text), ()),
    )


def _privilege(node: Node) -> str:
    name = values.text(node)
    try:
        require_cluster_privilege(name)
    except UnknownPrivilege as unknown:
        raise invalid(node, str(unknown)) from None
    return name


def _tokens(node: Node) -> tuple[AdminToken, ...]:
    if node.from_environment or not isinstance(node.value, list):
        kind = "a text" if node.from_environment else node.kind
        raise invalid(node, f"must be a list of {{name, file, role}} in the configuration file, and is {kind}")
    made = values.each(node, _token)
    values.distinct(node, [one.name for one in made])
    seen: dict[str, str] = {}
    for one, item in zip(made, node.items(), strict=True):
        other = seen.setdefault(token_text(item, one.file), one.name)
        if other != one.name:
            raise invalid(item, f"{one.name} and {other} are the same token: nobody could tell who used it")
    return made


def _token(node: Node) -> AdminToken:
    if not isinstance(node.value, dict):
        raise invalid(node, f"must be {{name, file, role}}, and is {node.kind}")
    for key, below in node.value.items():
        if key not in _TOKEN_KEYS:
            hint = nearest(key, _TOKEN_KEYS)
            raise invalid(below, f"unknown key {key!r}{hint}; allowed: {', '.join(_TOKEN_KEYS)}", key=True)
    missing = [key for key in _TOKEN_KEYS if key not in node.value]
    if missing:
        raise invalid(node, f"{missing[0]} is missing")
    name = values.text(node.value["name"])
    if not _NAME.fullmatch(name):
        raise invalid(node.value["name"], f"{name!r} is no name: letters, digits and `_.-`, 64 at most")
    file = node.value["file"]
    path = file.path(values.text(file))
    token_text(file, path)
    return AdminToken(name=name, file=path, role=values.choice(node.value["role"], TOKEN_ROLES))


def token_text(node: Node, path: str) -> str:
    """The token in a file that `node` names. Raises ConfigError where it is none; what it holds is not told."""
    inner = node.value["file"] if isinstance(node.value, dict) else node
    word = files.secret(inner).strip()
    if wrong := wrong_token(word):
        raise invalid(inner, f"{path} {wrong}")
    return word


def wrong_token(word: str) -> str:
    """Why a text is no bearer token, without telling it; empty where it is one."""
    if len(word) < TOKEN_CHARS:
        return f"holds a token of {len(word)} characters: it must have {TOKEN_CHARS} at least (`openssl rand -hex 32`)"
    if not _TOKEN.fullmatch(word):
        return "holds what no bearer token may: letters, digits and `-._~+/` only"
    return ""
