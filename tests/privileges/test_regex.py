"""Lucene regular expressions: what is supported agrees with an oracle, what is not is refused."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.privileges.automata import Machine, Undecidable
from proxy.privileges.regex import (
    ANY_CHAR,
    ANY_TEXT,
    EMPTY,
    EPSILON,
    MAX_COUNT,
    MAX_DEPTH,
    MAX_LENGTH,
    Node,
    Parser,
    RegexMachine,
    alt,
    both,
    cat,
    complement,
    derive,
    star,
    vacant,
)


def run(pattern: str, text: str) -> bool:
    """Whether a pattern between slashes accepts a text."""
    machine = RegexMachine.of_pattern(pattern)
    state = machine.start()
    for char in text:
        state = machine.step(state, char)
    return machine.accepts(state)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("//", [""], ["a"]),
        ("/abc/", ["abc"], ["ab", "abcd"]),
        ("/a.c/", ["abc", "a\nc"], ["ac"]),
        ("/(a|b)c?/", ["a", "bc"], ["c", "abc"]),
        ("/a*b+/", ["b", "aab", "abbb"], ["a", ""]),
        ("/a{2}/", ["aa"], ["a", "aaa"]),
        ("/a{1,}/", ["a", "aaaa"], [""]),
        ("/a{1,3}/", ["a", "aaa"], ["", "aaaa"]),
        ("/a{2,2}/", ["aa"], ["a", "aaa"]),
        ("/(ab){0}/", [""], ["ab"]),
        # What repeats an expression without texts has none either, not even the empty one.
        ("/#*/", [], ["", "#"]),
        # No letter is a sign.
        ("/X/", ["X"], ["", "a"]),
        ("/aXbX/", ["aXbX"], ["ab", "aXb", "bX"]),
        ("/X{2}X+X?/", ["XXX", "XXXX"], ["XX", "X"]),
        ("/X{1,2}X{2,}X{0}/", ["XXX", "XXXXXX"], ["XX", ""]),
        ("/[XY][^X]/", ["Xa", "Ya"], ["aX", "XX", "a"]),
        ("/[W-X]X|(X)|()/", ["WX", "XX", "X", ""], ["VX", "W"]),
        ('/"X"~X@X/', ["XaX", "XaaX", "XX"], ["X", "aX"]),
        ("/aX&a./", ["aX"], ["a", "ab"]),
        ("/[a-a]/", ["a"], ["b"]),
        ("/a{0002}/", ["aa"], ["a"]),
        ("/(a&b)*/", [], ["", "a"]),
        ("/(a&b){0,}c/", [], ["", "c"]),
        ("/(a&b)+/", [], ["", "a"]),
        ("/(a&b)?c/", ["c"], ["ac"]),
        ("/(a&[ab])*/", ["", "aa"], ["b"]),
        ("/~((~@)*)/", ["", "a"], []),
        ("/[a-cx]-[^0-9]/", ["a-x", "x-a"], ["d-x", "a-5"]),
        ("/[.]*/", ["", "..."], ["a"]),
        ("/[\\]\\-]/", ["]", "-"], ["\\"]),
        ("/\\.\\*/", [".*"], ["xx"]),
        ("/()/", [""], ["a"]),
        ("/@b/", ["b", "aab"], ["a"]),
        ("/a#|b/", ["b"], ["a", "a#"]),
        ('/"a.*"b/', ["a.*b"], ["axxb"]),
        ('/""/', [""], ["a"]),
        ("/~a/", ["", "b", "aa"], ["a"]),
        ("/~~a/", ["a"], ["b"]),
        ("/~(a.*)&~(.*b)/", ["c", ""], ["a", "b", "ab"]),
        ("/a.*&.*b&.../", ["axb"], ["ab", "axxb"]),
        ("/~(([.]|ilm-history-).*)/", ["logs", "ilm-historyx"], [".x", "ilm-history-1"]),
    ],
)
def test_reads_what_lucene_reads(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [run(pattern, text) for text in yes] == [True] * len(yes)
    assert [run(pattern, text) for text in no] == [False] * len(no)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("/", "does not end with"),
        ("/a", "does not end with"),
        ("/a)/", "unbalanced"),
        ("/(a/", "expected )"),
        ("/[a/", "ends too early"),
        ("/a\\/", "ends too early"),
        ('/"a/', "ends too early"),
        ("/a|/", "ends too early"),
        ("/[z-a]/", "is empty"),
        ("/a{/", "a count"),
        ("/a{17}/", "a count"),
        ("/a{99999999}/", "a count"),
        ("/a{00002}/", "a count"),
        ("/a{1,/", "a count"),
        ("/a{3,1}/", "the range 3 to 1 is empty"),
        ("/((.*a.{9})&(.*b.{9}))*/", "too large to tell"),
        ("/a{1/", "expected }"),
        ("/<1-5>/", "<…>"),
        ("/\\d/", "\\d"),
        ("/" + "(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1) + "/", "nested deeper"),
        ("/((((ab{16}){16}){16}){16})/", "repeats too much"),
        ("/(abc){2}{2}{2}{2}{2}{2}{2}{2}/", "repeats too much"),
        ("/a" + "+" * 40 + "/", "repeats too much"),
        ("/" + "a" * MAX_LENGTH + "/", "longer than"),
    ],
)
def test_refuses_the_rest(pattern: str, why: str) -> None:
    with pytest.raises(Undecidable, match=re.escape(why)):
        RegexMachine.of_pattern(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "/" + "a" * (MAX_LENGTH - 2) + "/",
        "/" + "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH + "/",
        # Groups beside each other are not nested.
        "/" + "(a)" * (MAX_DEPTH + 3) + "/",
        "/" + "((a)(b))" * (MAX_DEPTH + 1) + "/",
        f"/a{{{MAX_COUNT}}}/",
    ],
)
def test_limits_are_what_they_say(pattern: str) -> None:
    RegexMachine.of_pattern(pattern)


def test_a_depth_that_was_left_is_given_back_once() -> None:
    inside = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    RegexMachine.of_pattern(f"/(b)(c){inside}/")
    with pytest.raises(Undecidable, match="nested deeper"):
        RegexMachine.of_pattern(f"/(b)(c)({inside})/")


CLASSIC = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})"),
        inner.map(lambda one: f"({one})*"),
        inner.map(lambda one: f"({one})+"),
        inner.map(lambda one: f"({one})?"),
        inner.map(lambda one: f"({one}){{1,2}}"),
    ),
    max_leaves=6,
)


@given(CLASSIC, st.text("abc", max_size=6))
def test_agrees_with_pythons_engine_where_both_know_the_syntax(pattern: str, text: str) -> None:
    expected = re.fullmatch(pattern, text, re.DOTALL) is not None
    try:
        found, opposite = run(f"/{pattern}/", text), run(f"/~({pattern})/", text)
    except Undecidable:
        # Deeper or longer than the limits: that is tested above.
        assume(False)
    assert (found, opposite) == (expected, not expected)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [("a", False), ("a*", False), ("#", True), ("a&b", True), ("a.*&.*b", False), ("~(.*)", True), ("[^a]&a", True)],
)
def test_what_has_no_text_at_all(inner: str, expected: bool) -> None:
    assert vacant(Parser(inner).parse()) is expected


def test_simple_laws_keep_the_tree_small() -> None:
    a = Node("chars", ranges=(("a", "a"),))
    assert cat(EMPTY, a) == cat(a, EMPTY) == EMPTY
    assert cat(EPSILON, a) == cat(a, EPSILON) == a
    assert alt(a, a) == alt(EMPTY, a) == both(a, ANY_TEXT) == a
    assert alt(a, ANY_TEXT) == complement(EMPTY) == ANY_TEXT
    assert both(a, EMPTY) == complement(ANY_TEXT) == EMPTY
    assert alt(EMPTY, EMPTY) == EMPTY
    assert star(EMPTY) == star(EPSILON) == EPSILON
    assert star(star(a)) == star(a)
    assert complement(complement(a)) == a
    assert cat(cat(a, ANY_CHAR), a) == cat(a, cat(ANY_CHAR, a))
    assert derive(EPSILON, "a") == EMPTY
    assert a != "a"
    assert a != ANY_CHAR


def test_machine_tells_death_and_boundaries() -> None:
    machine = RegexMachine.of_pattern("/[b-d]x/")
    assert machine.boundaries() == {"b", "e", "x", "y"}
    assert machine.dead(machine.step(machine.start(), "a"))
    assert not machine.dead(machine.step(machine.start(), "b"))
    wild: Machine = machine
    assert wild.choices(wild.start()) is None
