"""What the configuration names on the disk: opened and tried at once, so that no start-up fails halfway.

A secret's text goes into the value that is returned and nowhere else: no message and no `repr` shows it.
"""

import base64
import binascii
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy import tls
from proxy.config.tree import Node, invalid
from proxy.config.values import text
from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ListenTls

# An API key has 60 characters; a file far larger is something else, given by mistake.
SECRET_BYTES = 16 * 1024
# Linux's sockaddr_un.sun_path holds 108 bytes, the last one 0.
SOCKET_PATH_BYTES = 107


def readable(node: Node) -> Path:
    """The file that the value names, proven to be readable."""
    path = Path(node.path(text(node)))
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as failure:
        raise invalid(node, f"{path} cannot be read: {failure.strerror or failure}") from None
    return path


def secret_text(node: Node) -> str:
    """The text of a file that holds one secret or key."""
    path = readable(node)
    with path.open("rb") as file:
        held = file.read(SECRET_BYTES + 1)
    if len(held) > SECRET_BYTES:
        raise invalid(node, f"{path} is larger than {SECRET_BYTES} bytes: it holds no single secret")
    try:
        return held.decode()
    except UnicodeDecodeError:
        raise invalid(node, f"{path} is not UTF-8 text") from None


def secret(node: Node) -> str:
    """The text of a file that holds one secret, without the line end that editors put there."""
    word = secret_text(node).strip("\r\n")
    path = node.path(text(node))
    if not word.strip():
        raise invalid(node, f"{path} is empty")
    if "\n" in word or "\r" in word or "\x00" in word:
        raise invalid(node, f"{path} holds more than one line")
    return word


def api_key(node: Node) -> str:
    """The `Authorization` value of the API key in a file, written as `id:api_key` or as the base64 of that, which the
    create API key API calls `encoded`."""
    word = secret(node).strip()
    plain = word
    if ":" not in word:
        try:
            plain = base64.b64decode(word, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            plain = ""
    identity, colon, key = plain.partition(":")
    if not (identity and colon and key):
        path = node.path(text(node))
        raise invalid(node, f"{path} holds no API key: it must be `id:api_key`, or the base64 of that (`encoded`)")
    return "ApiKey " + base64.b64encode(plain.encode()).decode()


def basic(username: str, password: str) -> str:
    """The `Authorization` value of a user name and password (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def authorities(node: Node) -> str:
    """The path of a PEM file with at least one certificate in it."""
    path = node.path(text(node))
    try:
        tls.cluster_context(ClusterTls(ca=path))
    except ConfigError as error:
        raise _named_here(node, error) from None
    return path


def key_pair(node: Node, files: ListenTls) -> None:
    """Proves that a listener's certificate and key can be read and belong together."""
    try:
        tls.listener_context(files)
    except ConfigError as error:
        raise _named_here(node, error) from None


def _named_here(node: Node, error: ConfigError) -> ConfigError:
    """The faults of files, at the place that names the files."""
    return ConfigError(fault for one in error.faults for fault in invalid(node, f"{one.where} {one.message}").faults)


@contextmanager
def _reached(node: Node, path: Path) -> Iterator[None]:
    """In here files are looked at: a folder above that this user may not enter is a fault at the value, not a crash."""
    try:
        yield
    except PermissionError:
        # A container started as another user than the volume's is the usual way to get here.
        raise invalid(
            node, f"{path} cannot be reached: permission denied for the user {os.geteuid()} in a folder above it"
        ) from None


def rules(node: Node) -> str:
    """The path of a rule file, or of a folder with at least one `*.yml`."""
    path = Path(node.path(text(node)))
    with _reached(node, path):
        if not path.exists():
            raise invalid(node, f"{path} does not exist")
        if path.is_dir() and not any(path.glob("*.yml")):
            raise invalid(node, f"{path} holds no *.yml file")
    if not os.access(path, os.R_OK):
        raise invalid(node, f"{path} cannot be read: permission denied")
    return str(path)


def journal(node: Node) -> str:
    """The path of the journal's folder: there and writable, or still to be made in a folder that is there."""
    path = Path(node.path(text(node)))
    with _reached(node, path):
        home = path if path.exists() else path.parent
        if not home.is_dir():
            wrong = (
                "is no folder" if home.exists() else "does not exist; Startgate makes the last folder of the path alone"
            )
            raise invalid(node, f"{home} {wrong}")
    if not os.access(home, os.W_OK | os.X_OK):
        raise invalid(node, f"{home} cannot be written: permission denied")
    return str(path)


def socket_path(node: Node) -> str:
    """A path that a Unix socket can be bound to."""
    path = Path(node.path(text(node)))
    with _reached(node, path):
        if not path.parent.is_dir():
            raise invalid(node, f"{path.parent} does not exist or is no folder")
        taken = not too_long(path) and path.exists() and not path.is_socket()
    if too_long(path):
        raise invalid(
            node, f"{path} is longer than {SOCKET_PATH_BYTES} bytes, the most that a Unix socket's path may have"
        )
    if taken:
        raise invalid(node, f"{path} is there and is no socket")
    return str(path)


def too_long(path: Path) -> bool:
    """Whether no Unix socket can have this path."""
    return len(os.fsencode(path)) > SOCKET_PATH_BYTES
