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
from typing import cast

from proxy.edge.answers import error_answer
from proxy.edge.caps import CAPPED, SURPLUS, SURPLUS_S, capped_answer
from proxy.edge.context import Context
from proxy.edge.exchange import Exchange
from proxy.edge.lane import Lane
from proxy.edge.patience import PatientConnection
from proxy.edge.receipt import host_name
from proxy.edge.refusals import Reason
from proxy.edge.sniffing import SniffingExchange, sniffs
from proxy.edge.sockets import watch_peer
from proxy.edge.special import special
from proxy.edge.sweep import NEVER
from proxy.route.router import PASS, route
from proxy.route.table import Route
from proxy.wire.errors import WireError
from proxy.wire.request import RequestHead


class ClientConnection(PatientConnection):
    """See the top of the file; the state is in `Connection`, what takes too long in `PatientConnection`."""

    __slots__ = ()

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
        self._lane = None  # it holds this connection
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

    # Calls from the exchange.

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

    def answered(self) -> None:
        """The answer to a request that came whole has been written, and the connection lives on."""
        context = self._context
        self._exchange = None
        context.caps.end(self._origin)
        if self._held and not self.write_paused:
            self._go_on()
        else:
            self.deadline = context.sweep.now + context.limits.client_idle_s

    def head_again(self) -> RequestHead:
        """The head of the request that is on the lane, without its lines."""
        # Nothing has been decoded since: what came meanwhile is held.
        decoder = self._decoder
        self._head = RequestHead(
            decoder.method,
            decoder.target,
            minor=1,
            section=b"",
            framing=decoder.framing,
            keep_alive=True,
            has_host=True,
            expects=False,
            end=decoder.end,
        )
        return self._head

    def goes_on_as(self, exchange: Exchange) -> None:
        """The request has left the lane."""
        self._exchange = exchange

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
        decoder = self._decoder
        if not decoder.again(data):
            self._next_anew(data)
            return
        self._in_head = False
        if decoder.plain and decoder.framing == len(data) - decoder.end and self._by_lane(data):
            return
        self._head = head = decoder.head(data)
        self._serve(head, data)

    def _next_anew(self, data: bytes) -> None:
        context = self._context
        try:
            head = self._decoder.anew(data)
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

    def _by_lane(self, data: bytes) -> bool:
        """A whole request whose head is known again: send it the short way, if it may go there. False if it may not."""
        context, decoder = self._context, self._decoder
        method, target = decoder.method, decoder.target
        # An answer to HEAD ends with its head, whatever that says.
        if method == b"HEAD" or route(method, target) is not PASS or context.forwarding is not None:
            return False
        if context.rewrites_sniffing and sniffs(method, target):
            return False
        if context.caps.begin(self._origin) is not None:
            return False
        upstream = context.cluster.pool.idle()
        if upstream is None:
            context.caps.end(self._origin)
            return False
        if (lane := self._lane) is None:
            lane = self._lane = Lane(self, context.cluster, context.answer_limits)
        self._exchange = lane
        self.deadline = self._until = context.until()
        lane.send(upstream, decoder.message(data), decoder.framing)
        return True

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
