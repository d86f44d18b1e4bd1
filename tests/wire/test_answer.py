"""Answer heads: what is taken, how it leaves for 1.1 and 1.0 clients, what is refused, how others read it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.wire.answer import AnswerHead, decode_answer, encode_answer, encode_interim, needs_close
from proxy.wire.body import body_reader
from proxy.wire.errors import WireError
from proxy.wire.framing import CHUNKED, UNTIL_CLOSE
from tests.wire.peers import Disagreement, h11_answer, llhttp_answer
from tests.wire.reading import LIMITS, read_answer, read_head, refuse_answer

NODE = (
    b"HTTP/1.1 200 OK\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n"
    b"content-length: 12\r\n\r\n"
)


def test_a_real_nodes_head() -> None:
    answer = read_answer(NODE)
    assert (answer.status, answer.reason, answer.framing, answer.keep_alive) == (200, b"OK", 12, True)
    assert answer.end == len(NODE)
    assert encode_answer(answer, minor=1, keep_alive=True) == NODE


@pytest.mark.parametrize(
    ("lines", "framing", "keep_alive"),
    [
        (b"content-length: 0\r\n", 0, True),
        (b"transfer-encoding: chunked\r\n", CHUNKED, True),
        (b"", UNTIL_CLOSE, False),
        (b"content-length: 3\r\nConnection: close\r\n", 3, False),
        (b"content-length: 3\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n", 3, True),
    ],
)
def test_framing_and_keep_alive(lines: bytes, framing: int, keep_alive: bool) -> None:
    answer = read_answer(b"HTTP/1.1 200 OK\r\na: b\r\n" + lines + b"\r\n")
    assert (answer.framing, answer.keep_alive) == (framing, keep_alive)
    assert b"lose" not in answer.section
    assert b"eep-" not in answer.section


def test_a_1_0_server_is_not_asked_again() -> None:
    answer = read_answer(b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\nConnection: keep-alive\r\n\r\n")
    assert (answer.framing, answer.keep_alive) == (3, False)
    assert encode_answer(answer, minor=1, keep_alive=True) == b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n"


def test_an_answer_to_head_keeps_its_length_and_has_no_body() -> None:
    answer = read_answer(NODE, head=True)
    assert answer.framing == 0
    assert encode_answer(answer, minor=1, keep_alive=True) == NODE
    assert read_answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", head=True).framing == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"HTTP/1.1 200 OK", b"OK"),
        (b"HTTP/1.1 200 ", b""),
        (b"HTTP/1.1 200 All is \xc3\xa9 \t fine", b"All is \xc3\xa9 \t fine"),
    ],
)
def test_reasons_survive(line: bytes, reason: bytes) -> None:
    answer = read_answer(line + b"\r\ncontent-length: 0\r\n\r\n")
    assert answer.reason == reason
    assert encode_answer(answer, minor=1, keep_alive=True).startswith(line + b"\r\n")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"HTTP/1.1 200\r\n\r\n", "status line"),
        (b"HTTP/1.1  200 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 099 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 600 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 999 OK\r\n\r\n", "status line"),
        (b"HTTP/1.1 200 O\x00K\r\n\r\n", "status line"),
        (b"HTTP/1.11 200 OK\r\n\r\n", "status line"),
        (b"HTTP/1.2 200 OK\r\n\r\n", "not an HTTP/1 answer"),
        (b"HTTP/2 200 OK\r\n\r\n", "not an HTTP/1 answer"),
        (b"http/1.1 200 OK\r\n\r\n", "not an HTTP/1 answer"),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", "not an HTTP/1 answer"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "not an HTTP/1 answer"),
        (b"HTTP/1.1 200 OK\n\n", "bare LF"),
        (b"HTTP/1.1 200 OK\r\na : b\r\n\r\n", "before the colon"),
        (b"HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", "folded"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\n", "more than one"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "not a number"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", "both"),
        (b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "HTTP/1.0"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "other than chunked"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "switches protocols"),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\n", "announces one"),
        (b"HTTP/1.1 200 OK\r\nConnection: x-elastic-product\r\n\r\n", "other end"),
    ],
)
def test_refusals(data: bytes, reason: str) -> None:
    assert reason in refuse_answer(data)[1]


@pytest.mark.parametrize("data", [b"", b"H", b"HTTP/1.1", b"HTTP/1.1 200 OK\r\n", NODE[:-1]])
def test_incomplete_heads_wait(data: bytes) -> None:
    assert read_head(lambda data: decode_answer(data, LIMITS, head=False), data) is None


@pytest.mark.parametrize(
    ("framing", "minor", "keep_alive", "lines"),
    [
        (3, 1, True, b""),
        (3, 1, False, b"Connection: close\r\n"),
        (3, 0, True, b"Connection: keep-alive\r\n"),
        (3, 0, False, b"Connection: close\r\n"),
        (CHUNKED, 1, True, b"Transfer-Encoding: chunked\r\n"),
        (UNTIL_CLOSE, 1, True, b"Transfer-Encoding: chunked\r\n"),
        (UNTIL_CLOSE, 1, False, b"Transfer-Encoding: chunked\r\nConnection: close\r\n"),
        (CHUNKED, 0, False, b"Connection: close\r\n"),
    ],
)
def test_heads_for_clients(framing: int, minor: int, keep_alive: bool, lines: bytes) -> None:
    answer = AnswerHead(200, b"OK", b"\na: b\r", framing, True, 0)
    assert encode_answer(answer, minor=minor, keep_alive=keep_alive) == b"HTTP/1.1 200 OK\r\na: b\r\n" + lines + b"\r\n"


@pytest.mark.parametrize(
    ("framing", "minor", "close"),
    [(3, 0, False), (0, 0, False), (CHUNKED, 0, True), (UNTIL_CLOSE, 0, True), (CHUNKED, 1, False), (3, 1, False)],
)
def test_who_needs_a_close(framing: int, minor: int, close: bool) -> None:
    assert needs_close(AnswerHead(200, b"OK", b"", framing, True, 0), minor=minor) is close


def test_interim_answers() -> None:
    answer = read_answer(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
    assert (answer.status, answer.framing) == (103, 0)
    assert encode_interim(answer) == b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


LINES = st.lists(
    st.sampled_from(
        [b"a: b", b"A:b ", b"content-length: 3", b"Content-Length:0", b"transfer-encoding: chunked",
         b"Connection: close", b"e:", b"Warning: 299 x", b"Upgrade: h2"]
    ),
    max_size=5,
)  # fmt: skip
STATUS = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.1 404 ", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 x", b"HTTP/1.0 200 OK"]
)
PLAUSIBLE = st.builds(lambda status, lines: b"\r\n".join([status, *lines]) + b"\r\n\r\n", STATUS, LINES)
BODIES = {0: b"", CHUNKED: b"3\r\nabc\r\n0\r\n\r\n"}


@settings(max_examples=300)
@given(st.one_of(PLAUSIBLE, st.binary(max_size=60)), st.booleans())
def test_a_head_or_nothing_or_a_wire_error_never_anything_else(data: bytes, head: bool) -> None:
    """The invariant: decoding yields a head, waits, or raises WireError; what it yields leaves canonical."""
    with contextlib.suppress(WireError):
        answer = decode_answer(data, LIMITS, head=head)
        if answer is not None and answer.status >= 200:
            sent = encode_answer(answer, minor=1, keep_alive=True)
            again = decode_answer(sent, LIMITS, head=head)
            assert again is not None
            expected = CHUNKED if answer.framing == UNTIL_CLOSE else answer.framing
            assert (again.status, again.reason, again.framing) == (answer.status, answer.reason, expected)


@settings(max_examples=300)
@given(PLAUSIBLE, st.booleans())
def test_what_we_take_others_read_the_same(data: bytes, head: bool) -> None:
    """h11, which knows the request's method, and llhttp find the body that we find in the server's own bytes."""
    try:
        answer = decode_answer(data, LIMITS, head=head)
    except WireError:
        return
    assert answer is not None
    data += BODIES.get(answer.framing, b"abc")
    reader = body_reader(answer.framing)
    payload = reader.feed(data[answer.end :]) if not reader.done else b""
    theirs = h11_answer(data, b"HEAD" if head else b"GET")
    assert (theirs.start[0], theirs.body, theirs.done) == (b"%d" % answer.status, payload, reader.done)
    if not head:
        with contextlib.suppress(Disagreement):
            assert llhttp_answer(data).body == payload
