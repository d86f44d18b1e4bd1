"""Which patterns cover which."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.privileges.patterns import matches
from proxy.rules.overlap import Neighbours, covers, idle

PATTERNS = st.lists(st.text("ab*?", min_size=1, max_size=4), min_size=1, max_size=3)
NAMES = ["".join(letters) for length in range(5) for letters in product("abc", repeat=length)]


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (["*"], ["a"], True),
        (["a*"], ["ab*", "a"], True),
        (["a*"], ["ab*", "b"], False),
        (["ab*"], ["a*"], False),
        (["/a.*/"], ["ab*"], True),
        (["/(/"], ["ab*"], False),
    ],
)
def test_covers(outer: list[str], inner: list[str], expected: bool) -> None:
    assert covers(outer, inner) is expected


@given(PATTERNS, PATTERNS)
def test_what_is_covered_matches_nothing_else(outer: list[str], inner: list[str]) -> None:
    stray = [name for name in NAMES if matches(inner, name) and not matches(outer, name)]
    assert not (covers(outer, inner) and stray)


def test_idle_patterns_are_those_that_another_covers() -> None:
    assert idle(("a*", "ab", "b")) == {1: 0}
    assert idle(("ab", "a*")) == {0: 1}
    assert idle(("a", "b", "a")) == {2: 0}, "of two that are the same, the later"
    assert idle(("*", "**")) == {1: 0}
    assert idle(()) == {}


@given(PATTERNS)
def test_without_idle_patterns_as_much_is_matched(patterns: list[str]) -> None:
    kept = [one for place, one in enumerate(patterns) if place not in idle(tuple(patterns))]
    assert all(matches(kept, name) == matches(patterns, name) for name in NAMES)


WORDS = st.text("ab", min_size=1, max_size=4)
SINGLE = st.one_of(WORDS, WORDS.map(lambda name: name + "*"), st.just("*"), WORDS.map(lambda name: f"/{name}|b/"))


@given(st.lists(st.lists(SINGLE, min_size=1, max_size=3).map(tuple), max_size=6))
def test_whoever_covers_a_list_is_among_its_neighbours(lists: list[tuple[str, ...]]) -> None:
    neighbours = Neighbours(lists)
    for one in lists:
        found = neighbours.of(one)
        assert {place for place, other in enumerate(lists) if covers(other, one)} <= set(found)
        assert found == sorted(set(found))


def test_neighbours_are_few() -> None:
    lists = [(f"flights-{number}-*",) for number in range(1000)]
    assert Neighbours(lists).of(("flights-7-*",)) == [7]
    assert Neighbours(lists).of(()) == []


def test_one_of_several_patterns_is_enough_to_cover() -> None:
    assert covers(["a*", "b*"], ["a1", "b1"])
    assert not covers(["a*", "b*"], ["a1", "c1"])
