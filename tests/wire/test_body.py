"""Readers of bodies, one per framing."""

from collections.abc import Callable

import pytest

from proxy.wire.body import BodyReader, CloseReader, LengthReader, body_reader
from proxy.wire.chunks import ChunkedReader
from proxy.wire.framing import CHUNKED, UNTIL_CLOSE
from tests.wire.reading import read_body


@pytest.mark.parametrize(
    ("framing", "data", "payload", "done"),
    [
        (3, b"abc", b"abc", True),
        (3, b"ab", b"ab", False),
        (3, b"abcd", b"abc", True),
        (CHUNKED, b"3\r\nabc\r\n0\r\n\r\n", b"abc", True),
        (UNTIL_CLOSE, b"abc", b"abc", False),
    ],
)
def test_each_framing(framing: int, data: bytes, payload: bytes, done: bool) -> None:
    def make() -> BodyReader:
        return body_reader(framing)

    if data == b"abcd":
        reader = make()
        assert (reader.feed(data), reader.done, reader.rest) == (payload, done, b"d")
        return
    assert read_body(make, data) == (payload, done)


@pytest.mark.parametrize(
    ("framing", "kind"),
    [(0, LengthReader), (7, LengthReader), (CHUNKED, ChunkedReader), (UNTIL_CLOSE, CloseReader)],
)
def test_reader_kinds(framing: int, kind: Callable[..., BodyReader]) -> None:
    reader = body_reader(framing)
    assert type(reader) is kind
    assert reader.done == (framing == 0)


def test_no_body_leaves_everything() -> None:
    reader = LengthReader(0)
    assert reader.feed(b"next") == b""
    assert (reader.done, reader.rest) == (True, b"next")


@pytest.mark.parametrize(
    ("framing", "data", "coded"),
    [
        (3, b"abc", b"abc"),
        (CHUNKED, b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        (UNTIL_CLOSE, b"abc", b"3\r\nabc\r\n"),
        (UNTIL_CLOSE, b"", b""),
    ],
)
def test_only_bodies_of_unknown_length_are_cut_into_chunks(framing: int, data: bytes, coded: bytes) -> None:
    assert body_reader(framing, coded=True).feed(data) == coded
