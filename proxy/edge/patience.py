"""A client's connection and time: how long it may be idle, take for a head or a body, and leave an answer unread.

All of it comes down to one `deadline`, which the sweep looks at: nothing is timed for a request by itself.
"""

from proxy.edge.connection import Connection
from proxy.edge.exchange import Exchange
from proxy.edge.lane import Lane
from proxy.edge.refusals import Reason
from proxy.edge.sweep import NEVER


class PatientConnection(Connection):
    """Knows whose turn it is, and what follows once that took too long."""

    __slots__ = ()

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
            self._read_on()
            self._watch()

    def _expire_exchange(self, exchange: Exchange | Lane) -> None:
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
