"""Header lines: one canonical form, or a refusal that names the fault without repeating what was sent."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.wire.errors import WireError
from proxy.wire.fields import SECTION, canonical, split_head
from proxy.wire.limits import HeadLimits

NAMES = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=12).map(str.encode)
VALUES = st.binary(max_size=20).map(lambda raw: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", raw))


@pytest.mark.parametrize(
    ("line", "section"),
    [
        (b"Host: x", b"\nHost: x\r"),
        (b"Host:x", b"\nHost: x\r"),
        (b"Host:  \t x \t", b"\nHost: x\r"),
        (b"a: b  c", b"\na: b  c\r"),
        (b"a:", b"\na: \r"),
        (b"a: \t ", b"\na: \r"),
        (b"a: b: c", b"\na: b: c\r"),
        (b"X-\xc3: no", None),
        (b"a: \xc3\xa9\xff", b"\na: \xc3\xa9\xff\r"),
        (b"!#$%&'*+-.^_`|~: x", b"\n!#$%&'*+-.^_`|~: x\r"),
    ],
)
def test_canonical_form(line: bytes, section: bytes | None) -> None:
    if section is None:
        with pytest.raises(WireError):
            canonical([line])
    else:
        assert canonical([line]) == section


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b" folded", "folded"),
        (b"\tfolded: x", "folded"),
        (b"a: b\rc: d", "bare CR or LF"),
        (b"a: b\nc: d", "bare CR or LF"),
        (b"nocolon", "no colon"),
        (b"", "no colon"),
        (b"Host : x", "before the colon"),
        (b"Host\t: x", "before the colon"),
        (b": x", "not a token"),
        (b"a b: x", "not a token"),
        (b"a(b): x", "not a token"),
        (b"a\x00: x", "not a token"),
        (b"a: \x00", "control character"),
        (b"a: b\x0bc", "control character"),
        (b"a: \x7f", "control character"),
    ],
)
def test_refused_lines_say_why_and_repeat_nothing(line: bytes, reason: str) -> None:
    with pytest.raises(WireError, match=reason) as caught:
        canonical([line])
    assert "Host" not in caught.value.reason
    assert caught.value.status == 400


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
@example([(b"a", b"\t")])
def test_canonical_is_a_fixed_point_and_keeps_order_names_and_values(lines: list[tuple[bytes, bytes]]) -> None:
    section = canonical([name + b":" + value for name, value in lines])
    read = [line.split(b": ", 1) for line in section.strip(b"\n\r").split(b"\r\n")] if lines else []
    assert [(name, value) for name, value in read] == [(name, value.strip(b" \t")) for name, value in lines]
    assert canonical([name + b": " + value for name, value in read]) == section


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_the_fast_pattern_takes_exactly_what_is_canonical(lines: list[tuple[bytes, bytes]]) -> None:
    raw = b"".join(b"\n" + name + b": " + value + b"\r" for name, value in lines)
    match = re.compile(SECTION).fullmatch(raw + b"\n\r\n")
    clean = canonical([name + b":" + value for name, value in lines])
    has_empty = any(not value.strip(b" \t") for _, value in lines)
    assert (match is not None) == (clean == raw and not has_empty)


def test_split_head_waits_then_splits() -> None:
    assert split_head(b"GET / HTTP/1.1\r\na: b\r\n", HeadLimits(), what="x") is None
    assert split_head(b"GET /\r\na: b\r\n\r\nrest", HeadLimits(), what="x") == (b"GET /", [b"a: b"], 15)
    assert split_head(b"GET /\r\n\r\n", HeadLimits(), what="x") == (b"GET /", [], 9)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\n", b"GET / HTTP/1.1\r\na: b\nc: d\r\n\r\n", b"GET / HTTP/1.1\n\n"])
def test_bare_line_feeds_are_refused_at_once(data: bytes) -> None:
    with pytest.raises(WireError, match="bare LF"):
        split_head(data, HeadLimits(), what="x")
