"""Where nodes and gate are, and how a connection to one is opened."""

import asyncio
import functools
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from proxy.errors import ConfigError, Fault

ProtocolFactory = Callable[[], asyncio.Protocol]


@dataclass(frozen=True, slots=True)
class Address:
    """One end to connect to: `name` for logs, `open` to open one connection with a protocol from the given factory.

    `open` raises OSError (of which TLS errors are a kind) when there is no way. `host` is the host as it is written,
    and `at` gives the same end at one of the addresses that `host` has; empty and None for what has no host.
    """

    name: str
    open: Callable[[ProtocolFactory], Awaitable[object]]
    host: str = ""
    at: Callable[[str], "Address"] | None = None


def node_addresses(nodes: Sequence[str], tls: Callable[[], ssl.SSLContext]) -> list[Address]:
    """The addresses for base URLs such as `https://10.0.0.1:9200`; `tls` makes the context, if one is needed.

    Raises ConfigError for all that are no base URLs, and whatever `tls` raises.
    """
    faults = [fault for node in nodes if (fault := _fault(node)) is not None]
    if not nodes:
        faults = [Fault("cluster.nodes", "at least one node is needed, such as http://127.0.0.1:9200")]
    if faults:
        raise ConfigError(faults)
    context = tls() if any(node.startswith("https:") for node in nodes) else None
    return [_node(node, context) for node in nodes]


def gate_address(path: str) -> Address:
    """The address of the gate's Unix socket at `path`."""

    async def connect(factory: ProtocolFactory) -> object:
        return await asyncio.get_running_loop().create_unix_connection(factory, path)

    return Address(path, connect)


def _fault(node: str) -> Fault | None:
    wanted = f"{node!r} is no base address; it must look like http://10.0.0.1:9200 or https://es.example.org:443"
    try:
        parts = urlsplit(node)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and bool(parts.port)
    except ValueError:
        return Fault("cluster.nodes", wanted)
    if not good or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        return Fault("cluster.nodes", wanted)
    return None


def _node(node: str, tls: ssl.SSLContext | None) -> Address:
    parts = urlsplit(node)
    host = parts.hostname or ""
    context = tls if parts.scheme == "https" else None
    port = parts.port or 0

    async def connect(where: str, factory: ProtocolFactory) -> object:
        # Wherever it is connected to, the certificate must be for the name that is written.
        name = host if context is not None else None
        try:
            return await asyncio.get_running_loop().create_connection(
                factory, where, port, ssl=context, server_hostname=name
            )
        except ValueError as failure:
            # Of names that none can be, such as one with a label of 64 letters: whoever waits is to be told.
            raise OSError(f"{where} is no name of a host: {failure}") from None

    def at(where: str) -> Address:
        return Address(f"{node} ({where})", functools.partial(connect, where), where)

    return Address(node, functools.partial(connect, host), host, at)
