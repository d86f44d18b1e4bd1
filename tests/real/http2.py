"""As much of HTTP/2 as it takes to send what no library would: literal header fields (RFC 7541 §6.2.2), and frames
(RFC 9113 §4) as they come back.
"""

import socket
import ssl
import struct
from collections.abc import Sequence
from typing import Final, Self

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PING: Final = 6
GOAWAY: Final = 7
END_STREAM: Final = 1
_END_HEADERS: Final = 4
_ACK: Final = 1
TIMEOUT_S: Final = 30

Field = tuple[bytes, bytes]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame."""
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + struct.pack("!I", stream) + payload


def block(fields: Sequence[Field]) -> bytes:
    """Header fields, each spelled out, with no table and no Huffman code."""
    return b"".join(b"\x00" + _string(name) + _string(value) for name, value in fields)


def _string(text: bytes) -> bytes:
    size = len(text)
    if size < 127:
        return bytes((size,)) + text
    # RFC 7541 §5.1: an integer that does not fit into seven bits.
    size -= 127
    coded = b"\x7f"
    while size >= 128:
        coded += bytes((size % 128 + 128,))
        size //= 128
    return coded + bytes((size,)) + text


class Connection:
    """A connection to a front, open while the `with` block runs. What ends it is a ConnectionError."""

    def __init__(self, port: int, authority: str, ca: str) -> None:
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        try:
            self._socket = context.wrap_socket(plain, server_hostname=authority)
        except BaseException:
            plain.close()
            raise
        self._data = b""
        self._stream = -1
        self.spoken = self._socket.selected_alpn_protocol()
        self._socket.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._socket.close()

    def ask(self, fields: Sequence[Field], body: bytes = b"") -> bytes | None:
        """The body of the answer to a request with these fields, pseudo-fields first; None where the front refuses the
        stream. Raises ConnectionError where it ends the connection."""
        self._stream += 2
        stream = self._stream
        flags = _END_HEADERS | (0 if body else END_STREAM)
        self._socket.sendall(frame(HEADERS, flags, stream, block(fields)))
        if body:
            self._socket.sendall(frame(DATA, END_STREAM, stream, body))
        heard = b""
        while True:
            kind, flags, of, payload = self._next()
            if kind == GOAWAY:
                raise ConnectionResetError("the front says that it goes away")
            if kind in (SETTINGS, PING) and not flags & _ACK:
                self._socket.sendall(frame(kind, _ACK, 0, payload if kind == PING else b""))
            if of != stream:
                continue
            if kind == RST_STREAM:
                return None
            heard += payload if kind == DATA else b""
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                return heard

    def _next(self) -> tuple[int, int, int, bytes]:
        start = self._read(9)
        size, kind, flags = int.from_bytes(start[:3]), start[3], start[4]
        stream = int.from_bytes(start[5:]) & 0x7FFFFFFF
        return kind, flags, stream, self._read(size)

    def _read(self, size: int) -> bytes:
        while len(self._data) < size:
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionResetError("the front ended the connection")
            self._data += more
        found, self._data = self._data[:size], self._data[size:]
        return found
