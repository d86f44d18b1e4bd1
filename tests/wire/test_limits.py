"""Limits hold exactly: what is on the limit passes, one more is refused, in one piece and byte by byte."""

import pytest

from proxy.wire.limits import HeadLimits
from tests.wire.reading import read_answer, read_request, refuse_answer, refuse_request

REQUEST = b"GET /abc HTTP/1.1\r\nHost: x\r\na: b\r\nc: d\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\na: b\r\nc: d\r\ncontent-length: 0\r\n\r\n"


def limits(*, line: int = 100, head: int = 1000, fields: int = 10) -> HeadLimits:
    return HeadLimits(line_bytes=line, head_bytes=head, fields=fields)


@pytest.mark.parametrize("data", [REQUEST, REQUEST.replace(b"a: b", b"a:b ")], ids=["canonical", "untidy"])
def test_request_on_and_over_each_limit(data: bytes) -> None:
    size, line = len(data), data.index(b"\r\n")
    assert read_request(data, limits(line=line, head=size, fields=3)).target == b"/abc"
    assert refuse_request(data, limits(line=line - 1)) == (414, f"the request line is longer than {line - 1} bytes")
    assert refuse_request(data, limits(head=size - 1)) == (431, f"the head is larger than {size - 1} bytes")
    assert refuse_request(data, limits(fields=2)) == (431, "there are more than 2 header lines")


@pytest.mark.parametrize("data", [ANSWER, ANSWER.replace(b"a: b", b"a:b ")], ids=["canonical", "untidy"])
def test_answer_on_and_over_each_limit(data: bytes) -> None:
    size, line = len(data), data.index(b"\r\n")
    assert read_answer(data, limits=limits(line=line, head=size, fields=3)).status == 200
    assert refuse_answer(data, limits=limits(line=line - 1))[1] == f"the status line is longer than {line - 1} bytes"
    assert refuse_answer(data, limits=limits(head=size - 1))[0] == 431
    assert refuse_answer(data, limits=limits(fields=2))[0] == 431


def test_an_endless_line_is_refused_before_it_ends() -> None:
    assert refuse_request(b"GET /" + b"a" * 96, limits()) == (414, "the request line is longer than 100 bytes")


def test_an_endless_head_is_refused_before_it_ends() -> None:
    data = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200
    assert refuse_request(data, limits(fields=10_000))[0] == 431


def test_defaults_are_documented_numbers() -> None:
    assert HeadLimits() == HeadLimits(line_bytes=16384, head_bytes=65536, fields=1000)
