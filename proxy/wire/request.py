"""The request head: bytes → `RequestHead` → canonical bytes (RFC 9112 §3)."""

import re
from typing import NamedTuple

from proxy.wire.errors import WireError
from proxy.wire.fields import SECTION, TOKEN, canonical, check_head, split_head
from proxy.wire.framing import CHUNKED, request_framing
from proxy.wire.hops import Values, take_hops, without
from proxy.wire.limits import HeadLimits

# RFC 9112 §3: method SP request-target SP HTTP-version, with exactly one SP. The target may hold any byte but
# controls, SP and DEL: Elasticsearch routes on the raw bytes, so they are neither decoded nor judged here.
_LINE_BEGINNING = rb"(" + TOKEN + rb") ([^\x00-\x20\x7f]++) HTTP/1\."
_LINE = _LINE_BEGINNING + rb"([01])"

# All of a request line but the minor version.
LINE_BEGINNING = re.compile(_LINE_BEGINNING)

# Nearly every head is canonical already: one match reads and proves it whole.
_HEAD = re.compile(_LINE + rb"\r" + SECTION)
_START_LINE = re.compile(_LINE)
_METHOD_START = re.compile(rb"(?:\r\n)?[!#$%&'*+\-.^_`|~0-9A-Za-z]|\r?\n?\Z")
_VERSION = re.compile(rb".* HTTP/[0-9]\.[0-9]", re.DOTALL)

# RFC 9110 §7.2 and RFC 3986 §3.2.2: uri-host [":" port]; empty where the target has no authority.
_HOST = re.compile(rb"[!$&'()*+,\-.0-9;=A-Z_a-z~%:\[\]]*+")


class RequestHead(NamedTuple):
    """A request head that was understood.

    `section` is what passes on of the header lines, in the form of `fields`; `framing` as in `framing`; `minor` the
    HTTP/1 minor version; `keep_alive` whether the client lets the connection live on; `has_host` whether the section
    has a Host; `expects` whether the client asks for `100 Continue` before its body, which must then not be passed on
    without one; `end` how many bytes of the input the head took: the body begins there.
    """

    method: bytes
    target: bytes
    minor: int
    section: bytes
    framing: int
    keep_alive: bool
    has_host: bool
    expects: bool
    end: int


def decode_request(data: bytes, limits: HeadLimits) -> RequestHead | None:
    """The head that `data` begins with, or None while it is incomplete: call again with all bytes so far and more.

    Raises WireError as soon as no continuation could make it good: 400, 414, 417, 431, 501 or 505.
    """
    match = _HEAD.match(data)
    if match is None:
        return _decode_slowly(data, limits)
    method, target, minor, section = match.groups()
    end = match.end()
    if match.end(3) > limits.line_bytes or end > limits.head_bytes or len(section) > limits.surely_few_bytes:
        check_head(section, match.end(3), end, limits, what="request line")
    return _understood(method, target, int(minor), section, end)


def _decode_slowly(data: bytes, limits: HeadLimits) -> RequestHead | None:
    """As `decode_request`, for heads that are incomplete, not canonical, or wrong: finds out which, and why."""
    if _METHOD_START.match(data) is None:
        raise WireError("this is not an HTTP request: it does not begin with a method")
    # RFC 9112 §2.2: a server should ignore at least one empty line before the request line. Exactly one is.
    skipped = 2 if data.startswith(b"\r\n") else 0
    parts = split_head(data[skipped:], limits, what="request line")
    if parts is None:
        return None
    line, lines, end = parts
    match = _START_LINE.fullmatch(line)
    if match is None:
        raise _line_fault(line)
    return _understood(match[1], match[2], int(match[3]), canonical(lines), skipped + end)


def _line_fault(line: bytes) -> WireError:
    if line.count(b" ") == 2 and _VERSION.fullmatch(line) is not None and line[-3:-2] != b"1":
        # RFC 9110 §15.6.6: a major version that is not supported.
        return WireError("only HTTP/1.0 and HTTP/1.1 are spoken here", status=505)
    return WireError("the request line is not 'method SP target SP HTTP/1.x'")


def _understood(method: bytes, target: bytes, minor: int, section: bytes, end: int) -> RequestHead:
    section, hosts, expectations, lengths, codings, options = take_hops(section)
    if len(hosts) != 1:
        # RFC 9112 §3.2: a 1.1 request without Host, and any request with two, is answered with 400.
        if hosts or minor:
            raise WireError("there must be exactly one Host header")
    elif _HOST.fullmatch(hosts[0]) is None:
        raise WireError("the Host header is not a host and port")
    framing = request_framing(lengths, codings, minor=minor)
    expects = bool(expectations) and _expects(expectations, minor)
    if expectations and not expects:
        section = without(section, {b"expect"})
    # RFC 9112 §9.3: 1.1 persists unless told to close; 1.0 closes unless told to keep alive.
    keep_alive = b"close" not in options and (minor == 1 or b"keep-alive" in options)
    return RequestHead(method, target, minor, section, framing, keep_alive, bool(hosts), expects, end)


def _expects(expectations: Values, minor: int) -> bool:
    """Whether `100 Continue` is awaited. Elasticsearch answers any other expectation with 417 and takes the body that
    follows for the next request: a start could hide in it. RFC 9110 §10.1.1 lets us answer 417 ourselves."""
    if len(expectations) > 1 or expectations[0].lower() != b"100-continue":
        raise WireError("the only expectation that is supported is 100-continue", status=417)
    # RFC 9110 §10.1.1: in an HTTP/1.0 request it is ignored, and so must not be passed on as if it were from 1.1.
    return minor == 1


def encode_request(head: RequestHead, extra: bytes = b"", rest: bytes = b"") -> bytes:
    r"""The head as it goes to a server, always as HTTP/1.1 and over a connection that persists.

    `extra` is put after the client's own lines, in the form of a section (`\nName: value\r`), and `rest` behind all.
    """
    method, target, _, section, framing, _, has_host, _, _ = head
    if not has_host:
        # RFC 9112 §3.2: a client must send Host, empty where the authority is not known (HTTP/1.0 clients).
        extra += b"\nHost: \r"
    if framing == CHUNKED:
        extra += b"\nTransfer-Encoding: chunked\r"
    return b"".join((method, b" ", target, b" HTTP/1.1\r", section, extra, b"\n\r\n", rest))
