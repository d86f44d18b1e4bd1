"""Decoders of one connection, which know its last header section again.

Clients and nodes repeat themselves: but for the target, the number in Content-Length and perhaps an identifier or two,
a head is mostly, byte for byte, the one before it on its connection (the tables of HTTP/2 rest on the same, RFC 7541).
To compare costs a part of decoding. Nothing is guessed:

1. What is compared is a head that the strict decoder has understood: same bytes, same meaning.
2. A value may differ only where its field means nothing to a proxy, and in Content-Length, where it is read anew. Which
   fields those are is learnt: their values were others from one head to the next. Names, order and number never differ.
3. What passes on is cut out of the bytes that came now. Whatever does not fit goes to the strict decoder.
4. One section is kept, for as long as the connection: no credential outlives the connection that brought it.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from proxy.wire.answer import CHUNKED_LINE, AnswerHead, decode_answer
from proxy.wire.fields import VALUE
from proxy.wire.hops import special
from proxy.wire.limits import HeadLimits
from proxy.wire.request import LINE_BEGINNING, RequestHead, decode_request

# Larger heads are rare, and would be held by every connection that is idle.
_MOST_BYTES: Final = 4 * 1024
# So many sections in a row that did not fit, and no more are learnt. The first of a connection is not learnt either:
# many have no second.
_TRIES: Final = 4

# RFC 9110 §8.6, with as many digits as `framing` takes.
_DIGITS: Final = 18
_LENGTH = re.compile(rb"(?i:content-length): [0-9]{1,18}")
_VALUE = re.compile(VALUE)
# What follows a part that does not differ.
_END, _NUMBER, _ANY = range(3)
# Behind the minor version and CR.
_SECTION_AT: Final = 2
_CR: Final = ord("\r")
_BODILESS: Final = (204, 304)

# What the constructor of a named tuple does, without a frame of Python for it.
_new_head = tuple.__new__


class _Part:
    """Bytes of a head that do not differ, `then` what follows them, and `cuts`: where in them lines stand that do not
    pass on (offset and size of each)."""

    __slots__ = ("came", "cuts", "then")

    def __init__(self, came: bytes = b"") -> None:
        self.came = came
        self.then = _END
        self.cuts: list[tuple[int, int]] = []

    def add(self, line: bytes, *, passes: bool = True) -> None:
        """A line, behind the end of the one before it."""
        if not passes:
            # A line of a section begins with the LF before it and ends with its CR (see `fields`).
            self.cuts.append((len(self.came) + 1, len(line) + 2))
        self.came += b"\r\n" + line


class _Section:
    """What is remembered of a head: its lines, of which some (`holes`, by number) may have other values, and some do
    not pass on (`dropped`). Every idle connection has one, so it holds nothing twice.

    Of the head that was followed last, `number` is that of its Content-Length, -1 where it has none; `passing` is what
    passes on of it up to its last line that does not, and at `begins` begins the rest.
    """

    __slots__ = ("_parts", "begins", "number", "passing")

    def __init__(self, lines: Sequence[bytes], holes: Collection[int], dropped: Collection[int]) -> None:
        self.begins = 0
        self.number = -1
        self.passing = b""
        parts = [_Part(lines[0])]
        for at, line in enumerate(lines[1:], start=1):
            is_length = _LENGTH.fullmatch(line) is not None
            if is_length or at in holes:
                parts[-1].add(line[: line.index(b": ") + 2])
                parts[-1].then = _NUMBER if is_length else _ANY
                parts.append(_Part())
            else:
                parts[-1].add(line, passes=at not in dropped)
        parts[-1].add(b"\r\n")
        # Plain tuples: they are read for every head.
        self._parts = tuple((part.came, len(part.came), part.then, tuple(part.cuts)) for part in parts)

    def lines(self) -> list[bytes]:
        """The lines, without the values that may differ."""
        return b"".join(part[0] for part in self._parts)[:-4].split(b"\r\n")

    def follow(self, data: bytes, at: int) -> int:  # noqa: C901 -- written out: this is done for every head
        """Where the head ends that `data` begins with, if this is all of it from `at` on, but for values that may
        differ; 0 for any other."""
        passing = b""
        begins = 0
        for came, size, then, cuts in self._parts:
            stop = at + size
            # A slice costs less than `startswith`, and a number is looked for without an exception on the way.
            if data[at:stop] != came:
                return 0
            if cuts:
                for offset, length in cuts:
                    passing += data[begins : at + offset]
                    begins = at + offset + length
            at = stop
            if then == _NUMBER:
                at = data.find(_CR, stop)
                number = data[stop:at]
                if not (number.isdigit() and 0 < at - stop <= _DIGITS):
                    return 0
                self.number = int(number)
            elif then == _ANY:
                value = _VALUE.match(data, at)
                if value is None:
                    return 0
                at = value.end()
        self.passing = passing
        self.begins = begins
        return at

    def taken(self) -> bytes:
        """`passing`, which is then forgotten: it may hold credentials, and the connection may be idle for long."""
        passing, self.passing = self.passing, b""
        return passing


def _learnt(came: bytes, passing: bytes, last: _Section | None) -> _Section | None:
    """What is to be remembered of a head that `came`, without what may stand before its header lines, of which
    `passing` is the section that passes on; None if it cannot be. `last` is what was remembered before."""
    if len(came) > _MOST_BYTES:
        return None
    lines = came[:-4].split(b"\r\n")
    left = [line + b"\r" for line in passing.split(b"\r")[:-1]]
    left.reverse()
    dropped = set()
    for at, line in enumerate(lines[1:], start=1):
        if left and left[-1] == b"\n%b\r" % line:
            left.pop()
        else:
            dropped.add(at)
    if left:
        # It was not canonical.
        return None
    return _Section(lines, _holes(lines, last) - dropped, dropped)


def _holes(lines: Sequence[bytes], last: _Section | None) -> set[int]:
    """The lines whose values may differ, as they do from those of `last`; none if anything else does."""
    known = [] if last is None else last.lines()
    if len(known) != len(lines) or known[0] != lines[0]:
        return set()
    found = set()
    for at, (line, before) in enumerate(zip(lines, known, strict=True)):
        name = line.partition(b":")[0]
        if name != before.partition(b":")[0]:
            return set()
        if line != before and not special(name):
            found.add(at)
    return found


class RequestDecoder:
    """Of a client's connection. Once a head was known `again`, `method`, `target`, `framing` and `end` are its own, and
    `plain` says whether it is an HTTP/1.1 request as most are: with a length or without a body, with one Host,
    expecting nothing, on a connection that lives on."""

    __slots__ = (
        "_framing", "_known", "_limits", "_section", "_section_at", "_tries", "end", "framing", "method", "plain",
        "target",
    )  # fmt: skip

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._known: RequestHead | None = None
        self._framing = 0
        self._section: _Section | None = None
        self._section_at = 0
        self._tries = _TRIES + 1
        self.end = 0
        self.framing = 0
        self.method = b""
        self.plain = False
        self.target = b""

    def again(self, data: bytes) -> bool:
        """Whether `data` begins with a head that is known again; `head` then gives it, and `message` what passes on.
        For any other, `anew` says what it is."""
        section = self._section
        if section is None or (line := LINE_BEGINNING.match(data)) is None:
            return False
        at = line.end()
        end = section.follow(data, at)
        limits = self._limits
        # The line ends with the minor version; there are as many fields as there were.
        if not end or at >= limits.line_bytes or end > limits.head_bytes:
            return False
        self._tries = _TRIES
        self._section_at = at + _SECTION_AT
        self.end = end
        self.method, self.target = line.groups()
        number = section.number
        self.framing = self._framing if number < 0 else number
        return True

    def message(self, data: bytes) -> bytes:
        """What `encode_request` makes of the head that is known again, if it is `plain`, and all that follows it."""
        section = self._section
        if section is None or not section.begins:
            return data
        passing, section.passing = section.passing, b""
        return passing + data[section.begins :]

    def head(self, data: bytes) -> RequestHead:
        """The head that is known again."""
        known, section = self._known, self._section
        assert known is not None and section is not None  # noqa: S101, PT018 -- it was compared with them
        passing = (section.taken() + data[section.begins : self.end - 3])[self._section_at :]
        _, _, minor, _, _, keep_alive, has_host, expects, _ = known
        fields = (self.method, self.target, minor, passing, self.framing, keep_alive, has_host, expects, self.end)
        return _new_head(RequestHead, fields)

    def decode(self, data: bytes) -> RequestHead | None:
        """What `decode_request` gives for the same bytes, or raises."""
        return self.head(data) if self.again(data) else self.anew(data)

    def anew(self, data: bytes) -> RequestHead | None:
        """What `decode_request` gives for the same bytes, or raises; learns from it."""
        head = decode_request(data, self._limits)
        line = LINE_BEGINNING.match(data) if head is not None else None
        if head is None or line is None:
            return head
        if not self._tries:
            self._known = self._section = None
            return head
        self._tries -= 1
        if self._tries < _TRIES:
            self._known = head._replace(method=b"", target=b"", section=b"")
            self._framing = head.framing
            self.plain = (
                head.keep_alive and head.has_host and not head.expects and head.minor == 1 and head.framing >= 0
            )
            self._section = _learnt(data[line.end() : head.end], head.section, self._section)
        return head


class AnswerDecoder:
    """Of a connection to a node or to the gate. Once a head was known `again`, `end` is its own, and `status` and
    `framing` what is known of it."""

    __slots__ = ("_framing", "_known", "_section", "_section_at", "_tries", "end", "framing", "status")

    def __init__(self) -> None:
        self._known: AnswerHead | None = None
        self._framing: int | None = None  # of the head that is known, if its connection lives on
        self._section: _Section | None = None
        self._section_at = 0
        self._tries = _TRIES + 1
        self.end = 0
        self.framing = 0
        self.status = 0

    def again(self, data: bytes, limits: HeadLimits) -> bool:
        """Whether `data` begins with a head that is known again, of a connection that lives on; `message` then gives
        what passes on. For any other `decode` says what it is, and for those that answer a HEAD request."""
        section, framing = self._section, self._framing
        if section is None or framing is None:
            return False
        end = section.follow(data, 0)
        if not end or end > limits.head_bytes:
            return False
        self._tries = _TRIES
        self.end = end
        number = section.number
        self.framing = framing if number < 0 else number
        return True

    def message(self, data: bytes) -> bytes:
        """What `encode_answer` makes of the head that is known again, for a client of HTTP/1.1 whose connection lives
        on, and all that follows it."""
        section = self._section
        if section is None or not section.begins:
            return data
        passing = section.taken()
        if self.framing >= 0:
            return passing + data[section.begins :]
        end = self.end
        return b"".join((passing, data[section.begins : end - 3], CHUNKED_LINE, b"\n\r\n", data[end:]))

    def decode(self, data: bytes, limits: HeadLimits, *, head: bool) -> AnswerHead | None:
        """What `decode_answer` gives for the same bytes, or raises."""
        known, section = self._known, self._section
        if known is None or section is None or head:
            return self._anew(data, limits, head=head)
        end = section.follow(data, 0)
        if not end or end > limits.head_bytes:
            return self._anew(data, limits, head=head)
        self._tries = _TRIES
        passing = (section.taken() + data[section.begins : end - 3])[self._section_at :]
        status, reason, _, framing, keep_alive, _, verbatim = known
        if section.number >= 0:
            framing = section.number
        return _new_head(AnswerHead, (status, reason, passing, framing, keep_alive, end, verbatim))

    def _anew(self, data: bytes, limits: HeadLimits, *, head: bool) -> AnswerHead | None:
        answer = decode_answer(data, limits, head=head)
        # Where there may be no body, the number in Content-Length is not the framing (RFC 9112 §6.3).
        if answer is None or head or answer.status < 200 or answer.status in _BODILESS:
            return answer
        if not self._tries:
            self._known = self._section = None
            return answer
        self._tries -= 1
        if self._tries < _TRIES:
            self._known = answer._replace(section=b"")
            self._framing = answer.framing if answer.keep_alive else None
            self.status = answer.status
            self._section = _learnt(data[: answer.end], answer.section, self._section)
            self._section_at = data.index(b"\r") + 1
        return answer
