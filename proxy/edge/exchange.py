"""One request and its answer, relayed both ways with back-pressure.

Rules of this file:

1. Nothing here waits. Each method is called for one event and does all that follows from it.
2. Whoever is too slow stops the other side's reading; what is buffered stays within `buffer_bytes` and one read.
3. An answer reaches the client whole or visibly cut: before its head went out a failure becomes an error of our own,
   after that the client's connection is reset.
4. An upstream connection is given back only if request and answer both ended on it exactly where they should.
5. The body of a request that expects `100 Continue` is passed on only after one: a server that answers otherwise may
   take what follows for the next request (Elasticsearch does), and a start could hide in it. See
   docs/decisions/002-what-follows-a-refusal.md, also for when a connection to a node may be used again.
6. A request is sent again at most once, and only if no byte of it was sent, or if it asked for nothing but reading, had
   no body, met a connection that had been idle, and no byte came back (RFC 9110 §9.2.2). The gate is never asked twice.
7. Whoever waits for a connection and no longer wants it says so (`Pool.forget`): its place is somebody else's.
"""

from typing import Final

from proxy.edge.answers import OVERLOADED, RETRY_AFTER
from proxy.edge.receipt import RECEIPT_HEADER
from proxy.edge.refusals import Reason
from proxy.edge.sides import ClientSide, Target
from proxy.edge.upstream import UpstreamConnection
from proxy.wire.answer import AnswerHead, encode_answer, encode_interim, needs_close
from proxy.wire.body import BodyReader, body_reader
from proxy.wire.chunks import LAST_CHUNK, all_chunks
from proxy.wire.errors import WireError
from proxy.wire.framing import CHUNKED, UNTIL_CLOSE
from proxy.wire.limits import HeadLimits
from proxy.wire.request import RequestHead, encode_request

_SAFE: Final = frozenset((b"GET", b"HEAD", b"OPTIONS"))

# Elasticsearch keeps a connection open after some refusals but reads no request from it any more: after heads that are
# too large (Netty's HttpObjectDecoder discards all that follows) and, in 7.17, after headers that repeat. It says 413,
# or 400 as for many harmless mistakes; the others are what it could as well say.
_OUT_OF_STEP: Final = frozenset((400, 413, 414, 417, 431))

# RFC 9110 §15.2 lets a server send as many interim answers as it likes. Elasticsearch sends one at most; a server that
# sends them for ever would keep a client waiting as long. Go's client takes five.
_INTERIM_MOST: Final = 32

# Where no connection is to be had because of ourselves, not of the node: with Retry-After.
_CROWDED: Final = {
    Reason.QUEUE_FULL: (429, "too many requests wait for a connection to {}; try again"),
    Reason.QUEUE_TIME: (503, "no connection to {} became free in time; try again"),
    Reason.DESCRIPTORS: (503, "the system has no descriptor or port for a connection to {}; try again"),
}


