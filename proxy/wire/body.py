"""Incremental readers of a body, one per framing. All have the same face, `BodyReader`."""

from typing import Protocol

from proxy.wire.chunks import ChunkedReader, encode_chunk
from proxy.wire.framing import CHUNKED, UNTIL_CLOSE


class BodyReader(Protocol):
    """Feed until `done`; then `rest` holds what came behind the body, which belongs to the next message or to none."""

    done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """What `data` adds to the body. Raises WireError if the framing is broken."""
        ...


class LengthReader:
    """Counts off a body of known length."""

    __slots__ = ("_left", "done", "rest")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """The part of `data` that belongs to the body."""
        size = len(data)
        if size < self._left:
            self._left -= size
            return data
        payload = data[: self._left]
        self.rest = data[self._left :]
        self._left = 0
        self.done = True
        return payload


class CloseReader:
    """Reads a body that only the end of the connection ends (RFC 9112 §6.3 (8)): never done by itself. With `coded`
    what it gives is chunks, whose end is left to the reader's owner."""

    __slots__ = ("_coded", "done", "rest")

    def __init__(self, *, coded: bool = False) -> None:
        self._coded = coded
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """All of `data`."""
        return encode_chunk(data) if self._coded else data


def body_reader(framing: int, *, coded: bool = False) -> BodyReader:
    """The reader for `framing`. With `coded` it gives a body whose length nobody has told in chunks, cut anew."""
    if framing == CHUNKED:
        return ChunkedReader(coded=coded)
    if framing == UNTIL_CLOSE:
        return CloseReader(coded=coded)
    return LengthReader(framing)
