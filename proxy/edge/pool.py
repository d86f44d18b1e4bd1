"""Nodes, which of them is next, and connecting to it.

`Pool.take` gives an exchange an idle connection at once, without an await. Only if there is none are the nodes tried in
the background, the least busy first; nothing has been sent by then, so going on to another node is safe for every
request.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from proxy.edge.nodes import Address
from proxy.edge.sockets import reset_on_close
from proxy.edge.sweep import NEVER, Sweep
from proxy.edge.upstream import UpstreamConnection
from proxy.settings import EdgeLimits
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# A node that refused a connection is asked last for this long: about what a client waits before it tries again.
DOWN_S: Final = 1.0


class Waiter(Protocol):
    """Who waits for a connection."""

    def connected(self, connection: UpstreamConnection) -> None:
        """Here it is. It must be given back or dropped."""
        ...

    def unreachable(self, *, timed_out: bool) -> None:
        """No node could be reached; `timed_out` if the last one tried did not even refuse in time."""
        ...


class Node:
    """One node (or the gate) with its idle connections. `busy` counts exchanges and connects under way."""

    __slots__ = ("_down", "_idle", "_limits", "_sweep", "address", "busy", "down_until")

    def __init__(self, address: Address, limits: EdgeLimits, sweep: Sweep) -> None:
        self.address = address
        self.busy = 0
        self.down_until = 0.0
        self._down = False
        self._idle: list[UpstreamConnection] = []
        self._limits = limits
        self._sweep = sweep

    def take(self) -> UpstreamConnection | None:
        """The idle connection that was used last, or None; counted as busy."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                connection.deadline = NEVER
                connection.reused = True
                self.busy += 1
                return connection
        return None

    async def open(self) -> UpstreamConnection:
        """A new connection, counted as busy. Raises TimeoutError or another OSError; the node is then asked last."""
        connection = UpstreamConnection(self, self._limits.buffer_bytes)
        self.busy += 1
        try:
            async with asyncio.timeout(self._limits.upstream_connect_s):
                await self.address.open(lambda: connection)
        except OSError as error:
            self.busy -= 1
            self._failed(error)
            raise
        if self._down:
            self._down = False
            logger.info("%s answers again", self.address.name)
        return connection

    def give_back(self, connection: UpstreamConnection) -> None:
        """The exchange is over and the connection may serve another."""
        self.busy -= 1
        connection.sink = None
        if len(self._idle) >= self._limits.upstream_idle_connections or connection.transport.is_closing():
            connection.transport.close()
            return
        connection.deadline = self._sweep.now + self._limits.upstream_idle_s
        self._idle.append(connection)

    def drop(self, connection: UpstreamConnection) -> None:
        """The exchange is over and the connection must not be used again: reset, so that the server notices at once and
        no port of ours is kept waiting for late packets (TIME_WAIT)."""
        connection.sink = None
        self.busy -= 1
        reset_on_close(connection.transport)
        connection.transport.abort()

    def opened(self, connection: UpstreamConnection) -> None:
        """From the connection: it is up."""
        self._sweep.add(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """From the connection: it is gone."""
        self._sweep.discard(connection)
        if connection.sink is not None:
            self.busy -= 1
        elif connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        """Close all idle connections."""
        for connection in self._idle:
            connection.transport.close()

    def _failed(self, error: OSError) -> None:
        self.down_until = self._sweep.now + DOWN_S
        if not self._down:
            self._down = True
            what = "no connection in time" if isinstance(error, TimeoutError) else str(error)
            logger.warning("cannot connect to %s: %s", self.address.name, what)


class Pool:
    """The nodes of the cluster, or the gate alone."""

    __slots__ = ("_nodes", "_sweep", "_turn")

    def __init__(self, addresses: Sequence[Address], limits: EdgeLimits, sweep: Sweep) -> None:
        self._nodes = [Node(address, limits, sweep) for address in addresses]
        self._sweep = sweep
        self._turn = 0

    def take(self, waiter: Waiter) -> UpstreamConnection | None:
        """An idle connection to the node that is next. If it has none: None, and `waiter` is told of a new one."""
        nodes = self._nodes if len(self._nodes) == 1 else self._ranked()
        connection = nodes[0].take()
        if connection is None:
            spawn(self._connect(nodes, waiter), name="edge-connect")
        return connection

    def connect(self, waiter: Waiter) -> None:
        """Open a new connection, whatever is idle, and tell `waiter` of it."""
        spawn(self._connect(self._ranked(), waiter), name="edge-connect")

    def close(self) -> None:
        """Close all idle connections."""
        for node in self._nodes:
            node.close()

    def _ranked(self) -> list[Node]:
        """All nodes: first those not known to be down, of them the least busy; equals take turns."""
        now = self._sweep.now
        self._turn += 1
        turn = self._turn % len(self._nodes)
        nodes = self._nodes[turn:] + self._nodes[:turn]
        return sorted(nodes, key=lambda node: (node.down_until > now, node.busy))

    async def _connect(self, nodes: list[Node], waiter: Waiter) -> None:
        timed_out = False
        for node in nodes:
            try:
                connection = await node.open()
            except OSError as error:
                timed_out = isinstance(error, TimeoutError)
                continue
            waiter.connected(connection)
            return
        waiter.unreachable(timed_out=timed_out)
