"""Decoders of one connection, which know its last header section again.

Clients and nodes repeat themselves: but for the target and the number in Content-Length a head is mostly, byte for
byte, the one before it on its connection (the tables of HTTP/2 rest on the same, RFC 7541). To compare costs a small
part of decoding. Nothing is guessed: bytes that the strict decoder has understood mean the same again, the number is
read anew, and what differs in any other byte goes to the strict decoder. One section is remembered, for as long as the
connection lives: no credential outlives the connection that brought it.
"""

import re
from typing import Final

from proxy.wire.answer import AnswerHead, decode_answer
from proxy.wire.framing import CHUNKED
from proxy.wire.limits import HeadLimits
from proxy.wire.request import LINE_BEGINNING, RequestHead, decode_request

# Larger heads are rare, and would be held by every connection that is idle.
_MOST_BYTES: Final = 4 * 1024
# So many sections in a row that did not come again, and no more are remembered: some clients put an identifier into
# every head. The first of a connection is not remembered either: many have no second.
_TRIES: Final = 4

# RFC 9110 §8.6, with as many digits as `framing` takes.
_DIGITS: Final = 18
_LENGTH = re.compile(rb"\n(?i:content-length): ([0-9]{1,18})\r")
_BODILESS: Final = (204, 304)

# What the constructors of named tuples do, without a frame of Python for it.
new_head = tuple.__new__


class RequestDecoder:
    """Of a client's connection."""

    __slots__ = ("_after", "_before", "_known", "_limits", "_passes_after", "_passes_before", "_tries")

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._known: RequestHead | None = None
        # Around the number: what came, from the minor version to the head's end, and the section as it passes on. Where
        # there is no number, all is before it.
        self._before = self._after = self._passes_before = self._passes_after = b""
        self._tries = _TRIES + 1

    def decode(self, data: bytes) -> RequestHead | None:
        """What `decode_request` gives for the same bytes, or raises."""
        known = self._known
        if known is None or (line := LINE_BEGINNING.match(data)) is None:
            return self._anew(data)
        line_end = line.end()
        if not data.startswith(self._before, line_end):
            return self._anew(data)
        _, _, minor, section, framing, keep_alive, has_host, expects, size = known
        end = line_end + size
        if self._after:
            at = line_end + len(self._before)
            stop = data.find(b"\r", at)
            number = data[at:stop]
            if not (data.startswith(self._after, stop) and number.isdigit() and stop - at <= _DIGITS):
                return self._anew(data)
            framing = int(number)
            section = self._passes_before + number + self._passes_after
            end = stop + len(self._after)
        # The line ends with the minor version; there are as many fields as there were.
        limits = self._limits
        if line_end >= limits.line_bytes or end > limits.head_bytes:
            return self._anew(data)
        self._tries = _TRIES
        method, target = line.groups()
        return new_head(RequestHead, (method, target, minor, section, framing, keep_alive, has_host, expects, end))

    def _anew(self, data: bytes) -> RequestHead | None:
        head = decode_request(data, self._limits)
        if head is not None and self._tries:
            self._tries -= 1
            if self._tries < _TRIES:
                self._remember(head, data)
        return head

    def _remember(self, head: RequestHead, data: bytes) -> None:
        self._known = None
        line = LINE_BEGINNING.match(data)
        if line is None or head.end - line.end() > _MOST_BYTES:
            return
        came = data[line.end() : head.end]
        length, passing = _LENGTH.search(came), _LENGTH.search(head.section)
        if length is not None and passing is not None:
            self._before, self._after = came[: length.start(1)], came[length.end(1) :]
            self._passes_before, self._passes_after = head.section[: passing.start(1)], head.section[passing.end(1) :]
        elif length is None and passing is None:
            self._before, self._passes_before = came, head.section
            self._after = self._passes_after = b""
        else:
            return
        self._known = head._replace(end=len(came))


class AnswerDecoder:
    """Of a connection to a node or to the gate. Of answers with a number those are remembered that pass `verbatim`."""

    __slots__ = ("_after", "_before", "_known", "_tries")

    def __init__(self) -> None:
        self._known: AnswerHead | None = None
        # All of the head, around the number; where there is none, all is before it.
        self._before = self._after = b""
        self._tries = _TRIES + 1

    def decode(self, data: bytes, limits: HeadLimits, *, head: bool) -> AnswerHead | None:
        """What `decode_answer` gives for the same bytes, or raises."""
        known = self._known
        if known is None or head or not data.startswith(self._before):
            return self._anew(data, limits, head=head)
        at = len(self._before)
        if not self._after and at <= limits.head_bytes:
            self._tries = _TRIES
            return known
        stop = data.find(b"\r", at)
        number = data[at:stop]
        end = stop + len(self._after)
        proven = data.startswith(self._after, stop) and number.isdigit() and stop - at <= _DIGITS
        if not proven or end > limits.head_bytes:
            return self._anew(data, limits, head=head)
        self._tries = _TRIES
        status, reason, _, _, keep_alive, section_at, _ = known
        return new_head(AnswerHead, (status, reason, data[section_at : end - 3], int(number), keep_alive, end, True))

    def _anew(self, data: bytes, limits: HeadLimits, *, head: bool) -> AnswerHead | None:
        answer = decode_answer(data, limits, head=head)
        if answer is not None and self._tries and not head:
            self._tries -= 1
            if self._tries < _TRIES:
                self._remember(answer, data)
        return answer

    def _remember(self, answer: AnswerHead, data: bytes) -> None:
        self._known = None
        if answer.end > _MOST_BYTES or answer.status < 200 or answer.status in _BODILESS:
            return
        length = _LENGTH.search(data, 0, answer.end)
        if answer.framing == CHUNKED:
            self._before, self._after = data[: answer.end], b""
            self._known = answer
        elif answer.verbatim and length is not None:
            self._before, self._after = data[: length.start(1)], data[length.end(1) : answer.end]
            self._known = answer._replace(end=data.index(b"\r") + 1)
