"""A connection to a node or to the gate: kept alive, used by one exchange at a time."""

import asyncio
from typing import Protocol, cast

from proxy.edge.sockets import Look, told_more, watch_node
from proxy.edge.sweep import NEVER
from proxy.metrics.spread import Tally
from proxy.wire.repeated import AnswerDecoder


class AnswerSink(Protocol):
    """Who uses a connection just now."""

    def answer_data(self, data: bytes) -> None:
        """Bytes came from the server."""
        ...

    def upstream_lost(self, *, clean: bool) -> None:
        """The connection is gone; `clean` if the server closed it in order."""
        ...

    def pause_request(self) -> None:
        """The server reads too slowly; send no more for now."""
        ...

    def resume_request(self) -> None:
        """The server has caught up."""
        ...


class Owner(Protocol):
    """The node that a connection belongs to; `tally` counts its answers, None where nobody asks for metrics."""

    tally: Tally | None

    @property
    def name(self) -> str:
        """The node's base address, or what the gate is called."""
        ...

    def opened(self, connection: "UpstreamConnection") -> None:
        """The connection is up."""
        ...

    def lost(self, connection: "UpstreamConnection") -> None:
        """The connection is gone."""
        ...

    def give_back(self, connection: "UpstreamConnection") -> None:
        """An exchange has ended cleanly; another may use the connection."""
        ...

    def unasked(self) -> None:
        """Bytes came over an idle connection."""
        ...

    def drop(self, connection: "UpstreamConnection") -> None:
        """An exchange has ended in another way; the connection is closed at once."""
        ...

    def hand_on(self, connection: "UpstreamConnection") -> None:
        """A connection that was given back serves the next exchange at once."""
        ...

    def worked(self) -> None:
        """An answer came whole."""
        ...

    def blame(self) -> None:
        """An answer was broken or broken off: once is an accident, several in a row are the node's fault."""
        ...


class UpstreamConnection(asyncio.Protocol):
    """`sink` is who uses it, None while it is idle; `reused` whether it has served an exchange before; `deadline` is
    when an idle one is closed, `write_paused` whether the server reads too slowly, `answers` decodes what it sends;
    `until` is when it is too old for another exchange; `since` when the exchange got it, by the system's clock for
    intervals, and `status` that of the answer, 0 before it came; `rested` is when it was last given back, by the sweep,
    and `doubtful`: its last answer ended with its head, and what should not be there may follow."""

    __slots__ = (
        "_buffer_bytes", "_ended", "_look", "answers", "deadline", "doubtful", "owner", "rested", "reused", "since",
        "sink", "status", "transport", "until", "write_paused",
    )  # fmt: skip

    def __init__(self, owner: Owner, buffer_bytes: int) -> None:
        self.owner = owner
        self._buffer_bytes = buffer_bytes
        self._ended = False
        self._look: Look
        self.answers = AnswerDecoder()
        self.sink: AnswerSink | None = None
        self.reused = False
        self.since = 0.0
        self.status = 0
        self.write_paused = False
        self.deadline = NEVER
        self.until = NEVER
        self.rested = NEVER
        self.doubtful = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is up."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=self._buffer_bytes)
        watch_node(transport)
        self._look = Look(transport)
        self.owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes from the server."""
        sink = self.sink
        if sink is None:
            self._end_unasked()
        else:
            sink.answer_data(data)
            tally = self.owner.tally
            if tally is not None:
                tally.received += len(data)

    def usable(self, now: float) -> bool:
        """Whether a connection may serve another exchange at `now` (the sweep's): it is open, and nothing waits to be
        read from it. What came since the event loop last looked must not become the answer to the next request. If not,
        it is ended.

        One that was given back in this tick of the sweep is taken as it is, unless it is `doubtful`: a busy edge would
        pay a system call for each request. See docs/decisions/132-what-is-told-of-faults-and-what-a-node-may-send.md.
        """
        if self.transport.is_closing():
            return False
        if self.rested == now and not self.doubtful:
            return True
        self.doubtful = False
        events = self._look()
        if not events:
            return True
        if told_more(events):
            self._end_unasked()
        else:
            self.transport.abort()
        return False

    def _end_unasked(self) -> None:
        # Nobody asked: whatever it is, it must not become the answer to the next request (RFC 9112 §9.2).
        self.owner.unasked()
        self.transport.abort()

    def eof_received(self) -> None:
        """asyncio: the server sends no more; the transport then closes itself.

        Over TLS this is called only if the server said so itself: an end that anybody on the way could have made is
        none (RFC 9112 §9.8).
        """
        self._ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        self.owner.lost(self)
        sink, self.sink = self.sink, None
        if sink is not None:
            sink.upstream_lost(clean=self._ended and exc is None)

    def pause_writing(self) -> None:
        """asyncio: more than the buffer limit waits to be sent."""
        self.write_paused = True
        if self.sink is not None:
            self.sink.pause_request()

    def resume_writing(self) -> None:
        """asyncio: the buffer has drained."""
        self.write_paused = False
        if self.sink is not None:
            self.sink.resume_request()

    def expire(self) -> None:
        """Sweep: idle for too long."""
        self.transport.close()
