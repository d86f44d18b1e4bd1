"""The answer head: bytes → `AnswerHead` → canonical bytes (RFC 9112 §4)."""

import re
from typing import Final, NamedTuple

from proxy.wire.errors import WireError
from proxy.wire.fields import SECTION, canonical, check_head, split_head
from proxy.wire.framing import CHUNKED, UNTIL_CLOSE, answer_framing
from proxy.wire.hops import take_hops
from proxy.wire.limits import HeadLimits

# RFC 9112 §4: HTTP-version SP status-code SP [ reason-phrase ]; the second SP is there even without a reason.
# RFC 9110 §15: codes outside 100 to 599 are invalid; clients differ about what follows one.
_LINE = rb"HTTP/1\.([01]) ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*+)"

# A line of a section (see `fields`), and the last one where it is there.
CHUNKED_LINE: Final = b"\nTransfer-Encoding: chunked\r"

_HEAD = re.compile(_LINE + rb"\r" + SECTION)
_STATUS_LINE = re.compile(_LINE)
_BEGINNING = re.compile(rb"HTTP/1\.[01]")


class AnswerHead(NamedTuple):
    """An answer head that was understood.

    `status` is the code's three digits as a number, `reason` the phrase's bytes; `section`, `framing` and `end` are as
    in `RequestHead`; `keep_alive` says whether the server lets the connection live on after the body. With `verbatim`
    the input's first `end` bytes are what `encode_answer` makes for a client of HTTP/1.1 whose connection lives on.
    """

    status: int
    reason: bytes
    section: bytes
    framing: int
    keep_alive: bool
    end: int
    verbatim: bool = False


def decode_answer(data: bytes, limits: HeadLimits, *, head: bool) -> AnswerHead | None:
    """The head that `data` begins with, or None while it is incomplete. `head`: it answers a HEAD request.

    Interim answers (1xx) are returned as they come; the caller reads on behind them. Raises WireError for anything
    that is not strict: what cannot be understood for sure must not reach a client.
    """
    match = _HEAD.match(data)
    if match is None:
        return _decode_slowly(data, limits, head=head)
    minor, status, reason, section = match.groups()
    end = match.end()
    if match.end(3) > limits.line_bytes or end > limits.head_bytes or len(section) > limits.surely_few_bytes:
        check_head(section, match.end(3), end, limits, what="status line")
    return _understood(int(minor), int(status), reason, section, end, head=head, tidy=True)


def _decode_slowly(data: bytes, limits: HeadLimits, *, head: bool) -> AnswerHead | None:
    if _BEGINNING.match(data) is None and not b"HTTP/1.1".startswith(data):
        raise WireError("this is not an HTTP/1 answer")
    parts = split_head(data, limits, what="status line")
    if parts is None:
        return None
    line, lines, end = parts
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise WireError("the status line is not 'HTTP/1.x SP status SP reason'")
    section = canonical(lines)
    tidy = data[len(line) + 1 : end - 3] == section
    return _understood(int(match[1]), int(match[2]), match[3], section, end, head=head, tidy=tidy)


def _understood(minor: int, status: int, reason: bytes, came: bytes, end: int, *, head: bool, tidy: bool) -> AnswerHead:
    """`tidy`: the section is in the input as it `came`."""
    if status == 101:
        # RFC 9110 §7.8: only after an Upgrade, and none is ever passed on.
        raise WireError("the server switches protocols unasked")
    section, _, _, lengths, codings, options = take_hops(came, keep_own=True)
    framing = answer_framing(lengths, codings, minor=minor, status=status, head=head)
    # A 1.0 server's connection is never used again: rare, and not worth a second set of rules.
    keep_alive = minor == 1 and b"close" not in options and framing != UNTIL_CLOSE
    verbatim = tidy and minor == 1 and framing >= 0 and section == came
    return AnswerHead(status, reason, section, framing, keep_alive, end, verbatim)


def encode_answer(answer: AnswerHead, *, minor: int, keep_alive: bool) -> bytes:
    """The head as it goes to a client that speaks HTTP/1.`minor`; `keep_alive`: its connection lives on.

    A body of unknown length goes out chunked to 1.1 and close-delimited to 1.0; for the latter `keep_alive` must be
    False (see `needs_close`).
    """
    extra = b""
    if answer.framing < 0 and minor:
        extra = CHUNKED_LINE
    if not keep_alive:
        extra += b"\nConnection: close\r"
    elif not minor:
        # RFC 9112 §9.3: an HTTP/1.0 client is told that its wish was granted.
        extra += b"\nConnection: keep-alive\r"
    return b"HTTP/1.1 %d %b\r%b%b\n\r\n" % (answer.status, answer.reason, answer.section, extra)


def encode_interim(answer: AnswerHead) -> bytes:
    """An interim answer (1xx) for an HTTP/1.1 client. HTTP/1.0 clients must not be sent any (RFC 9110 §15.2)."""
    return b"HTTP/1.1 %d %b\r%b\n\r\n" % (answer.status, answer.reason, answer.section)


def needs_close(answer: AnswerHead, *, minor: int) -> bool:
    """Whether only the end of the connection can end this answer's body for a client of HTTP/1.`minor`."""
    return minor == 0 and answer.framing in (CHUNKED, UNTIL_CLOSE)
