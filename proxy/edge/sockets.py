"""What the edge asks of the system for its sockets."""

import asyncio
import select
import socket
import struct
from asyncio import BaseTransport
from typing import Final

# A peer that vanished without a word (power, cable, a firewall that forgot) is noticed within about two minutes, even
# in the middle of a search that takes hours: first probe after a minute of silence, then four more.
_PROBES: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
)
# Nothing is probed while something that was sent is not acknowledged: a request into a silence would wait for all of
# the system's own tries, a quarter of an hour (tcp(7), tcp_retries2). A node that takes nothing for so long is given
# up, too.
_UNHEARD_S: Final = 120
_RESET: Final = struct.pack("ii", 1, 0)


def watch_peer(transport: BaseTransport) -> None:
    """Let the system probe a silent peer; its loss then ends the connection. Nothing is needed on Unix sockets."""
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.family != socket.AF_UNIX:
        for level, option, value in _PROBES:
            raw.setsockopt(level, option, value)


def watch_node(transport: BaseTransport, unheard_s: float = _UNHEARD_S) -> None:
    """As `watch_peer`, also while something is on its way to it: what nobody acknowledges for `unheard_s` seconds ends
    the connection. Not for clients, whom the edge's own limits give as long as their owner likes."""
    watch_peer(transport)
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.family != socket.AF_UNIX:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unheard_s * 1000))


class Look:
    """A look at what has come over a connection and was not read yet; it waits for nothing and takes nothing."""

    __slots__ = ("_poll",)

    def __init__(self, transport: BaseTransport) -> None:
        self._poll = select.poll()
        # RDHUP: the other side has ended its sending.
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN | select.POLLRDHUP)

    def __call__(self) -> int:
        """0 if there is nothing; else the events of poll(2). Not for a transport that is closing: its descriptor may be
        somebody else's by now."""
        found = self._poll.poll(0)
        return found[0][1] if found else 0


def told_more(events: int) -> bool:
    """Whether `events` of a look mean bytes, and not just the end of the connection."""
    return bool(events & select.POLLIN) and not events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR)


def accepted(listener: socket.socket, most: int = 4096) -> list[socket.socket]:
    """The connections that wait to be accepted, at most so many: more may come as fast as they are taken."""
    found: list[socket.socket] = []
    while len(found) < most:
        try:
            raw, _ = listener.accept()
        except OSError:
            # Nothing waits, or the system has nothing to give for it.
            break
        raw.setblocking(False)
        # The loop's own servers do so, too: answers must not wait for an acknowledgement.
        if raw.family != socket.AF_UNIX:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        found.append(raw)
    return found


async def readable(raw: socket.socket) -> None:
    """Wait until something can be read from a socket, its end included. Nothing is taken from it."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()
    # Once is enough: what was not taken would have it called again and again.
    loop.add_reader(raw, _tell, told)
    try:
        await told
    finally:
        loop.remove_reader(raw)


def _tell(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)


def reset_on_close(transport: BaseTransport) -> None:
    """Let the coming close reset the connection: a cut answer that only the connection's end delimits would otherwise
    look complete. Does nothing for a transport that is closing already."""
    raw = transport.get_extra_info("socket")
    if raw is not None and not transport.is_closing():
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
