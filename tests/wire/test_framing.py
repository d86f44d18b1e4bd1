"""Where a body ends, as a table over RFC 9112 §6.3; whatever is in doubt is refused."""

import pytest

from proxy.wire.errors import WireError
from proxy.wire.framing import CHUNKED, UNTIL_CLOSE, answer_framing, request_framing

# lengths, codings, minor → framing, or status of the refusal
GOOD: list[tuple[list[bytes], list[bytes], int, int]] = [
    ([], [], 1, 0),
    ([], [], 0, 0),
    ([b"0"], [], 1, 0),
    ([b"12"], [], 1, 12),
    ([b"12"], [], 0, 12),
    ([b"0012"], [], 1, 12),
    ([b"9" * 18], [], 1, 10**18 - 1),
    ([], [b"chunked"], 1, CHUNKED),
    ([], [b"Chunked"], 1, CHUNKED),
]
BAD: list[tuple[list[bytes], list[bytes], int, int]] = [
    ([b"5", b"5"], [], 1, 400),
    ([b"5", b"6"], [], 1, 400),
    ([b"5, 5"], [], 1, 400),
    ([b"5,"], [], 1, 400),
    ([b""], [], 1, 400),
    ([b"+5"], [], 1, 400),
    ([b"-5"], [], 1, 400),
    ([b"0x5"], [], 1, 400),
    ([b"5 5"], [], 1, 400),
    ([b"5.0"], [], 1, 400),
    ([b"1_0"], [], 1, 400),
    ([b"\xd9\xa5"], [], 1, 400),
    ([b"1" * 19], [], 1, 400),
    ([b"5"], [b"chunked"], 1, 400),
    ([b"0"], [b"chunked"], 1, 400),
    ([], [b"chunked"], 0, 400),
    ([], [b"gzip"], 1, 400),
    ([], [b"identity"], 1, 400),
    ([], [b""], 1, 400),
    ([], [b"xchunked"], 1, 400),
    ([], [b"chunked;q=1"], 1, 400),
    ([], [b"chunked, identity"], 1, 400),
    ([], [b"chunked", b"identity"], 1, 400),
    ([], [b"\x0bchunked"], 1, 400),
    ([], [b"gzip, chunked"], 1, 501),
    ([], [b"gzip", b"chunked"], 1, 501),
    ([], [b"chunked", b"chunked"], 1, 501),
    ([], [b", chunked"], 1, 501),
]


@pytest.mark.parametrize(("lengths", "codings", "minor", "framing"), GOOD)
def test_good_requests(lengths: list[bytes], codings: list[bytes], minor: int, framing: int) -> None:
    assert request_framing(lengths, codings, minor=minor) == framing


@pytest.mark.parametrize(("lengths", "codings", "minor", "framing"), GOOD)
def test_good_answers_differ_only_without_either_header(
    lengths: list[bytes], codings: list[bytes], minor: int, framing: int
) -> None:
    expected = framing if lengths or codings else UNTIL_CLOSE
    assert answer_framing(lengths, codings, minor=minor, status=200, head=False) == expected


@pytest.mark.parametrize(("lengths", "codings", "minor", "status"), BAD)
def test_bad_requests_and_answers(lengths: list[bytes], codings: list[bytes], minor: int, status: int) -> None:
    with pytest.raises(WireError) as caught:
        request_framing(lengths, codings, minor=minor)
    assert caught.value.status == status
    for code in (100, 200, 204, 304):
        with pytest.raises(WireError):
            answer_framing(lengths, codings, minor=minor, status=code, head=False)
        with pytest.raises(WireError):
            answer_framing(lengths, codings, minor=minor, status=code, head=True)


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize(("lengths", "codings"), [([b"5"], []), ([], [b"chunked"])])
def test_answers_that_never_have_a_body(lengths: list[bytes], codings: list[bytes], head: bool) -> None:
    assert answer_framing(lengths, codings, minor=1, status=304, head=head) == 0
    assert answer_framing(lengths, codings, minor=1, status=200, head=True) == 0
    for status in (100, 103, 204):
        with pytest.raises(WireError, match="announces one"):
            answer_framing(lengths, codings, minor=1, status=status, head=head)


@pytest.mark.parametrize("status", [100, 199, 204, 304])
def test_bodiless_answers_end_with_their_head(status: int) -> None:
    assert answer_framing([], [], minor=1, status=status, head=False) == 0
    assert answer_framing([b"0"], [], minor=1, status=status, head=False) == 0
