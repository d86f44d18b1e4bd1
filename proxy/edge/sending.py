"""The request's half of an exchange: it gets a connection, sends, asks again where that is safe, and fails.

`Exchange` adds the answer; the rules are there. Until an answer's head went out whatever ends here becomes an error of
our own (`_fail`), after that the client's connection is reset (`_cut`).
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from proxy.edge.answers import OVERLOADED, RETRY_AFTER
from proxy.edge.receipt import RECEIPT_HEADER
from proxy.edge.refusals import Reason
from proxy.edge.sides import ClientSide, Target
from proxy.edge.upstream import UpstreamConnection
from proxy.wire.body import BodyReader, body_reader
from proxy.wire.errors import WireError
from proxy.wire.limits import HeadLimits
from proxy.wire.request import RequestHead, encode_request

if TYPE_CHECKING:
    from proxy.wire.answer import AnswerHead

_SAFE: Final = frozenset((b"GET", b"HEAD", b"OPTIONS"))

# Where no connection is to be had because of ourselves, not of the node: with Retry-After.
_CROWDED: Final = {
    Reason.QUEUE_FULL: (429, "too many requests wait for a connection to {}; try again"),
    Reason.QUEUE_TIME: (503, "no connection to {} became free in time; try again"),
    Reason.DESCRIPTORS: (503, "the system has no descriptor or port for a connection to {}; try again"),
}


class Sending(ABC):
    """Has all state of the exchange, so that one `__init__` is all that a request pays. `request_done` says whether the
    whole request has been read."""

    __slots__ = (
        "_answer", "_answer_body", "_awaiting", "_blamed", "_body", "_client", "_committed", "_discard", "_early",
        "_framing", "_head", "_heard", "_interims", "_keep", "_limits", "_message", "_minor", "_over", "_receipt",
        "_retried", "_reused", "_sent", "_target", "_upstream", "_withheld", "request_done",
    )  # fmt: skip

    def __init__(
        self, client: ClientSide, head: RequestHead, target: Target, limits: HeadLimits, receipt: str = ""
    ) -> None:
        self._client = client
        self._head = head
        self._target = target
        self._limits = limits
        self._receipt = receipt
        self._upstream: UpstreamConnection | None = None
        self._body: BodyReader | None = None
        self._message = b""  # what waits for a connection, then what may have to be sent again
        # The head's fields that are asked for at every step: a named tuple's are slow to read.
        _, _, self._minor, _, self._framing, _, _, expects, _ = head
        self._awaiting = expects and self._framing != 0  # no body before a `100 Continue`
        self._withheld = b""  # what came of it nevertheless
        self._answer: AnswerHead | None = None
        self._answer_body: BodyReader | None = None
        self._early = b""  # of an answer head that is incomplete
        self._heard = False  # a byte came back
        self._interims = 0  # interim answers that came
        self._committed = False  # the answer's head went out
        self._keep = False  # the client's connection lives on
        self._reused = False  # the server's connection had been idle
        self._retried = False  # a second connection was asked for
        self._discard = False  # the rest of the request goes nowhere
        self._over = False
        self._sent = False  # the server has something of the request
        self.request_done = False

    @property
    def upstream(self) -> UpstreamConnection | None:
        """The server's connection; of a request that failed, the one that it failed on."""
        # Not set by `__init__`: only who asks after a failure has a use for it.
        return self._upstream or getattr(self, "_blamed", None)

    @property
    def receipt(self) -> str:
        """What the journal knows a start by; empty for everything else."""
        return self._receipt

    @abstractmethod
    def answer_data(self, data: bytes) -> None:
        """From the server's connection: bytes of the answer."""

    @abstractmethod
    def upstream_lost(self, *, clean: bool) -> None:
        """From the server's connection: it is gone."""

    # The request's way.

    def start(self, rest: bytes, extra: bytes = b"") -> None:
        """Begin. `rest` is what came behind the head; `extra` are lines to add. Raises WireError if `rest` is broken;
        the exchange is then over and must not be used again."""
        framing = self._framing
        if framing == len(rest):
            self.request_done = True
        else:
            self._body = body_reader(framing, coded=True)
            rest = self._read(rest)
        if self._awaiting:
            self._withheld = rest
            rest = b""
        self._message = encode_request(self._head, extra, rest)
        connection = self._target.pool.take(self)
        if connection is not None:
            self._send(connection)

    def request_data(self, data: bytes) -> None:
        """More of the request's body."""
        if self._discard or self._over:
            return
        try:
            payload = self._read(data)
        except WireError as fault:
            self._request_broken(fault)
            return
        upstream = self._upstream
        if self._awaiting:
            self._withheld += payload
        elif upstream is not None:
            upstream.transport.write(payload)
            return
        else:
            self._message += payload
        if not self.request_done:
            # Until it can be passed on one read is enough to hold.
            self._client.pause_reading()

    def _read(self, data: bytes) -> bytes:
        reader = self._body
        assert reader is not None  # noqa: S101 -- made by start, for every body that does not come in one piece
        payload = reader.feed(data)
        if reader.done:
            self.request_done = True
            if reader.rest:
                self._client.hold(reader.rest)
        return payload

    def _request_broken(self, fault: WireError) -> None:
        if self._committed:
            self._cut(Reason.MALFORMED, f"the client's request body is broken: {fault.reason}")
        else:
            self._fail(fault.status, "illegal_argument_exception", fault.reason, Reason.MALFORMED)

    def give_up(self, status: int, reason: str, why: Reason) -> None:
        """From the client's connection: a time has passed. Both sides are told."""
        if self._committed:
            self._cut(why, reason)
        else:
            kind = "receive_timeout_transport_exception" if status == 504 else "illegal_argument_exception"
            self._fail(status, kind, reason, why)

    @property
    def origin(self) -> str:
        """The client's address, for the queue of those that wait."""
        return self._client.origin

    def connected(self, connection: UpstreamConnection) -> None:
        """From the pool: a connection, old or new."""
        if self._over:
            connection.owner.give_back(connection)
            return
        if connection.transport.is_closing():
            self._upstream, self._reused = connection, connection.reused
            # It died between its opening and now; nothing more will be heard of it.
            connection.owner.drop(connection)
            self.upstream_lost(clean=False)
            return
        self._send(connection)

    def _send(self, connection: UpstreamConnection) -> None:
        self._upstream, self._reused = connection, connection.reused
        connection.sink = self
        connection.transport.write(self._message)
        self._sent = True
        if self._framing or self._target.receipts:
            self._message = b""
        if not (self.request_done or self._withheld or connection.write_paused):
            self._client.resume_reading()

    def was_sent(self, connection: UpstreamConnection, message: bytes) -> None:
        """In place of `start`: the request has been sent whole over `connection`, which had been idle. `message` is
        what may be sent again."""
        self._upstream, self._reused = connection, connection.reused
        if connection.sink is not None:
            connection.sink = self
        self._message = message
        self._sent = self.request_done = True

    def unreachable(self, *, timed_out: bool) -> None:
        """From the pool: there is no connection to be had."""
        if self._over:
            return
        target = self._target
        if timed_out:
            self._fail(504, "connect_transport_exception", target.slow, Reason.CONNECT_TIME)
        else:
            self._fail(503, "connect_transport_exception", target.down, Reason.UNREACHABLE)

    def crowded_out(self, why: Reason) -> None:
        """From the pool: there is no room for one more connection."""
        if self._over:
            return
        status, reason = _CROWDED[why]
        self._fail(status, OVERLOADED, reason.format(self._target.name), why)

    def pause_request(self) -> None:
        """From the server's connection: it reads too slowly."""
        if self._committed and not self.request_done:
            self._drain_request()
        elif not self.request_done:
            self._client.pause_reading()

    def resume_request(self) -> None:
        """From the server's connection: it has caught up."""
        if not self.request_done:
            self._client.resume_reading()

    def _drain_request(self) -> None:
        # A server that has answered may read no more, while many clients read only after all is sent: neither may
        # wait for the other.
        self._discard = True
        self._client.resume_reading()

    def _lost_unanswered(self, upstream: UpstreamConnection | None) -> None:
        """The server's connection is gone, and nothing of an answer went out: ask another one, or say so."""
        if self._may_retry():
            self._retried = True
            self._target.pool.connect(self)
            return
        if upstream is not None:
            self._blamed = upstream
            upstream.owner.blame()
        self._fail(502, "node_disconnected_exception", self._target.broken, Reason.BROKEN)

    def _may_retry(self) -> bool:
        head = self._head
        if self._retried or self._target.receipts or not self._reused:
            return False
        return not self._sent or (not self._heard and head.method in _SAFE and self._framing == 0)

    # The end, where there is no whole answer.

    def client_lost(self) -> None:
        """From the client's connection: it is gone. The server is told at once, so that it cancels the work."""
        self._over = True
        if self._upstream is None:
            self._target.pool.forget(self)
        self._release()

    def _cut(self, why: Reason, reason: str) -> None:
        self._client.note(why, f"the answer was cut short: {reason}")
        self._over = True
        self._release()
        self._client.abort()

    def _fail(self, status: int, type: str, reason: str, why: Reason) -> None:
        self._over = True
        if self._upstream is None:
            self._target.pool.forget(self)
        self._release()
        # A start that never reached the gate is in no journal: there is nothing to look up.
        headers = ((RECEIPT_HEADER, self._receipt),) if self._receipt and self._sent else ()
        self._client.failed(status, type, reason, headers + (RETRY_AFTER if why in _CROWDED else ()), why)

    def _release(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            self._blamed = upstream
            upstream.owner.drop(upstream)
