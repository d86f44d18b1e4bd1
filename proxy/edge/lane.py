"""The lane: the short way of a request, which nearly all take, without anything that only the others need.

A request takes it that is known again and came whole, while a connection to the node that is next was idle. It ends
here if its answer is known again and comes whole as well. Whatever else happens, it goes on as an `Exchange`, in the
state that it would be in had it begun as one: the lane decides nothing that an exchange would decide otherwise, and
tests hold both side by side. A client's connection has one lane, for one request at a time.
See docs/decisions/121-a-short-way-for-what-is-known.md.
"""

from typing import Protocol

from proxy.edge.exchange import OUT_OF_STEP, Exchange
from proxy.edge.refusals import Reason
from proxy.edge.sides import ClientSide, Target
from proxy.edge.upstream import UpstreamConnection
from proxy.wire.chunks import all_chunks
from proxy.wire.framing import CHUNKED
from proxy.wire.limits import HeadLimits
from proxy.wire.request import RequestHead


class LaneClient(ClientSide, Protocol):
    """What a lane needs of its client's connection beside what an exchange does."""

    def answered(self) -> None:
        """`finished`, for a request that came whole and a connection that lives on."""
        ...

    def head_again(self) -> RequestHead:
        """The head of the request that is on the lane, without its lines: they have been sent."""
        ...

    def goes_on_as(self, exchange: Exchange) -> None:
        """The request has left the lane, and is relayed by `exchange` from now on."""
        ...


class Lane:
    """See the top of the file. While a request is on it, it is to both connections what an exchange is."""

    __slots__ = ("_client", "_framing", "_limits", "_message", "_target", "_upstream", "request_done")

    def __init__(self, client: LaneClient, target: Target, limits: HeadLimits) -> None:
        self._client = client
        self._framing = 0
        self._limits = limits
        self._message = b""  # what may have to be sent again
        self._target = target
        self._upstream: UpstreamConnection | None = None
        self.request_done = True

    def send(self, upstream: UpstreamConnection, message: bytes, framing: int) -> None:
        """Send a whole request over `upstream`, which had been idle; `framing` is that of its body."""
        self._upstream = upstream
        self._framing = framing
        if not framing:
            self._message = message
        upstream.sink = self
        upstream.transport.write(message)

    @property
    def upstream(self) -> UpstreamConnection | None:
        """The server's connection, while a request is on the lane."""
        return self._upstream

    # From the server's connection.

    def answer_data(self, data: bytes) -> None:
        """Bytes of the answer."""
        upstream, client = self._upstream, self._client
        assert upstream is not None  # noqa: S101 -- the bytes came over it
        answers = upstream.answers
        if client.draining or not answers.again(data, self._limits) or answers.status in OUT_OF_STEP:
            self._leave(upstream).answer_data(data)
            return
        framing = answers.framing
        if framing != len(data) - answers.end and not (framing == CHUNKED and all_chunks(data, answers.end)):
            self._leave(upstream).answer_data(data)
            return
        if self._framing and upstream.transport.get_write_buffer_size():
            # An answer that overtook its request: the server may never read the rest.
            self._leave(upstream).answer_data(data)
            return
        upstream.status = answers.status
        if not framing:
            # See `Exchange`: what a server wrongly sends behind may be on its way.
            upstream.doubtful = True
        client.transport.write(answers.message(data))
        self._message = b""
        self._upstream = None
        if client.write_paused:
            upstream.transport.resume_reading()
        upstream.owner.give_back(upstream)
        client.answered()

    def upstream_lost(self, *, clean: bool) -> None:
        """It is gone."""
        if self._upstream is not None:
            self._leave(self._upstream).upstream_lost(clean=clean)

    def pause_request(self) -> None:
        """It reads too slowly; all has been written already."""

    def resume_request(self) -> None:
        """It has caught up."""

    # From the client's connection.

    def request_data(self, data: bytes) -> None:
        """More of the request: there is none."""

    def pause_answer(self) -> None:
        """It reads too slowly."""
        if self._upstream is not None:
            self._upstream.transport.pause_reading()

    def resume_answer(self) -> None:
        """It has caught up."""
        if self._upstream is not None:
            self._upstream.transport.resume_reading()

    def give_up(self, status: int, reason: str, why: Reason) -> None:
        """A time has passed. Both sides are told."""
        if self._upstream is not None:
            self._leave(self._upstream).give_up(status, reason, why)

    def client_lost(self) -> None:
        """It is gone. The server is told at once, so that it cancels the work."""
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.owner.drop(upstream)

    def _leave(self, upstream: UpstreamConnection) -> Exchange:
        client = self._client
        message, self._message, self._upstream = self._message, b"", None
        exchange = Exchange(client, client.head_again(), self._target, self._limits)
        exchange.was_sent(upstream, message)
        client.goes_on_as(exchange)
        return exchange
