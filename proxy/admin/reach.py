"""Whether any node of the cluster can be connected to: a connection, over TLS with its handshake, that is closed again.

It needs no credentials, and leaves no line in the cluster's audit log.
"""

import asyncio
import ssl
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from proxy.errors import ConfigError
from proxy.metrics.snapshot import Check
from proxy.renewal import renewable_cluster
from proxy.settings import ClusterTls

# A node that takes longer is of no use to a client that waits (EdgeLimits.upstream_connect_s is 5).
CONNECT_S: Final = 3.0
# Many may ask for health at once, and a node is not to be connected to for each of them.
FRESH_S: Final = 3.0
# Of a cluster of fifty nodes all may be down for the same reason.
NODES_TOLD: Final = 3


class Reach:
    """Looks at the nodes (base addresses), and remembers for `FRESH_S` what it saw."""

    def __init__(self, nodes: Sequence[str], tls: ClusterTls) -> None:
        self._nodes = tuple(nodes)
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._seen: Check | None = None
        self._looked_s = 0.0
        self._turn = asyncio.Lock()

    async def look(self) -> Check:
        """How it stands. Answers within some seconds."""
        # One look at a time: who comes meanwhile gets what it found.
        async with self._turn:
            if self._seen is None or time.monotonic() - self._looked_s >= FRESH_S:
                self._seen = await self._all()
                self._looked_s = time.monotonic()
            return self._seen

    async def _all(self) -> Check:
        told = await asyncio.gather(*(self._one(node) for node in self._nodes))
        wrong = [f"{node}: {why}" for node, why in zip(self._nodes, told, strict=True) if why]
        more = f"; and {len(wrong) - NODES_TOLD} more" if len(wrong) > NODES_TOLD else ""
        reached = len(told) - len(wrong)
        count = f"{reached} of {len(told)} node{'' if len(told) == 1 else 's'} can be connected to"
        text = f"{count}; {'; '.join(wrong[:NODES_TOLD])}{more}" if wrong else count
        return Check(name="cluster", ok=reached > 0, reason=text)

    async def _one(self, node: str) -> str:
        """Why there is no way to a node; empty where there is one."""
        parts = urlsplit(node)
        try:
            context = self._tls_context() if parts.scheme == "https" else None
            async with asyncio.timeout(CONNECT_S):
                name = parts.hostname if context is not None else None
                _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context, server_hostname=name)
        except TimeoutError:
            return f"no connection within {CONNECT_S:g} s"
        except ConfigError as error:
            return "; ".join(str(fault) for fault in error.faults)
        except (OSError, ValueError) as failure:
            return getattr(failure, "strerror", None) or str(failure)
        # Nothing was asked, so nothing is waited for.
        writer.transport.abort()
        return ""

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = renewable_cluster(self._tls)
        return self._context
