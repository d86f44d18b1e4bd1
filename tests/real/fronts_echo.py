"""A server that answers each request with the very bytes of its head, and says who it is."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from typing import Self

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
TIMEOUT_S = 30


class Echo:
    """Runs in a thread while the `with` block does; `port` is where it listens. The body of each answer is its name, a
    line end, and the request's head; its trailer `X-Peer` is the source that a PROXY header named, or `-`."""

    def __init__(self, name: str, context: ssl.SSLContext | None = None) -> None:
        self.name = name.encode()
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=f"echo-{name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        with contextlib.suppress(OSError):
            # Wakes whoever accepts; closing alone would not.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(TIMEOUT_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(TIMEOUT_S)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # Health probes say nothing, or end in the middle of a handshake.
        with connection, contextlib.suppress(OSError):
            peer = _proxy_header(connection)
            if self._context is None:
                self._answer(connection, peer)
                return
            with self._context.wrap_socket(connection, server_side=True) as secure:
                self._answer(secure, peer)

    def _answer(self, connection: socket.socket, peer: bytes) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        if (length := _LENGTH.search(head + b"\r\n")) is not None:
            if b"100-continue" in head.lower():
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            while len(body) < int(length[1]) and (more := connection.recv(65536)):
                body += more
        said = self.name + b"\n" + head + b"\r\n\r\n" + body
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nX-Peer: %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (peer, len(said))
            + said
        )


def _proxy_header(connection: socket.socket) -> bytes:
    """Takes a PROXY header of version 2 (haproxy.org, proxy-protocol.txt §2.2) off the connection, where one is."""
    if connection.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) != _SIGNATURE:
        return b"-"
    start = connection.recv(16, socket.MSG_WAITALL)
    command, (size,) = start[12], struct.unpack("!H", start[14:16])
    rest = connection.recv(size, socket.MSG_WAITALL) if size else b""
    return socket.inet_ntoa(rest[:4]).encode() if command & 0xF == 1 else b"local"
