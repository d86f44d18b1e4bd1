"""Who is at the other end of a Unix socket, as the system says."""

import socket
import struct
from asyncio import BaseTransport
from dataclasses import dataclass

from aiohttp import web

# struct ucred of SO_PEERCRED (unix(7)): process, user and group.
_UCRED = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class Peer:
    """A process and its user, as they were when it connected."""

    pid: int
    uid: int

    def __str__(self) -> str:
        return f"user {self.uid}, process {self.pid}"


# Who made a request of the control API.
PEER = web.RequestKey("peer", Peer)


def peer_of(transport: BaseTransport | None) -> Peer | None:
    """The peer of a connection; None where it is gone or the system does not tell."""
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None:
        return None
    try:
        pid, uid, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    except OSError:
        return None
    return Peer(pid=pid, uid=uid)
