"""One request and its answer, relayed both ways with back-pressure.

Rules of this file and of `sending`:

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

from proxy.edge.refusals import Reason
from proxy.edge.sending import Sending
from proxy.edge.upstream import UpstreamConnection
from proxy.wire.answer import AnswerHead, encode_answer, encode_interim, needs_close
from proxy.wire.body import body_reader
from proxy.wire.chunks import LAST_CHUNK, all_chunks
from proxy.wire.errors import WireError
from proxy.wire.framing import CHUNKED, UNTIL_CLOSE

# Elasticsearch keeps a connection open after some refusals but reads no request from it any more: after heads that are
# too large (Netty's HttpObjectDecoder discards all that follows) and, in 7.17, after headers that repeat. It says 413,
# or 400 as for many harmless mistakes; the others are what it could as well say.
OUT_OF_STEP: Final = frozenset((400, 413, 414, 417, 431))

# RFC 9110 §15.2 lets a server send as many interim answers as it likes. Elasticsearch sends one at most; a server that
# sends them for ever would keep a client waiting as long. Go's client takes five.
_INTERIM_MOST: Final = 32


class Exchange(Sending):
    """Made for each request by its client's connection; `start` begins it. What becomes of the request is in `Sending`,
    what becomes of the answer here."""

    __slots__ = ()

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
        if not (keep_alive and self.request_done) or self._awaiting or status in OUT_OF_STEP:
            return False
        # An answer that overtook its request: the server may never read the rest.
        return not (self._framing and upstream.transport.get_write_buffer_size())

    def upstream_lost(self, *, clean: bool) -> None:
        """From the server's connection: it is gone."""
        upstream, self._upstream = self._upstream, None
        if self._committed:
            self._answer_ended(upstream, clean=clean)
        else:
            self._lost_unanswered(upstream)

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

    def _bad_answer(self, fault: WireError) -> None:
        if self._upstream is not None:
            self._upstream.owner.blame()
        if self._committed:
            self._cut(Reason.BROKEN, fault.reason)
        else:
            self._fail(502, "node_disconnected_exception", f"{self._target.broken}: {fault.reason}", Reason.BROKEN)
