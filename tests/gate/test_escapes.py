"""Percent-decoding as Elasticsearch does it: once, strictly, with its own texts for what is broken."""

from itertools import chain
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.errors import Refusal
from proxy.gate.escapes import decode_path, decode_query
from tests.gate.fakes import tried


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("", ""),
        ("plain", "plain"),
        ("%66oo", "foo"),
        ("a%2Fb", "a/b"),
        ("%252F", "%2F"),
        ("%%", "%"),
        ("%%41", "%41"),
        ("%25%25", "%%"),
        ("a+b", "a+b"),
        ("%C3%A4", "ä"),
        ("%c3%a4", "ä"),
        ("%00", "\x00"),
        ("%ff", "\ufffd"),
    ],
)
def test_a_path_is_decoded_once(raw: str, decoded: str) -> None:
    assert decode_path(raw) == decoded


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("%zz", "invalid escape sequence `%zz' at index 3 of: /p/%zz"),
        ("a%2x", "invalid escape sequence `%2x' at index 4 of: /p/a%2x"),
        ("%66%g1", "invalid escape sequence `%g1' at index 6 of: /p/%66%g1"),
        ("a%", "unterminated escape sequence at end of string: /p/a%"),
        ("a%2", "partial escape sequence at end of string: /p/a%2"),
        ("%%%", "unterminated escape sequence at end of string: /p/%%%"),
    ],
)
def test_a_broken_escape_is_refused(raw: str, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        decode_path(f"/p/{raw}")
    assert (refused.value.status, refused.value.type, refused.value.reason) == (
        400,
        "illegal_argument_exception",
        reason,
    )


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("", {}),
        ("pretty", {"pretty": ""}),
        ("pretty=", {"pretty": ""}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2", {"a": "1", "b": "2"}),
        ("a=1&&;&b=2&", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a=1+2&c+d=%2B", {"a": "1 2", "c d": "+"}),
        ("a=b=c", {"a": "b=c"}),
        ("a=1#b=2", {"a": "1"}),
        ("#a=1", {}),
        ("=1", {"": "1"}),
        ("%61=%62", {"a": "b"}),
        ("a=1%26b=2", {"a": "1&b=2"}),
        ("a?b=c?d", {"a?b": "c?d"}),
    ],
)
def test_a_query_is_split_and_decoded(query: str, parameters: dict[str, str]) -> None:
    assert decode_query(query) == parameters


def test_a_broken_escape_in_a_query_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        decode_query("a=%zz&b=1")
    problem = "invalid escape sequence `%zz' at index 0 of: %zz"
    assert refused.value.body()["error"] == {
        "root_cause": [{"type": "bad_parameter_exception", "reason": f"java.lang.IllegalArgumentException: {problem}"}],
        "type": "bad_parameter_exception",
        "reason": f"java.lang.IllegalArgumentException: {problem}",
        "caused_by": {"type": "illegal_argument_exception", "reason": problem},
    }


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_quoted_is_read_back(text: str) -> None:
    assert decode_path(quote(text, safe="")) == text
    assert decode_query(f"{quote('n' + text, safe='')}={quote(text, safe='')}") == {"n" + text: text}


@given(st.text(st.sampled_from("%0aAfFzg+&;=#?/é\x00 ")))
@example("%" * 50)
def test_any_text_gives_values_or_a_refusal(text: str) -> None:
    """Never anything but a value or a Refusal with status 400; what is decoded can always be encoded again."""
    for read in (
        tried(lambda: [decode_path(text)]),
        tried(lambda: list(chain(*decode_query(text).items()))),
    ):
        if isinstance(read, Refusal):
            assert read.status == 400
        else:
            assert all(part.encode() is not None for part in read)
