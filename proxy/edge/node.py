"""One node (or the gate) with its connections: which are idle, how many are busy, and what is known of its health."""

import asyncio
import errno
import logging
from bisect import bisect_left
from collections.abc import Callable
from time import perf_counter
from typing import Final

from proxy.edge.health import Health
from proxy.edge.nodes import Address
from proxy.edge.sockets import reset_on_close
from proxy.edge.sweep import NEVER, Sweep
from proxy.edge.upstream import UpstreamConnection
from proxy.metrics.spread import REQUEST_S, Tally
from proxy.settings import EdgeLimits

logger = logging.getLogger(__name__)

# Not the node's fault: this process or system has no descriptor, memory or port left; or, of a Unix socket, the queue
# of the other side is full for the moment (unix(7), EAGAIN).
_OWN_TROUBLE: Final = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN)
)

# Multiples of it leave remainders that lie as far apart as can be.
_GOLDEN: Final = 0.618033988749895


def own_trouble(error: OSError) -> bool:
    """Whether a failure to connect says nothing of the node."""
    return error.errno in _OWN_TROUBLE


class Node:
    """`busy` counts exchanges and connects under way; `most` is how many of them there may be. `retired`: it is no
    longer among the nodes, and lives on only for what it still has to answer. `tally` counts its answers, None where
    nobody asks for metrics."""

    __slots__ = (
        "_down", "_idle", "_limits", "_opened", "_refused", "_released", "_short_of", "_sweep", "_unasked", "address",
        "busy", "health", "most", "retired", "tally",
    )  # fmt: skip

    def __init__(
        self,
        address: Address,
        limits: EdgeLimits,
        sweep: Sweep,
        *,
        most: int | None = None,
        released: Callable[[UpstreamConnection | None], bool] = lambda _: False,
        refused: Callable[[], None] = lambda: None,
        unasked: Callable[[str], None] = lambda _: None,
        tally: Tally | None = None,
    ) -> None:
        """`most`: connections at a time, by default what the limits say of a node. `released` is called when there is
        room for one more, with a connection that may be used again or with None; True if it was taken. `refused` is
        called instead when that room is what a failed connect had held; `unasked`, with the node's name, when it sent
        bytes that nobody had asked for."""
        self.address = address
        self.busy = 0
        self.health = Health(limits)
        self.most = limits.upstream_connections if most is None else most
        self.retired = False
        self.tally = tally
        self._down = False
        self._idle: list[UpstreamConnection] = []
        self._limits = limits
        self._opened = 0
        self._refused = refused
        self._released = released
        self._short_of = False  # descriptors, ports or room, at the last try
        self._sweep = sweep
        self._unasked = unasked

    @property
    def name(self) -> str:
        """Its base address; of the gate, the path of its socket."""
        return self.address.name

    @property
    def full(self) -> bool:
        """Whether it has all the connections that it may have."""
        return self.busy >= self.most

    @property
    def idle(self) -> int:
        """How many connections are kept for the next request."""
        return len(self._idle)

    def take(self) -> UpstreamConnection | None:
        """The idle connection that was used last, or None; counted as busy."""
        now = self._sweep.now
        while self._idle:
            connection = self._idle.pop()
            if connection.usable(now):
                connection.deadline = NEVER
                connection.reused = True
                self.busy += 1
                if self.tally is not None:
                    connection.since = perf_counter()
                return connection
        return None

    async def open(self) -> UpstreamConnection:
        """A new connection, counted as busy. Raises TimeoutError or another OSError; unless that is our own trouble,
        the node is then asked last."""
        connection = UpstreamConnection(self, self._limits.buffer_bytes)
        if self._idle and self.busy + len(self._idle) >= self.most:
            # What is idle counts, too, for the node.
            self._idle.pop(0).transport.close()
        self.busy += 1
        try:
            async with asyncio.timeout(self._limits.upstream_connect_s):
                await self.address.open(lambda: connection)
        except OSError as error:
            self.busy -= 1
            self._failed(error)
            self._refused()
            raise
        except BaseException:
            self.busy -= 1
            raise
        connection.until = self._sweep.now + self._lifetime_s()
        connection.since = perf_counter()
        self._short_of = False
        if self._down:
            self._down = False
            logger.info("%s answers again", self.address.name)
        return connection

    def give_back(self, connection: UpstreamConnection) -> None:
        """The exchange is over and the connection may serve another."""
        self.busy -= 1
        tally, status = self.tally, connection.status
        if tally is not None and status:
            # `Tally.note`, written out: this is done for every request.
            connection.status = 0
            seconds = perf_counter() - connection.since
            spread = tally.by_hundred[status // 100]
            spread.counts[bisect_left(REQUEST_S, seconds)] += 1
            spread.total += seconds
        connection.sink = None
        if self.health.troubled:
            self.health.worked(self._sweep.now)
        if connection.transport.is_closing():
            self._released(None)
        elif self.retired or self._sweep.now >= connection.until:
            connection.transport.close()
            self._released(None)
        elif self._released(connection):
            pass
        elif len(self._idle) >= self._limits.upstream_idle_connections:
            connection.transport.close()
        else:
            connection.rested = now = self._sweep.now
            connection.deadline = min(now + self._limits.upstream_idle_s, connection.until)
            self._idle.append(connection)

    def hand_on(self, connection: UpstreamConnection) -> None:
        """A connection that was given back is busy again, with whoever waited for it."""
        connection.reused = True
        connection.since = perf_counter()
        self.busy += 1

    def drop(self, connection: UpstreamConnection) -> None:
        """The exchange is over and the connection must not be used again: reset, so that the server notices at once and
        no port of ours is kept waiting for late packets (TIME_WAIT)."""
        connection.sink = None
        self.busy -= 1
        self._count_last(connection)
        reset_on_close(connection.transport)
        connection.transport.abort()
        self._released(None)

    def opened(self, connection: UpstreamConnection) -> None:
        """From the connection: it is up."""
        self._sweep.add(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """From the connection: it is gone."""
        self._sweep.discard(connection)
        if connection.sink is not None:
            self.busy -= 1
            self._count_last(connection)
            self._released(None)
        elif connection in self._idle:
            self._idle.remove(connection)

    def unasked(self) -> None:
        """From the connection: bytes came while it was idle."""
        self._unasked(self.address.name)

    async def probe(self) -> None:
        """Connects and closes again; what comes of it counts as for any connect, but is no answer."""
        try:
            connection = await self.open()
        except OSError:
            return
        self.health.answers(self._sweep.now)
        self.busy -= 1
        connection.transport.close()
        self._released(None)

    def worked(self) -> None:
        """From an exchange: an answer came whole."""
        if self.health.troubled:
            self.health.worked(self._sweep.now)

    def blame(self) -> None:
        """From an exchange: an answer was broken or broken off."""
        if self.health.failed(self._sweep.now):
            times = self._limits.upstream_eject_failures
            logger.warning("%s broke off %d answers in a row: others are asked first", self.address.name, times)

    def retire(self) -> None:
        """It is no longer among the nodes: what is idle is closed, what is busy may finish."""
        self.retired = True
        self.close()

    def close(self) -> None:
        """Close all idle connections."""
        for connection in self._idle:
            connection.transport.close()

    def _lifetime_s(self) -> float:
        """Of one connection: `upstream_age_s` or up to a tenth less, so that those that were opened together do not end
        together."""
        age_s = self._limits.upstream_age_s or NEVER
        share = self._opened * _GOLDEN % 1.0
        self._opened += 1
        return age_s * (1.0 - share / 10)

    def _count_last(self, connection: UpstreamConnection) -> None:
        """The last answer on a connection, if there was one: whole or not."""
        if self.tally is not None and connection.status:
            self.tally.note(connection.status, perf_counter() - connection.since)
        connection.status = 0

    def _failed(self, error: OSError) -> None:
        what = "no connection in time" if isinstance(error, TimeoutError) else str(error)
        if own_trouble(error):
            # Once until it works again: each request that comes to nothing by it is told with its client.
            if self._short_of:
                return
            self._short_of = True
            logger.warning("cannot connect to %s for want of descriptors, ports or room: %s", self.address.name, what)
            return
        self.health.refused(self._sweep.now)
        if not self._down:
            self._down = True
            logger.warning("cannot connect to %s: %s", self.address.name, what)
