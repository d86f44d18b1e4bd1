"""A client's connection: heads in, one exchange at a time, refusals.

States: *idle* (no exchange, nothing held), *head* (part of a head held), *busy* (an exchange), *lingering* (the last
answer is out, what still comes is thrown away), and closed. A connection beyond a cap (`caps`) is *idle* until its
first byte, which is answered with why. Bytes behind the current request are held and read only
when the exchange is over, so pipelined requests are answered in order (RFC 9112 §9.3.2).

A client that closes its sending side is taken to be gone, as Elasticsearch itself takes it: both look the same on the
wire, and a search that nobody waits for must end.
"""

import asyncio
import ssl
from typing import TypeAlias, cast

from proxy.edge.answers import error_answer
from proxy.edge.caps import CAPPED, SURPLUS, SURPLUS_S, Peer, capped_answer
from proxy.edge.context import FIRST_REQUEST_S, Context
from proxy.edge.exchange import Exchange
from proxy.edge.receipt import host_name, peer_name
from proxy.edge.refusals import Reason
from proxy.edge.sniffing import SniffingExchange, sniffs
from proxy.edge.sockets import reset_on_close, watch_peer
from proxy.edge.special import special
from proxy.edge.sweep import NEVER
from proxy.route.router import PASS, route
from proxy.route.table import Route
from proxy.wire.errors import WireError
from proxy.wire.repeated import RequestDecoder
from proxy.wire.request import RequestHead

# Address and port that a front told of; the address is empty where it has none.
Source: TypeAlias = tuple[str, int] | None


