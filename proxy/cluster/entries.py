"""Reads an answer about many indices while it comes, index by index, and keeps each distinct value once.

`{"logs-1": {…}, "logs-2": {…}, …}` may be hundreds of MiB of which a few KiB are distinct. What came before is
recognised byte by byte and never decoded again; only what is new is decoded, and the answer is never held whole. Every
step is short, so that whoever shares the event loop does not have to wait.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from proxy.errors import ClusterUnreachable, Refusal

# Levels of JSON in one entry. A level of objects is two of them, and index.mapping.depth.limit is 20 by default.
NESTING_LIMIT = 200
# An index name has 255 bytes at most; each may come as an escape of six.
NAME_LIMIT_BYTES = 4096
# Values that the next one is compared with, byte by byte, before it is taken for new.
RECENT = 64
RECENT_BYTES = 16 * 1024 * 1024

# Groups are atomic, (?>(?:…)*), and not possessive, (?:…)*+, which means the same: Python before 3.11.5, Debian 12's
# among them, does not go back to where a repetition began that fails halfway (python/cpython#106052).
_STRING = rb'"[^"\\]*+(?>(?:\\.[^"\\]*+)*)"'
_FLAT = rb'(?>(?:[^"{}\[\]]++|' + _STRING + rb")*)"
# As far as no bracket counts: texts, numbers, and whole objects without others inside.
_SKIP = re.compile(rb'(?>(?:[^"{}\[\]]++|' + _STRING + rb"|\{" + _FLAT + rb"\})*)", re.DOTALL)
_OPEN = re.compile(rb"[ \t\r\n]*+\{")
_CLOSE = re.compile(rb"[ \t\r\n]*+\}")
_SPACE = re.compile(rb"[ \t\r\n]*+")
_NAME = re.compile(rb"[ \t\r\n]*+(,?)[ \t\r\n]*+(" + _STRING + rb")[ \t\r\n]*+:[ \t\r\n]*+", re.DOTALL)
_QUOTE, _BRACE = b'"{'
_OPENING = b"{["
_name = msgspec.json.Decoder(str)


class Sink(Protocol):
    """Takes an answer in pieces: `begin` once more where it has to be sent again, `finish` after the last piece."""

    def begin(self) -> None:
        """Forget what came."""

    def feed(self, chunk: bytes) -> None:
        """Take the next piece."""

    def finish(self) -> None:
        """There is no more."""


@dataclass(frozen=True, slots=True)
class _Known:
    raw: bytes
    value: Any


class Distinct:
    """Values by their bytes, each decoded once. To be shared by the answers of one start, never by two."""

    def __init__(self, decode: Callable[[bytes], Any], limit_bytes: int) -> None:
        self.recent: list[_Known] = []
        self.limit_bytes = limit_bytes
        self._decode = decode
        self._values: dict[bytes, Any] = {}
        self._held_bytes = 0

    def value(self, raw: bytes) -> Any:  # noqa: ANN401 -- decoded JSON
        """The value of these bytes, always the same object for the same bytes.

        Raises:
            ClusterUnreachable: they are not understood.
            Refusal: 400, more than `limit_bytes` are distinct.
        """
        digest = sha256(raw).digest()
        if digest not in self._values:
            self._held_bytes += len(raw)
            self.check(self._held_bytes)
            try:
                self._values[digest] = self._decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
                raise ClusterUnreachable(f"the answer is not understood ({failure})") from failure
        known = _Known(raw, self._values[digest])
        self.seen(known)
        return known.value

    def seen(self, known: _Known) -> None:
        """Put what was just seen in front, and drop what was not seen for long."""
        if self.recent and self.recent[0] is known:
            return
        kept = [known]
        size = len(known.raw)
        for other in self.recent:
            size += len(other.raw)
            if other is not known and len(kept) < RECENT and size <= RECENT_BYTES:
                kept.append(other)
        self.recent = kept

    def check(self, size: int) -> None:
        """Raises Refusal 400 where so many bytes are too many."""
        if size > self.limit_bytes:
            text = (
                f"the source indices differ too much: their distinct mappings or settings are more than "
                f"{self.limit_bytes} bytes (limits.gate.source_distinct_bytes)"
            )
            raise Refusal(400, "illegal_argument_exception", text)


class Entries:
    """A Sink for an object of objects. `found` has what came, by name; values with the same bytes are one object.

    All of its methods raise ClusterUnreachable for what is no such object, and Refusal 400 at a limit.
    """

    def __init__(self, distinct: Distinct, limit_bytes: int) -> None:
        self._distinct = distinct
        self._limit_bytes = limit_bytes
        self._alike: list[_Known] = []
        self._same = self._scanned = self._depth = 0
        self.begin()

    def begin(self) -> None:
        """Forget what came."""
        self.found: dict[str, Any] = {}
        self._size = 0
        self._buffer = bytearray()
        self._at = 0
        self._key = ""
        self._step: Callable[[], bool] = self._opened
        self._rest()

    def feed(self, chunk: bytes) -> None:
        """Take the next piece, of any length."""
        self._size += len(chunk)
        if self._size > self._limit_bytes:
            text = (
                f"the cluster's answer about the source indices is longer than {self._limit_bytes} bytes "
                "(limits.gate.source_answer_bytes)"
            )
            raise Refusal(400, "illegal_argument_exception", text)
        self._buffer += chunk
        while self._step():
            pass
        del self._buffer[: self._at]
        self._scanned -= self._at
        self._at = 0

    def finish(self) -> None:
        """The answer has ended."""
        if self._step != self._closed:
            raise ClusterUnreachable(f"the answer is not whole, or not JSON: it ends after {self._size} bytes")

    def _opened(self) -> bool:
        match = _OPEN.match(self._buffer)
        if match is None:
            self._must_be_space()
            return False
        return self._go(match.end(), self._named)

    def _named(self) -> bool:
        """From behind a value to the next one; each step is False where more has to come first."""
        match = _NAME.match(self._buffer, self._at)
        if match is None:
            end = _CLOSE.match(self._buffer, self._at)
            if end is not None:
                return self._go(end.end(), self._closed)
            if len(self._buffer) - self._at > NAME_LIMIT_BYTES:
                raise self._not_json()
            return False
        if bool(match[1]) != bool(self.found):
            raise self._not_json()
        try:
            self._key = _name.decode(match[2])
        except (msgspec.DecodeError, UnicodeDecodeError) as failure:
            raise self._not_json() from failure
        if self._key in self.found:
            raise ClusterUnreachable(f"the answer is not understood: it names [{self._key}] twice")
        return self._go(match.end(), self._begun)

    def _begun(self) -> bool:
        at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if at == len(self._buffer):
            return False
        if self._buffer[at] != _BRACE:
            raise ClusterUnreachable(f"the answer is not understood: what it says of [{self._key}] is not an object")
        self._rest()
        self._alike = self._distinct.recent
        return self._go(at, self._compared)

    def _compared(self) -> bool:
        """Is it one of those seen just before? Only what came since the last look is compared."""
        there = len(self._buffer) - self._at
        news = self._buffer[self._at + self._same :] if there < max(map(_length, self._alike), default=0) else b""
        alike = []
        for known in self._alike:
            if there >= len(known.raw):
                if self._buffer.startswith(known.raw, self._at):
                    self._distinct.seen(known)
                    return self._take(known.value, len(known.raw))
            elif known.raw.startswith(news, self._same):
                alike.append(known)
        self._alike, self._same = alike, there
        return False if alike else self._go(self._at, self._searched)

    def _searched(self) -> bool:
        """Look for the value's end. Only brackets are counted here: whether it is JSON tells its decoding."""
        buffer = self._buffer
        if not self._depth:
            self._scanned, self._depth = self._at + 1, 1
        while True:
            self._scanned = _SKIP.match(buffer, self._scanned).end()  # type: ignore[union-attr]  # as above
            if self._scanned == len(buffer) or buffer[self._scanned] == _QUOTE:
                self._distinct.check(len(buffer) - self._at)
                return False
            self._depth += 1 if buffer[self._scanned] in _OPENING else -1
            self._scanned += 1
            if self._depth == 0:
                raw = bytes(buffer[self._at : self._scanned])
                return self._take(self._distinct.value(raw), len(raw))
            if self._depth > NESTING_LIMIT:
                text = f"what the cluster says of index [{self._key}] nests deeper than {NESTING_LIMIT} levels"
                raise Refusal(400, "illegal_argument_exception", text)

    def _closed(self) -> bool:
        self._must_be_space()
        return False

    def _take(self, value: Any, length: int) -> bool:  # noqa: ANN401 -- decoded JSON
        self.found[self._key] = value
        return self._go(self._at + length, self._named)

    def _go(self, at: int, step: Callable[[], bool]) -> bool:
        self._at, self._step = at, step
        return True

    def _rest(self) -> None:
        """Forget the state of the value before."""
        self._alike = []
        self._same = self._scanned = self._depth = 0

    def _must_be_space(self) -> None:
        match = _SPACE.match(self._buffer, self._at)
        if match is None or match.end() != len(self._buffer):
            raise self._not_json()

    def _not_json(self) -> ClusterUnreachable:
        return ClusterUnreachable(f"the answer is not JSON as it should be, within its first {self._size} bytes")


def _length(known: _Known) -> int:
    return len(known.raw)
