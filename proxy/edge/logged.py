"""A client's connection whose requests are told in the access log.

It is a kind of its own, and its transport counts what is written: where there is no access log, not even a question is
asked on the way of a request. Whether a request is in the sample is decided before it goes its way: one that is not may
take the lane, of which only what goes wrong or takes long is told.
"""

import asyncio
from collections.abc import Iterable
from time import perf_counter
from typing import Any, Final, cast

from proxy.edge.access import GONE, Access, Asked
from proxy.edge.client import ClientConnection
from proxy.edge.connection import Source
from proxy.edge.context import Context
from proxy.edge.exchange import Exchange
from proxy.edge.lane import Lane
from proxy.edge.refusals import Reason
from proxy.wire.request import RequestHead

# Where the status stands in what begins with `HTTP/1.1 200`.
_STATUS: Final = slice(9, 12)
_FINAL: Final = 200
# The first digit of it, and what that is where the proxy or the cluster failed.
_CLASS: Final = 9
_ERRORS: Final = ord("5")


class CountingTransport(asyncio.Transport):
    """A transport that tells a connection what is written to it, and is otherwise the one that it was made of."""

    __slots__ = ("_inner", "_told")

    def __init__(self, inner: asyncio.Transport, told: "LoggedConnection") -> None:
        self._inner = inner
        self._told = told

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """asyncio: write, and count."""
        self._told.wrote(bytes(data))
        self._inner.write(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """asyncio: write, and count."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """asyncio: no more is written."""
        self._inner.write_eof()

    def can_write_eof(self) -> bool:
        """asyncio: whether the end of writing can be told."""
        return self._inner.can_write_eof()

    def abort(self) -> None:
        """asyncio: close at once."""
        self._inner.abort()

    def close(self) -> None:
        """asyncio: close when all is written."""
        self._inner.close()

    def is_closing(self) -> bool:
        """asyncio: whether it is closing or closed."""
        return self._inner.is_closing()

    def is_reading(self) -> bool:
        """asyncio: whether it reads."""
        return self._inner.is_reading()

    def pause_reading(self) -> None:
        """asyncio: read no more for now."""
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        """asyncio: read on."""
        self._inner.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """asyncio: how much may wait to be sent."""
        self._inner.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """asyncio: how much waits to be sent."""
        return self._inner.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 -- as asyncio has it
        """asyncio: what the system knows of it."""
        return self._inner.get_extra_info(name, default)


class LoggedConnection(ClientConnection):
    """See the top of the file. A request begins when its head is understood or refused, and is told when its answer has
    been written, or when it is clear that none will be."""

    __slots__ = ("_access", "_asked", "_data", "_sampled", "_start")

    def __init__(self, context: Context, source: Source = None) -> None:
        super().__init__(context, source)
        assert context.access is not None  # noqa: S101 -- `kind_of_connection`
        self._access: Access = context.access
        self._asked: Asked | None = None
        # Of a request on the lane that may still have to be told: what came, and when.
        self._data = b""
        self._start = 0.0
        # Of the request that comes, where it was asked for already.
        self._sampled: bool | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: a client connected."""
        super().connection_made(CountingTransport(cast(asyncio.Transport, transport), self))

    def wrote(self, data: bytes) -> None:
        """From the transport: a piece of an answer goes out."""
        asked = self._asked
        if asked is None:
            # On the lane an answer is written whole. Nearly all are good and fast, and this is all that they cost.
            if not self._data or (data[_CLASS] != _ERRORS and perf_counter() - self._start < self._access.slow_s):
                return
            asked = self._noticed()
        asked.bytes += len(data)
        if asked.status < _FINAL:
            # An answer's head is written in one piece, and each interim answer as well.
            asked.status = int(data[_STATUS])
            asked.first = perf_counter()
            _look(asked, self._exchange)

    def finished(self, *, keep_alive: bool, request_done: bool) -> None:
        """The answer has been written."""
        self._tell()
        super().finished(keep_alive=keep_alive, request_done=request_done)

    def answered(self) -> None:
        """The answer has been written, on the lane."""
        self._data = b""
        if self._asked is not None:
            self._tell()
        super().answered()

    def goes_on_as(self, exchange: Exchange) -> None:
        """The request has left the lane."""
        if self._data:
            self._noticed()
        super().goes_on_as(exchange)

    def note(self, why: Reason, text: str) -> None:
        """Count a refusal or failure, and tell it with the client's address."""
        asked = self._noticed() if self._data else self._asked
        if asked is not None:
            asked.why = why.value
            _look(asked, self._exchange)
        super().note(why, text)

    def _by_lane(self, data: bytes) -> bool:
        access = self._access
        # What the lane leaves out is what is told of one in the sample.
        if access.sampled():
            self._sampled = True
            return False
        self._sampled = False
        if not access.samples_alone:
            self._data, self._start = data, perf_counter()
        if not super()._by_lane(data):
            self._data = b""
            return False
        self._sampled = None
        return True

    def _serve(self, head: RequestHead, data: bytes) -> None:
        asked = self._asked = Asked(head, sampled=self._is_sampled())
        super()._serve(head, data)
        # Which node has it, should it never answer.
        if self._asked is asked:
            _look(asked, self._exchange)

    def _refuse(self, status: int, reason: str, why: Reason, *, head_only: bool = False) -> None:
        if self._asked is None:
            # Nothing was understood of it.
            self._asked = Asked(None, sampled=self._is_sampled())
        super()._refuse(status, reason, why, head_only=head_only)
        self._tell()

    def _refuse_capped(self, why: Reason) -> None:
        asked = self._asked = Asked(None, sampled=self._is_sampled())
        asked.why = why.value
        super()._refuse_capped(why)
        self._tell()

    def _leave(self) -> None:
        asked = self._noticed() if self._data else self._asked
        if asked is not None:
            asked.why = asked.why or GONE
            _look(asked, self._exchange)
            self._tell()
        super()._leave()

    def _noticed(self) -> Asked:
        """The request that is on the lane, which may have to be told."""
        asked = self._asked = Asked(None, sampled=False, data=self._data)
        asked.start, self._data = self._start, b""
        return asked

    def _is_sampled(self) -> bool:
        """Whether the request that comes is in the sample."""
        sampled, self._sampled = self._sampled, None
        return self._access.sampled() if sampled is None else sampled

    def _tell(self) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            self._access.tell(asked, self._peer, self._decoder.head)


def _look(asked: Asked, exchange: Exchange | Lane | None) -> None:
    if exchange is None:
        return
    # No start is on the lane.
    asked.receipt = exchange.receipt if isinstance(exchange, Exchange) else ""
    upstream = exchange.upstream
    if upstream is not None:
        # A start's; the gate's socket has a path of no meaning to anybody.
        asked.node = "gate" if asked.receipt else upstream.owner.name
        asked.since = upstream.since


def kind_of_connection(context: Context) -> type[ClientConnection]:
    """Whether requests are told."""
    return ClientConnection if context.access is None else LoggedConnection
