"""Which fields `source._source` leaves out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.sourcefilter import is_field_excluded, simple_match
from proxy.model import SourceFilter


@pytest.mark.parametrize(
    ("includes", "excludes", "path", "excluded"),
    [
        ((), (), "a", False),
        (("a",), (), "a", False),
        (("a",), (), "a.b", False),
        (("a",), (), "ab", True),
        (("a.b",), (), "a", True),
        (("a.*",), (), "a", True),
        (("a.*",), (), "a.b.c", False),
        (("*",), (), "anything", False),
        (("a*",), ("ab",), "ab", True),
        (("a*",), ("ab",), "ab.c", True),
        (("a*",), ("ab",), "abc", False),
        ((), ("a.b",), "a", False),
        ((), ("a",), "a", True),
        ((), ("a*",), "abc", True),
        ((), ("*b",), "ab", True),
        (("b",), ("c",), "a", True),
    ],
)
def test_excludes_come_first_then_includes(
    includes: tuple[str, ...], excludes: tuple[str, ...], path: str, excluded: bool
) -> None:
    assert is_field_excluded(SourceFilter(includes=includes, excludes=excludes), path) is excluded


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("a", "a", True),
        ("a", "b", False),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*a*b*", "xaxbx", True),
        ("*a*b*", "ba", False),
        ("a?", "ab", False),
        ("[a]*", "a", False),
    ],
)
def test_simple_match_knows_the_star_only(pattern: str, text: str, expected: bool) -> None:
    assert simple_match(pattern, text) is expected


@given(st.text("ab*", max_size=7), st.text("abc", max_size=7))
def test_simple_match_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    expression = ".*".join(re.escape(piece) for piece in pattern.split("*"))
    assert simple_match(pattern, text) is (re.fullmatch(expression, text, re.DOTALL) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [("a*b*b", "ab", False), ("*ab*ab*", "abab", True), ("*a*", "ab", True), ("*a*", "ba", True), ("*b*", "ab", True)],
)
def test_each_piece_is_taken_where_it_comes_first_and_once(pattern: str, text: str, expected: bool) -> None:
    assert simple_match(pattern, text) is expected
