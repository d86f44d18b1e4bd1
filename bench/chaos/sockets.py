"""What the system knows of all sockets: how each stands, which ends it has, and for how long it has been still.

Asked of the kernel itself (`NETLINK_SOCK_DIAG`, sock_diag(7)), as ss(8) does: `/proc/net` tells neither when bytes last
went over a connection nor which Unix socket is the other end of which.
"""

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_SOCK_DIAG: Final = 4  # the netlink family
_BY_FAMILY: Final = 20  # the one message there is
_DUMP: Final = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_DONE, _ERROR = 3, 2
_ALL_STATES: Final = 0xFFFFFFFF
_LISTENING: Final = 10
_TCP_INFO: Final = 2  # INET_DIAG_INFO: struct tcp_info
_UNIX_NAME, _UNIX_PEER = 0, 2
# In struct tcp_info: milliseconds since data was last sent, and since it was last received.
_LAST_SENT_AT, _LAST_RECEIVED_AT = 44, 52


@dataclass(frozen=True, slots=True)
class Sock:
    """A socket. `near` and `far` are its ends: TCP ports, or paths of Unix sockets; 0 and "" for what has none.
    `still_s`: for so long nothing has come or gone over it, 0 where that is not known."""

    listening: bool
    near: int | str
    far: int | str
    still_s: float = 0.0


def sockets() -> dict[int, Sock]:
    """All TCP and Unix sockets of this machine by inode. One that is over, and that its process has not closed yet,
    is not among them.

    Raises:
        OSError: the kernel does not tell.
    """
    return {**_tcp(socket.AF_INET), **_tcp(socket.AF_INET6), **_unix()}


def _tcp(family: int) -> dict[int, Sock]:
    request = struct.pack("=BBBxI48x", family, socket.IPPROTO_TCP, 1 << (_TCP_INFO - 1), _ALL_STATES)
    found = {}
    for message in _dump(request):
        near, far = struct.unpack_from("!HH", message, 4)
        (inode,) = struct.unpack_from("=I", message, 68)
        info = _attributes(message[72:]).get(_TCP_INFO, b"")
        still_ms = 0
        if len(info) >= _LAST_RECEIVED_AT + 4:
            still_ms = min(struct.unpack_from("=I", info, at)[0] for at in (_LAST_SENT_AT, _LAST_RECEIVED_AT))
        if inode:
            found[inode] = Sock(message[1] == _LISTENING, near, far, still_ms / 1000)
    return found


def _unix() -> dict[int, Sock]:
    # struct unix_diag_req: UDIAG_SHOW_NAME | UDIAG_SHOW_PEER
    request = struct.pack("=BBHIII8x", socket.AF_UNIX, 0, 0, _ALL_STATES, 0, 0x1 | 0x4)
    names, peers, listening = dict[int, str](), dict[int, int](), set[int]()
    for message in _dump(request):
        (inode,) = struct.unpack_from("=I", message, 4)
        told = _attributes(message[16:])
        names[inode] = told.get(_UNIX_NAME, b"").rstrip(b"\0").decode(errors="replace")
        peers[inode] = int.from_bytes(told.get(_UNIX_PEER, b""), "little")
        if message[2] == _LISTENING:
            listening.add(inode)
    return {inode: Sock(inode in listening, name, names.get(peers[inode], "")) for inode, name in names.items()}


def _dump(request: bytes) -> Iterator[bytes]:
    """The answers to a request, each without its header. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as asked:
        asked.settimeout(5)
        asked.send(struct.pack("=IHHII", 16 + len(request), _BY_FAMILY, _DUMP, 1, 0) + request)
        while True:
            for kind, message in _messages(asked.recv(1 << 18)):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    number = -struct.unpack_from("=i", message)[0]
                    raise OSError(number, os.strerror(number))
                yield message


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each message (netlink(7): a header of 16 bytes, all to four bytes)."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        yield kind, data[16:length]
        data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> dict[int, bytes]:
    """Attributes by number (netlink(7): a length that includes its header, a number, a value, all to four bytes)."""
    found = {}
    while len(data) >= 4:
        length, number = struct.unpack_from("=HH", data)
        if length < 4:
            break
        found[number] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found