class Exchange:
    """Made for each request by its client's connection; `start` begins it. `request_done` says whether the whole
    request has been read."""

    __slots__ = (
        "_answer", "_answer_body", "_awaiting", "_body", "_client", "_committed", "_discard", "_early", "_framing",
        "_head", "_heard", "_interims", "_keep", "_limits", "_message", "_minor", "_over", "_receipt", "_retried",
        "_reused", "_sent", "_target", "_upstream", "_withheld", "request_done",
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

    # The answer's way.

    def answer_data(self, data: bytes) -> None:
        """From the server's connection: bytes of the answer."""
        self._heard = True
        if self._answer_body is not None:
            self._relay(data, b"")
            return
        data = self._early + data
        upstream = self._upstream
        assert upstream is not None  # noqa: S101 -- the bytes came over it
        decode, limits, is_head = upstream.answers.decode, self._limits, self._head.method == b"HEAD"
        try:
            answer = decode(data, limits, head=is_head)
            while answer is not None and answer.status < 200:
                self._interim(answer)
                data = data[answer.end :]
                answer = decode(data, limits, head=is_head)
        except WireError as fault:
            self._bad_answer(fault)
            return
        if answer is None:
            self._early = data
        else:
            upstream.status = answer[0]
            self._begin_answer(answer, data)

    def _interim(self, answer: AnswerHead) -> None:
        self._interims += 1
        if self._interims > _INTERIM_MOST:
            raise WireError(f"there are more than {_INTERIM_MOST} interim answers")
        # RFC 9110 §15.2: a proxy forwards interim answers, but none may go to HTTP/1.0 clients.
        if self._minor:
            self._client.transport.write(encode_interim(answer))
        upstream = self._upstream
        if answer.status == 100 and self._awaiting and upstream is not None:
            self._awaiting = False
            payload, self._withheld = self._withheld, b""
            upstream.transport.write(payload)
            if not (self.request_done or upstream.write_paused):
                self._client.resume_reading()

    def _begin_answer(self, answer: AnswerHead, data: bytes) -> None:
        self._answer = answer
        minor = self._minor
        keep = self._keep = self._keeps(answer)
        _, _, _, framing, _, end, verbatim = answer
        if framing == len(data) - end or (framing == CHUNKED and minor and all_chunks(data, end)):
            if not (verbatim and keep and minor):
                data = encode_answer(answer, minor=minor, keep_alive=keep) + data[end:]
            self._client.transport.write(data)
            self._finish(surplus=False)
            return
        head = encode_answer(answer, minor=minor, keep_alive=keep)
        body = data[end:]
        self._answer_body = body_reader(framing, coded=minor == 1)
        self._relay(body, head)
        upstream = self._upstream
        if upstream is not None and upstream.write_paused and not self.request_done:
            self._drain_request()

    def _keeps(self, answer: AnswerHead) -> bool:
        """Whether the client's connection lives on after this answer."""
        if not (self._head.keep_alive and self.request_done) or self._client.draining:
            return False
        return self._minor == 1 or not needs_close(answer, minor=0)

    def _relay(self, data: bytes, head: bytes) -> None:
        """Pass on a piece of the answer's body, with the head before its first piece."""
        reader = self._answer_body
        assert reader is not None  # noqa: S101 -- set by _begin_answer
        try:
            payload = reader.feed(data)
        except WireError as fault:
            self._bad_answer(fault)
            return
        self._committed = True
        self._client.transport.write(head + payload)
        if reader.done:
            self._finish(surplus=bool(reader.rest))

    def pause_answer(self) -> None:
        """From the client's connection: it reads too slowly."""
        if self._upstream is not None:
            self._upstream.transport.pause_reading()

    def resume_answer(self) -> None:
        """From the client's connection: it has caught up."""
        if self._upstream is not None:
            self._upstream.transport.resume_reading()

    # The end, one way or the other.

    def _finish(self, *, surplus: bool) -> None:
        upstream, self._upstream = self._upstream, None
        self._over = True
        if upstream is not None:
            if surplus or not self._reusable(upstream):
                upstream.owner.worked()
                upstream.owner.drop(upstream)
            else:
                if self._client.write_paused:
                    upstream.transport.resume_reading()
                upstream.owner.give_back(upstream)
        self._client.finished(keep_alive=self._keep, request_done=self.request_done)

    def _reusable(self, upstream: UpstreamConnection) -> bool:
        """Whether both sides agree that the next byte on the connection begins the next message."""
        if self._answer is None:
            return False
        status, _, _, framing, keep_alive, _, _ = self._answer
        if not framing:
            # What a server wrongly sends behind an answer to HEAD, a 204 or a 304 may be on its way.
            upstream.doubtful = True
        if not (keep_alive and self.request_done) or self._awaiting or status in _OUT_OF_STEP:
            return False
        # An answer that overtook its request: the server may never read the rest.
        return not (self._framing and upstream.transport.get_write_buffer_size())

    def client_lost(self) -> None:
        """From the client's connection: it is gone. The server is told at once, so that it cancels the work."""
        self._over = True
        if self._upstream is None:
            self._target.pool.forget(self)
        self._release()

    def upstream_lost(self, *, clean: bool) -> None:
        """From the server's connection: it is gone."""
        upstream, self._upstream = self._upstream, None
        if self._committed:
            self._answer_ended(upstream, clean=clean)
        elif self._may_retry():
            self._retried = True
            self._target.pool.connect(self)
        else:
            if upstream is not None:
                upstream.owner.blame()
            self._fail(502, "node_disconnected_exception", self._target.broken, Reason.BROKEN)

    def _answer_ended(self, upstream: UpstreamConnection | None, *, clean: bool) -> None:
        answer = self._answer
        if answer is None or answer.framing != UNTIL_CLOSE or not clean:
            if upstream is not None:
                upstream.owner.blame()
            self._cut(Reason.BROKEN, self._target.broken)
            return
        if self._minor:
            self._client.transport.write(LAST_CHUNK)
        self._finish(surplus=False)

    def _may_retry(self) -> bool:
        head = self._head
        if self._retried or self._target.receipts or not self._reused:
            return False
        return not self._sent or (not self._heard and head.method in _SAFE and self._framing == 0)

    def _bad_answer(self, fault: WireError) -> None:
        if self._upstream is not None:
            self._upstream.owner.blame()
        if self._committed:
            self._cut(Reason.BROKEN, fault.reason)
        else:
            self._fail(502, "node_disconnected_exception", f"{self._target.broken}: {fault.reason}", Reason.BROKEN)

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
            upstream.owner.drop(upstream)
