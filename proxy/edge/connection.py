"""What every client's connection has: who is at the other end, and the ways in which it ends."""

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from proxy.edge.answers import error_answer
from proxy.edge.context import FIRST_REQUEST_S, Context
from proxy.edge.exchange import Exchange
from proxy.edge.lane import Lane
from proxy.edge.receipt import peer_name
from proxy.edge.refusals import Reason
from proxy.edge.sockets import reset_on_close
from proxy.edge.sweep import NEVER
from proxy.wire.repeated import RequestDecoder

if TYPE_CHECKING:
    from proxy.edge.caps import Peer
    from proxy.wire.request import RequestHead

# Address and port that a front told of; the address is empty where it has none.
Source: TypeAlias = tuple[str, int] | None


class Connection(asyncio.Protocol):
    """Has all state of the connection, see `client`. `deadline` belongs to the sweep; `write_paused`: the client reads
    too slowly; `draining`: no request is read after the current one."""

    __slots__ = (
        "_beyond", "_body_bytes", "_context", "_decoder", "_exchange", "_head", "_held", "_in_head", "_lane",
        "_lingering", "_origin", "_read_paused", "_source", "_until", "_window_end", "deadline", "draining",
        "transport", "write_paused",
    )  # fmt: skip

    def __init__(self, context: Context, source: Source = None) -> None:
        """`source` is who connected, where a front told it; else the socket knows."""
        self._beyond: Reason | None = None  # the cap that this connection is beyond
        self._body_bytes = 0  # of the request's body, in this window
        self._context = context
        self._decoder = RequestDecoder(context.request_limits)
        self._exchange: Exchange | Lane | None = None
        self._head: RequestHead | None = None
        self._held = b""
        self._in_head = False
        self._lane: Lane | None = None
        self._lingering = False
        self._origin: Peer
        self._source = source
        self._read_paused = False
        self._until = NEVER  # the end of the time for the request in all
        self._window_end = NEVER  # when what came of the body is judged
        self.deadline = NEVER
        self.draining = False
        self.write_paused = False
        self.transport: asyncio.Transport

    # Calls from the worker.

    def drain(self) -> None:
        """Worker: close if idle; else after the answer that is under way. Whoever has just connected is about to ask
        something: to close then would be a reset for a client that did everything right."""
        self.draining = True
        if self._exchange is not None or self._held or self._lingering:
            return
        if self._head is None:
            self.deadline = min(self.deadline, self._context.sweep.now + FIRST_REQUEST_S)
        else:
            self._close()

    def forsake(self) -> None:
        """Worker: its time to stop is over, and this is still there."""
        if self._exchange is not None or not self._lingering:
            self.note(Reason.DRAIN, "its request did not finish in time" if self._exchange else "it was still there")
        self.abort()

    def abort(self) -> None:
        """Worker or exchange: reset the connection."""
        self._leave()
        reset_on_close(self.transport)
        self.transport.abort()

    # Calls from the exchange.

    @property
    def origin(self) -> str:
        """The address that waits, where requests take turns by address."""
        return self._origin.origin

    def note(self, why: Reason, text: str) -> None:
        """Count a refusal or failure, and tell it with the client's address."""
        self._context.refusals.note(why, self._peer(), text, self._context.sweep.now)

    # Inner steps.

    def _done(self) -> Exchange | Lane | None:
        """The exchange is over, if there is one; it no longer counts as in flight."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._context.caps.end(self._origin)
        return exchange

    def _leave(self) -> None:
        if (exchange := self._done()) is not None:
            exchange.client_lost()

    def _read_on(self) -> None:
        if self._read_paused:
            self._read_paused = False
            self.transport.resume_reading()

    def _refuse(self, status: int, reason: str, why: Reason, *, head_only: bool = False) -> None:
        """Answer with an error of our own and read no further request: nobody knows where it would begin."""
        self.note(why, f"{status}: {reason}")
        self._done()
        self.transport.write(error_answer(status, "illegal_argument_exception", reason, head_only=head_only))
        self._linger()

    def _linger(self) -> None:
        """Read and throw away for a while: closing with bytes unread would reset the connection, and the client could
        lose the answer (RFC 9112 §9.6)."""
        self._lingering = True
        self._held = b""
        self._read_on()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self.deadline = self._context.sweep.now + self._context.limits.client_linger_s

    def _close(self) -> None:
        """Close once all is sent, or when that takes too long."""
        self._lingering = True
        self.transport.close()
        self.deadline = self._context.sweep.now + self._context.limits.client_linger_s

    def _peer(self) -> str:
        return peer_name(self._address())

    def _address(self) -> object:
        """Who is at the other end: of the socket, or of the front that has it from there."""
        return self._source or self.transport.get_extra_info("peername")