class ClientConnection(asyncio.Protocol):
    """See the top of the file. `deadline` belongs to the sweep; `write_paused`: the client reads too slowly;
    `draining`: no request is read after the current one."""

    __slots__ = (
        "_beyond", "_body_bytes", "_context", "_decoder", "_exchange", "_head", "_held", "_in_head", "_lingering",
        "_origin", "_read_paused", "_source", "_until", "_window_end", "deadline", "draining", "transport",
        "write_paused",
    )  # fmt: skip

    def __init__(self, context: Context, source: Source = None) -> None:
        """`source` is who connected, where a front told it; else the socket knows."""
        self._beyond: Reason | None = None  # the cap that this connection is beyond
        self._body_bytes = 0  # of the request's body, in this window
        self._context = context
        self._decoder = RequestDecoder(context.request_limits)
        self._exchange: Exchange | None = None
        self._head: RequestHead | None = None
        self._held = b""
        self._in_head = False
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

    # Calls from asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client connected."""
        self.transport = cast(asyncio.Transport, transport)
        context = self._context
        self.transport.set_write_buffer_limits(high=context.limits.buffer_bytes)
        watch_peer(transport)
        context.clients.add(self)
        context.sweep.add(self)
        self._enter(context)
        if context.draining:
            self.drain()

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes from the client."""
        self._context.received += len(data)
        exchange = self._exchange
        if exchange is not None:
            if exchange.request_done:
                self.hold(data)
            else:
                exchange.request_data(data)
                self._watch()
                self._body_bytes += len(data)
        elif self._lingering:
            pass
        elif self._beyond is not None:
            self._refuse_capped(self._beyond)
        elif self.write_paused:
            self.hold(data)
        elif self._held:
            self._more_of_head(data)
        else:
            self._next(data)

    def eof_received(self) -> None:
        """asyncio: the client sends no more; the transport then closes itself."""
        self._leave()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: the connection is gone."""
        if isinstance(exc, ssl.SSLError):
            self.note(Reason.TLS, exc.reason.replace("_", " ").lower() if exc.reason else "the connection broke")
        self._leave()
        self._context.caps.leave(self._origin, self._beyond)
        self._context.sweep.discard(self)
        self._context.left(self)

    def pause_writing(self) -> None:
        """asyncio: more than the buffer limit waits to be sent."""
        self.write_paused = True
        if self._exchange is not None:
            self._exchange.pause_answer()
            self._watch()

    def resume_writing(self) -> None:
        """asyncio: the buffer has drained."""
        self.write_paused = False
        if self._exchange is not None:
            self._exchange.resume_answer()
            self._watch()
        elif self._held and not self._lingering:
            self._go_on()

    # Calls from the worker and its sweep.

    def expire(self) -> None:
        """Sweep: too long idle, too slow with a head, stalled in a message, or done with lingering."""
        if self._exchange is not None:
            self._expire_exchange(self._exchange)
        elif self._lingering or self.transport.is_closing():
            if self.transport.get_write_buffer_size():
                self.note(Reason.STALLED, "did not read the end of its answer")
            self.transport.abort()
        elif self._held and self.write_paused:
            self.note(Reason.STALLED, "sent requests ahead and does not read the answers")
            self.abort()
        elif self._held:
            self._refuse(408, "the request head did not arrive in time", Reason.SLOW_HEAD)
        else:
            self._close()

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

    def hold(self, data: bytes) -> None:
        """Keep bytes that came behind the request. Reading goes on within a bound, to notice a client that leaves."""
        self._held += data
        if len(self._held) > self._context.limits.buffer_bytes:
            self.pause_reading()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._read_paused = True
        self.transport.pause_reading()
        self._watch()

    def resume_reading(self) -> None:
        """Read on."""
        if self._read_paused:
            self._read_paused = False
            self.transport.resume_reading()
            self._watch()

    def finished(self, *, keep_alive: bool, request_done: bool) -> None:
        """The answer has been written."""
        if self._exchange is not None:
            self._exchange = None
            self._context.caps.end(self._origin)
        goes_on = keep_alive and not self.draining
        # Behind what was sent ahead more may be on its way.
        if not request_done or (self._held and not goes_on):
            self._linger()
        elif not goes_on:
            self._close()
        elif self._held and not self.write_paused:
            self._go_on()
        else:
            self.deadline = self._context.sweep.now + self._context.limits.client_idle_s

    @property
    def origin(self) -> str:
        """The address that waits, where requests take turns by address."""
        return self._origin.origin

    def failed(self, status: int, type: str, reason: str, headers: tuple[tuple[str, str], ...], why: Reason) -> None:
        """The exchange came to nothing: answer with this error."""
        self.note(why, f"{status}: {reason}")
        exchange, head = self._exchange, self._head
        done = exchange is not None and exchange.request_done
        keep = done and head is not None and head.keep_alive and not self.draining
        only, minor = head is not None and head.method == b"HEAD", head.minor if head is not None else 1
        answer = error_answer(status, type, reason, head_only=only, minor=minor, keep_alive=keep, headers=headers)
        self.transport.write(answer)
        self.finished(keep_alive=keep, request_done=done)

    def note(self, why: Reason, text: str) -> None:
        """Count a refusal or failure, and tell it with the client's address."""
        self._context.refusals.note(why, self._peer(), text, self._context.sweep.now)

    # Inner steps.

    def _enter(self, context: Context) -> None:
        """Count the connection, and find out whether it is beyond a cap."""
        self._origin, self._beyond = context.caps.enter(host_name(self._address()))
        if self._beyond is None:
            self.deadline = context.sweep.now + context.limits.client_idle_s
            return
        self.note(self._beyond, CAPPED[self._beyond][1])
        if context.caps.surplus > SURPLUS:
            self.abort()
        else:
            self.deadline = context.sweep.now + SURPLUS_S

    def _refuse_capped(self, why: Reason) -> None:
        """Answer whatever is asked on a connection beyond a cap."""
        self.transport.write(capped_answer(why))
        self._linger()
        self.deadline = self._context.sweep.now + SURPLUS_S

    def _decline(self, head: RequestHead, data: bytes, why: Reason) -> None:
        """Answer a request that is one too many. The connection lives on if this was all that came on it: what was sent
        ahead would be one too many, too."""
        self.note(why, CAPPED[why][1])
        keep = head.end == len(data) and head.framing == 0 and head.keep_alive and not self.draining
        only = head.method == b"HEAD"
        self.transport.write(capped_answer(why, head_only=only, minor=head.minor, keep_alive=keep))
        self.finished(keep_alive=keep, request_done=head.framing == 0 and head.end == len(data))

    def _expire_exchange(self, exchange: Exchange) -> None:
        """One of the times for a request has passed: which, and what follows from it."""
        now, limits = self._context.sweep.now, self._context.limits
        if now >= self._until:
            text = f"the request was not answered within {limits.client_request_s:g} s"
            exchange.give_up(504, text, Reason.REQUEST_TIME)
        elif now < self._window_end:
            self.note(Reason.STALLED, "stalled in the middle of a message")
            self.abort()
        elif self._body_bytes < limits.client_body_bytes_per_s * limits.client_body_window_s:
            exchange.give_up(408, "the request body did not arrive in time", Reason.SLOW_BODY)
        else:
            self._window_end = NEVER
            self._watch()

    def _done(self) -> Exchange | None:
        """The exchange is over, if there is one; it no longer counts as in flight."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            self._context.caps.end(self._origin)
        return exchange

    def _go_on(self) -> None:
        data, self._held = self._held, b""
        self.resume_reading()
        self._next(data)

    def _more_of_head(self, data: bytes) -> None:
        held, self._held = self._held + data, b""
        if b"\n" in data or len(held) > self._context.limits.request_head_bytes:
            self._next(held)
        else:
            # Nothing can have ended: a head that drips in byte by byte is not decoded for each of them.
            self._held = held

    def _next(self, data: bytes) -> None:
        """Begin the request that `data` begins with, or keep what there is of its head."""
        context = self._context
        try:
            head = self._decoder.decode(data)
        except WireError as fault:
            self._refuse(fault.status, fault.reason, Reason.MALFORMED)
            return
        if head is None:
            self._held = data
            if not self._in_head:
                self._in_head = True
                self.deadline = context.sweep.now + context.limits.client_head_s
            return
        self._in_head = False
        self._head = head
        self._serve(head, data)

    def _serve(self, head: RequestHead, data: bytes) -> None:
        """A request that was understood: to whom it goes, if there is room for it."""
        context = self._context
        decision = route(head.method, head.target)
        if decision is not PASS and decision.route is Route.REFUSE:
            self._refuse(decision.status, decision.reason, Reason.ROUTE, head_only=head.method == b"HEAD")
            return
        if context.forwarding is not None:
            head = self._head = context.forwarding.told_over(self.transport, head, host_name(self._address()))
        why = context.caps.begin(self._origin)
        if why is not None:
            self._decline(head, data, why)
        elif decision is PASS:
            self._until = context.until()
            sniffing = context.rewrites_sniffing and sniffs(head.method, head.target)
            kind: type[Exchange] = SniffingExchange if sniffing else Exchange
            self._begin(kind(self, head, context.cluster, context.answer_limits), data[head.end :])
        else:
            # The gate has limits of its own for each step of a start.
            self._until = NEVER if decision.route is Route.GATE else context.until()
            exchange, extra = special(self, head, decision, context, self._peer(), data[: head.end])
            self._begin(exchange, data[head.end :], extra)

    def _begin(self, exchange: Exchange, rest: bytes, extra: bytes = b"") -> None:
        self._exchange = exchange
        self.deadline = self._until
        try:
            exchange.start(rest, extra)
        except WireError as fault:
            self._refuse(fault.status, fault.reason, Reason.MALFORMED)
        if self._exchange is exchange and not exchange.request_done:
            self._body_bytes = 0
            self._window_end = NEVER
            self._watch()

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
        self.resume_reading()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self.deadline = self._context.sweep.now + self._context.limits.client_linger_s

    def _close(self) -> None:
        """Close once all is sent, or when that takes too long."""
        self._lingering = True
        self.transport.close()
        self.deadline = self._context.sweep.now + self._context.limits.client_linger_s

    def _leave(self) -> None:
        if (exchange := self._done()) is not None:
            exchange.client_lost()

    def _watch(self) -> None:
        """While it is the client's turn to send or to read, it must do so within `client_stall_s`, and what it sends
        must keep to a rate."""
        exchange = self._exchange
        if exchange is None:
            return
        now, limits = self._context.sweep.now, self._context.limits
        its_turn_to_send = not (exchange.request_done or self._read_paused)
        if not its_turn_to_send:
            # A window in which it could not send says nothing.
            self._window_end = NEVER
        elif self._window_end == NEVER:
            self._window_end = now + limits.client_body_window_s
            self._body_bytes = 0
        if its_turn_to_send or self.write_paused:
            self.deadline = min(now + limits.client_stall_s, self._window_end, self._until)
        else:
            self.deadline = self._until

    def _peer(self) -> str:
        return peer_name(self._address())

    def _address(self) -> object:
        """Who is at the other end: of the socket, or of the front that has it from there."""
        return self._source or self.transport.get_extra_info("peername")
