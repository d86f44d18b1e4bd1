"""A listening socket whose connections must say something before their first request: a PROXY header, a TLS handshake.

Each connection that was accepted has a task of its own until that is done; then it is a `ClientConnection` like any
other. Whatever fails here is counted, told with the peer's address, and closed.
See docs/decisions/106-doors-accept-by-themselves.md.
"""

import asyncio
import contextlib
import errno
import functools
import socket
import ssl
from typing import Final, NamedTuple

from proxy.edge.connection import Source
from proxy.edge.context import Context
from proxy.edge.logged import kind_of_connection
from proxy.edge.networks import Networks
from proxy.edge.receipt import peer_name
from proxy.edge.refusals import Reason
from proxy.edge.sockets import readable
from proxy.tasks import spawn
from proxy.wire.proxy_protocol import HEADER_BYTES, ProxyProtocolError, decode_proxy_header

# Connections that are accepted in one go; others wait for their turn, as everything else on the loop does.
_BURST: Final = 64
# At the end: a queue of the system holds no more than so many.
_LAST_BURSTS: Final = 64
# Where the system has nothing to give, the socket stays readable: asking again at once would be all that is done.
_REST_S: Final = 0.1
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Entrance(NamedTuple):
    """A listening socket; `tls` is the context to speak TLS with, `fronts` the networks (CIDR form) that must begin
    with a PROXY header."""

    sock: socket.socket
    tls: ssl.SSLContext | None = None
    fronts: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether a connection begins with its first request."""
        return self.tls is None and not self.fronts


class Door:
    """Accepts on an entrance from `open` to `close`; `forsake` must follow."""

    __slots__ = ("_arriving", "_context", "_fronts", "_loop", "_resting", "_sock", "_tls")

    def __init__(self, entrance: Entrance, context: Context) -> None:
        self._sock = entrance.sock
        self._tls = entrance.tls
        self._fronts = Networks(entrance.fronts) if entrance.fronts else None
        self._context = context
        self._loop = asyncio.get_running_loop()
        # With their peers' addresses, in the order in which they came.
        self._arriving: dict[asyncio.Task[None], object] = {}
        self._resting: asyncio.TimerHandle | None = None

    @property
    def arriving(self) -> int:
        """How many connections are between being accepted and their first request."""
        return len(self._arriving)

    def open(self, backlog: int) -> None:
        """Accept from now on; `backlog` connections may wait in the system."""
        self._sock.setblocking(False)
        self._sock.listen(backlog)
        self._loop.add_reader(self._sock, self._accept)

    def close(self) -> None:
        """Accept no more. Those that have come may still become clients."""
        self._loop.remove_reader(self._sock)
        # What waits in the system's queue has been told that it is connected: closing would reset it.
        for _ in range(_LAST_BURSTS):
            if not self._accept():
                break
        if self._resting is not None:
            self._resting.cancel()
        self._sock.close()

    async def settle(self, patience_s: float) -> None:
        """After `close`: wait until all that have come are clients or gone, but not for longer than this."""
        arriving = tuple(self._arriving)
        if arriving:
            await asyncio.wait(arriving, timeout=patience_s)

    def forsake(self) -> None:
        """Let go of all that are not yet clients."""
        for task, address in tuple(self._arriving.items()):
            self._note(Reason.DRAIN, peer_name(address), "it was not done with its handshake in time")
            task.cancel()

    def _accept(self) -> bool:
        """Take a burst of connections. Whether there may be more."""
        for _ in range(_BURST):
            try:
                raw, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return False
            except OSError as failure:
                self._rest(failure)
                return False
            if len(self._arriving) >= self._context.limits.client_handshakes:
                self._drop_oldest()
            task = spawn(self._arrive(raw, address), name="edge-arrive")
            self._arriving[task] = address
            task.add_done_callback(self._arrived)
        return True

    def _rest(self, failure: OSError) -> None:
        """Accept again in a moment."""
        if failure.errno in _EXHAUSTED:
            self._note(Reason.DESCRIPTORS, "anybody", f"no connection can be accepted: {failure.strerror}")
        else:
            self._note(Reason.ACCEPT, "anybody", f"a connection could not be accepted: {failure.strerror}")
        self._loop.remove_reader(self._sock)
        self._resting = self._loop.call_later(_REST_S, self._loop.add_reader, self._sock, self._accept)

    def _drop_oldest(self) -> None:
        oldest, address = next(iter(self._arriving.items()))
        del self._arriving[oldest]
        oldest.cancel()
        self._note(Reason.HANDSHAKE, peer_name(address), "too many handshakes are under way, and this is the oldest")

    def _arrived(self, task: asyncio.Task[None]) -> None:
        self._arriving.pop(task, None)

    async def _arrive(self, raw: socket.socket, address: object) -> None:
        """From an accepted socket to a client, or to nothing."""
        try:
            raw.setblocking(False)
            # The loop's own servers do so, too: answers must not wait for an acknowledgement.
            if raw.family != socket.AF_UNIX:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            source = await self._told(raw, address)
            await self._welcome(raw, source)
        except ProxyProtocolError as fault:
            self._note(Reason.PROXY_PROTOCOL, peer_name(address), str(fault))
        except (OSError, ValueError) as failure:
            # Many probes connect and go without a byte: that is no handshake that failed. (TLS errors and TimeoutError
            # are OSErrors; a certificate that Python cannot read makes a ValueError.)
            if not isinstance(failure, ConnectionResetError):
                self._note(Reason.HANDSHAKE, peer_name(address), _said(failure))

    async def _told(self, raw: socket.socket, address: object) -> Source:
        """Who connected to the front; None where there is none, or it speaks for itself. Closes the socket if it
        raises; later that is the transport's to do."""
        if self._fronts is None:
            return None
        limit_s = self._context.limits.client_handshake_s
        try:
            self._prove_front(address)
            async with asyncio.timeout(limit_s):
                return await read_proxy_header(raw)
        except TimeoutError:
            raw.close()
            raise ProxyProtocolError(f"no whole PROXY header came in {limit_s:g} s") from None
        except BaseException:
            raw.close()
            raise

    def _prove_front(self, address: object) -> None:
        if not isinstance(address, tuple) or address[0] not in (self._fronts or ()):
            raise ProxyProtocolError("listen.proxy_protocol does not name this address")

    async def _welcome(self, raw: socket.socket, source: Source) -> None:
        make = functools.partial(kind_of_connection(self._context), self._context, source)
        if self._tls is None:
            await self._loop.connect_accepted_socket(make, raw)
            return
        limit_s = self._context.limits.client_handshake_s
        await self._loop.connect_accepted_socket(make, raw, ssl=self._tls, ssl_handshake_timeout=limit_s)

    def _note(self, reason: Reason, peer: str, text: str) -> None:
        self._context.refusals.note(reason, peer, text, self._context.sweep.now)


async def read_proxy_header(raw: socket.socket) -> Source:
    """Takes a PROXY header from a socket that does not block, and no byte behind it.

    Raises:
        ProxyProtocolError: there is none. OSError: the connection broke.
    """
    held = b""
    while True:
        await readable(raw)
        with contextlib.suppress(BlockingIOError):
            seen = raw.recv(HEADER_BYTES, socket.MSG_PEEK)
            if not seen:
                raise ConnectionResetError
            header = decode_proxy_header(held + seen)
            # Of an incomplete header every byte belongs to it, so the socket is not readable again for nothing.
            raw.recv(len(seen) if header is None else header.end - len(held))
            if header is not None:
                return header.source
            held += seen


def _said(failure: Exception) -> str:
    """OpenSSL's reason in words; of other failures what they say."""
    if isinstance(failure, ssl.SSLCertVerificationError):
        return f"the client's certificate is not accepted: {failure.verify_message}"
    if isinstance(failure, ssl.SSLError) and failure.reason:
        return f"the TLS handshake failed: {failure.reason.replace('_', ' ').lower()}"
    return f"the TLS handshake failed: {str(failure) or type(failure).__name__}"
