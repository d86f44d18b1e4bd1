"""The chunked coding: strict going in, canonical going out, indifferent to how bytes arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.chunks import LAST_CHUNK, TRAILER_BYTES, ChunkedReader, all_chunks, encode_chunk
from proxy.wire.errors import WireError
from tests.wire.reading import read_body, refuse_body


@pytest.mark.parametrize(
    ("coded", "payload"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"003\r\nabc\r\n000\r\n\r\n", b"abc"),
        (b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
        (b"A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n", b"0123456789abcdefghij"),
        (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n"),
        (b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n"),
        (b"1\r\na\r\n0\r\nTrailer: x\r\nb: c\r\n\r\n", b"a"),
    ],
)
def test_whole_bodies(coded: bytes, payload: bytes) -> None:
    assert read_body(ChunkedReader, coded) == (payload, True)


@pytest.mark.parametrize(
    ("coded", "payload"),
    [(b"", b""), (b"3", b""), (b"3\r", b""), (b"3\r\nab", b"ab"), (b"3\r\nabc", b"abc"), (b"3\r\nabc\r", b"abc"),
     (b"3\r\nabc\r\n", b"abc"), (b"0\r\n", b""), (b"0\r\n\r", b""), (b"0\r\na: b\r\n", b"")],
)  # fmt: skip
def test_incomplete_bodies(coded: bytes, payload: bytes) -> None:
    assert read_body(ChunkedReader, coded) == (payload, False)


@pytest.mark.parametrize(
    ("coded", "reason"),
    [
        (b"g\r\n", "chunk size"),
        (b"\r\n", "chunk size"),
        (b" 3\r\nabc\r\n", "chunk size"),
        (b"3 \r\nabc\r\n", "chunk size"),
        (b"+3\r\nabc\r\n", "chunk size"),
        (b"-1\r\n", "chunk size"),
        (b"0x3\r\nabc", "chunk size"),
        (b"3;ext=1\r\nabc\r\n", "chunk size"),
        (b"3;\r\nabc\r\n", "chunk size"),
        (b"3\nabc\r\n", "chunk size"),
        (b"3\rabc\r\n", "chunk size"),
        (b"1000000000000000\r\n", "chunk size"),
        (b"0000000000000003\r\nabc", "chunk size"),
        (b"3\r\nabcd\r\n", "followed by CRLF"),
        (b"3\r\nabc\n\r\n", "followed by CRLF"),
        (b"3\r\nabc\rx", "followed by CRLF"),
        (b"3\r\nab\r\n0\r\n\r\n", "followed by CRLF"),
        (b"0\r\nbad trailer\r\n\r\n", "no colon"),
        (b"0\r\n a: b\r\n\r\n", "folded"),
        (b"0\r\na: b\nc: d\r\n\r\n", "bare CR or LF"),
        (b"0\r\n" + b"a: b\r\n" * (TRAILER_BYTES // 6 + 1), "trailers are larger"),
    ],
)
def test_anything_else_is_refused(coded: bytes, reason: str) -> None:
    assert reason in refuse_body(ChunkedReader, coded)


@pytest.mark.parametrize("size", [b"100000000", b"ffffffff", b"7fffffffffffff"])
def test_a_size_over_32_bits_is_no_end(size: bytes) -> None:
    """Elasticsearch takes 100000000 for 0: what leaves must be cut into chunks of the sizes that came."""
    reader = ChunkedReader(coded=True)
    assert reader.feed(size + b"\r\n\r\nPOST / HTTP/1.1") == b"11\r\n\r\nPOST / HTTP/1.1\r\n"
    assert not reader.done


def test_what_follows_is_left_alone() -> None:
    reader = ChunkedReader()
    assert reader.feed(b"1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n") == b"a"
    assert (reader.done, reader.rest) == (True, b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("data", "coded"),
    [
        (b"1\r\na\r\n2\r\nbc\r\n", b"3\r\nabc\r\n"),
        (b"1\r\na\r\n0\r\n\r\n", b"1\r\na\r\n0\r\n\r\n"),
        (b"0001\r\na\r\n00\r\nT: x\r\n\r\nnext", b"1\r\na\r\n0\r\n\r\n"),
        (b"0\r\n\r\n", LAST_CHUNK),
        (b"3\r\nab", b"2\r\nab\r\n"),
        (b"3\r\n", b""),
    ],
)
def test_what_came_is_cut_anew(data: bytes, coded: bytes) -> None:
    assert ChunkedReader(coded=True).feed(data) == coded


def test_nothing_is_encoded_as_nothing() -> None:
    assert encode_chunk(b"") == b""
    assert encode_chunk(b"a" * 16) == b"10\r\n" + b"a" * 16 + b"\r\n"


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 30), min_size=1, max_size=10))
def test_encode_and_read_are_inverse_for_every_way_of_cutting(pieces: list[bytes], cuts: list[int]) -> None:
    coded = b"".join(encode_chunk(piece) for piece in pieces) + LAST_CHUNK
    reader, recoder = ChunkedReader(), ChunkedReader(coded=True)
    out, recoded, at, turn = b"", b"", 0, 0
    while at < len(coded):
        size = cuts[turn % len(cuts)]
        payload = reader.feed(coded[at : at + size])
        chunk = recoder.feed(coded[at : at + size])
        assert chunk == encode_chunk(payload) + (LAST_CHUNK if reader.done else b"")
        out, recoded = out + payload, recoded + chunk
        at, turn = at + size, turn + 1
    assert (out, reader.done, reader.rest) == (b"".join(pieces), True, b"")
    assert (recoder.done, recoder.rest) == (True, b"")
    assert ChunkedReader().feed(recoded) == out


@given(
    st.lists(st.sampled_from([b"0", b"1", b"3", b"F", b"\r", b"\n", b"\r\n", b"a", b";", b" ", b"abc"]), max_size=20)
)
def test_a_payload_or_a_wire_error_never_anything_else(parts: list[bytes]) -> None:
    """The invariant: whatever comes, the reader yields payload or raises WireError, the same byte by byte."""
    coded = b"".join(parts)
    outcomes: list[tuple[bytes, bool | None]] = []
    for size in (max(len(coded), 1), 1):
        reader, out = ChunkedReader(), b""
        try:
            for at in range(0, len(coded), size):
                if not reader.done:
                    out += reader.feed(coded[at : at + size])
            outcomes.append((out if reader.done else b"", reader.done))
        except WireError:
            outcomes.append((b"", None))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("coded", "passes"),
    [
        (LAST_CHUNK, True),
        (b"3\r\nabc\r\n0\r\n\r\n", True),
        (b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", True),
        (b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", True),
        (b"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", True),
        (b"", False),
        (b"3\r\nabc\r\n", False),
        (b"3\r\nabc\r\n0\r\n", False),
        (b"3\r\nabc\r\n0\r\n\r\n\r\n", False),
        (b"3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", False),
        (b"3\r\nabc\r\n00\r\n\r\n", False),
        (b"3\r\nabc\r\n0\r\nT: 1\r\n\r\n", False),
        (b"03\r\nabc\r\n0\r\n\r\n", False),
        (b"3;x\r\nabc\r\n0\r\n\r\n", False),
        (b"3\nabc\r\n0\r\n\r\n", False),
        (b"3\r\nabcd\r\n0\r\n\r\n", False),
        (b"3\r\nabc\n0\r\n\r\n", False),
        (b"4\r\nabc\r\n0\r\n\r\n", False),
        (b"fffffff\r\nabc\r\n0\r\n\r\n", False),
        (b"100000003\r\nabc\r\n0\r\n\r\n", False),
    ],
)
def test_what_passes_on_as_it_is(coded: bytes, passes: bool) -> None:
    assert all_chunks(coded, 0) is passes
    assert all_chunks(b"head" + coded, 4) is passes


@given(
    st.lists(
        st.sampled_from(
            [b"0", b"1", b"3", b"03", b"\r\n", b"\r\n", b"abc", b"1\r\na\r\n", b"3\r\nabc\r\n", LAST_CHUNK]
        ),
        max_size=9,
    )
)
def test_what_passes_on_as_it_is_is_read_whole_and_counted_anew_the_same(parts: list[bytes]) -> None:
    coded = b"".join(parts)
    if not all_chunks(coded, 0):
        return
    reader = ChunkedReader()
    payload = reader.feed(coded)
    assert (reader.done, reader.rest) == (True, b"")
    again = ChunkedReader()
    assert again.feed(encode_chunk(payload) + LAST_CHUNK) == payload
