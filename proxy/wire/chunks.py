"""The chunked coding, both ways (RFC 9112 §7.1)."""

import re

from proxy.wire.errors import WireError
from proxy.wire.fields import canonical

LAST_CHUNK = b"0\r\n\r\n"

# What trailers may weigh, in bytes. They are read to find the end and dropped (RFC 9110 §6.5.1 allows that):
# Elasticsearch uses none. Precedent: h11 counts them to its 16 KiB head, nginx to its header buffers.
TRAILER_BYTES = 8 * 1024

# RFC 9112 §7.1: 1*HEXDIG, bounded to stay below 2^63. What leaves is cut into chunks anew: Elasticsearch counts in 32
# bits, where 100000000 is 0 and would end the body. Chunk extensions are refused: nothing that talks to Elasticsearch
# sends them, recipients disagree on where they end, and that has been used for smuggling.
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n")
# What every reader of a size takes for the same number, below 2^28.
_USUAL_SIZE = re.compile(rb"([1-9A-Fa-f][0-9A-Fa-f]{0,6})\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,15}|[0-9A-Fa-f]{1,15}\r")


def encode_chunk(data: bytes) -> bytes:
    """`data` as one chunk; nothing for no data, since an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def all_chunks(data: bytes, at: int) -> bool:
    """Whether `data` is from `at` on a whole body, and no byte more: chunks of usual sizes and no trailers, so that it
    may pass on as it is. Where not, it takes a `ChunkedReader` to say what it is."""
    while (match := _USUAL_SIZE.match(data, at)) is not None:
        at = match.end() + int(match[1], 16)
        if not data.startswith(b"\r\n", at):
            return False
        at += 2
    return data.startswith(LAST_CHUNK, at) and len(data) == at + len(LAST_CHUNK)


class ChunkedReader:
    """Takes the chunked coding off, piece by piece; with `coded` what it gives is cut into chunks anew.

    `feed` until `done`; then `rest` holds what came behind the body. Raises WireError from `feed`, after which the
    reader must not be fed again.
    """

    __slots__ = ("_coded", "_held", "_left", "_trailer", "done", "rest")

    def __init__(self, *, coded: bool = False) -> None:
        self._coded = coded
        self.done = False
        self.rest = b""
        self._held = b""  # the begun size line, line end or trailers
        self._left = 0  # bytes of the current chunk still to come, its CRLF with them
        self._trailer = False

    def feed(self, data: bytes) -> bytes:
        """What `data` adds to the body. Raises WireError if the coding is not strict."""
        if self._held:
            data = self._held + data
            self._held = b""
        # Views, so that the join is the only copy: big bodies are what comes in chunks.
        pieces: list[memoryview] = []
        view = memoryview(data)
        at = 0
        while at < len(data) and not self.done:
            if self._trailer:
                at = self._end(data, at)
            elif self._left:
                at = self._payload(data, at, view, pieces)
            else:
                at = self._size(data, at, view, pieces)
        self.rest = data[at:]
        return self._chunk(pieces) if self._coded else b"".join(pieces)

    def _chunk(self, pieces: list[memoryview]) -> bytes:
        """These as one chunk, none as nothing: an empty chunk would end the body, whose own end follows."""
        size = sum(map(len, pieces))
        last = LAST_CHUNK if self.done else b""
        return b"".join((b"%x\r\n" % size, *pieces, b"\r\n", last)) if size else last

    def _size(self, data: bytes, at: int, view: memoryview, pieces: list[memoryview]) -> int:
        match = _SIZE.match(data, at)
        if match is None:
            if _SIZE_BEGUN.fullmatch(data, at) is None:
                raise WireError("a chunk size is not a hexadecimal number on a line of its own")
            self._held = data[at:]
            return len(data)
        size, begins = int(match[1], 16), match.end()
        if size and data.startswith(b"\r\n", begins + size):
            # It came whole, as most do.
            pieces.append(view[begins : begins + size])
            return begins + size + 2
        self._left = size + 2 if size else 0
        self._trailer = not size
        return begins

    def _payload(self, data: bytes, at: int, view: memoryview, pieces: list[memoryview]) -> int:
        payload = self._left - 2
        if payload > 0:
            piece = view[at : at + payload]
            pieces.append(piece)
            self._left -= len(piece)
            return at + len(piece)
        ending = data[at : at + 2]
        if not b"\r\n".startswith(ending):
            raise WireError("a chunk is not followed by CRLF")
        if len(ending) < 2:
            self._held = ending
            return len(data)
        self._left = 0
        return at + 2

    def _end(self, data: bytes, at: int) -> int:
        """Read trailers up to the empty line that ends the body."""
        if data.startswith(b"\r\n", at):
            self.done = True
            return at + 2
        end = data.find(b"\r\n\r\n", at)
        if (end if end >= 0 else len(data)) - at > TRAILER_BYTES:
            raise WireError(f"the trailers are larger than {TRAILER_BYTES} bytes")
        if end < 0:
            self._held = data[at:]
            return len(data)
        canonical(data[at:end].split(b"\r\n"))
        self.done = True
        return end + 4
