"""The wildcard automaton against an oracle that tries every way to match."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.privileges.automata import HIGHEST, GlobMachine, Machine, Undecidable, following


@cache
def slow_match(glob: str, text: str) -> bool:
    """Matching by its definition, one character at a time."""
    if not glob:
        return not text
    if glob[0] == "*":
        return slow_match(glob[1:], text) or (bool(text) and slow_match(glob, text[1:]))
    if glob[0] == "\\" and len(glob) > 1:
        return bool(text) and text[0] == glob[1] and slow_match(glob[2:], text[1:])
    return bool(text) and glob[0] in ("?", text[0]) and slow_match(glob[1:], text[1:])


def run(machine: Machine, text: str) -> bool:
    """Whether a machine accepts a text."""
    state = machine.start()
    for char in text:
        state = machine.step(state, char)
    return machine.accepts(state)


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        (
            "",
            [
                "",
            ],
            ["a"],
        ),
        ("*", ["", "a", "a\nb", "ü"], []),
        ("?", ["a", "*"], ["", "ab"]),
        ("a*b", ["ab", "axxb", "abab"], ["a", "aba"]),
        ("**", ["", "ab"], []),
        ("*?*", ["a", "ab"], [""]),
        ("a\\*b", ["a*b"], ["ab", "axb"]),
        ("a\\?", ["a?"], ["ab"]),
        ("a\\\\b", ["a\\b"], ["ab"]),
        ("a\\", ["a\\"], ["a"]),
        ("\\", ["\\"], [""]),
    ],
)
def test_matches_as_elasticsearch_reads_patterns(glob: str, yes: list[str], no: list[str]) -> None:
    machine = GlobMachine([glob])
    assert [run(machine, text) for text in yes] == [True] * len(yes)
    assert [run(machine, text) for text in no] == [False] * len(no)


@given(st.lists(st.text("ab*?\\", max_size=6), min_size=1, max_size=3), st.text("abc*", max_size=6))
def test_agrees_with_the_definition(globs: list[str], text: str) -> None:
    """A union matches exactly what any of its patterns matches."""
    assert run(GlobMachine(globs), text) is any(slow_match(glob, text) for glob in globs)


@given(st.text("ab*?", max_size=5), st.text("abc", max_size=5))
def test_dead_means_that_nothing_can_follow(glob: str, text: str) -> None:
    """A state is dead exactly if no text of the alphabet, up to the length that could matter, is accepted after it."""
    machine = GlobMachine([glob])
    state = machine.start()
    for char in text:
        state = machine.step(state, char)
    frontier, alive = {state}, machine.accepts(state)
    for _ in range(len(glob)):
        frontier = {machine.step(one, char) for one in frontier for char in "abz"}
        alive = alive or any(machine.accepts(one) for one in frontier)
    assert machine.dead(state) is not alive


def test_choices_are_the_only_characters_that_lead_on() -> None:
    machine = GlobMachine(["ab", "ac*"])
    start = machine.start()
    assert machine.choices(start) == frozenset("a")
    second = machine.step(start, "a")
    assert machine.choices(second) == frozenset("bc")
    assert machine.choices(machine.step(second, "c")) is None
    assert GlobMachine(["?"]).choices(GlobMachine(["?"]).start()) is None


def test_boundaries_name_each_literal_and_what_comes_after_it() -> None:
    assert GlobMachine(["a*c", "?"]).boundaries() == {"a", "b", "c", "d"}
    assert GlobMachine([HIGHEST]).boundaries() == {HIGHEST}
    assert following("a") == "b"


def test_undecidable_is_an_error_with_a_text() -> None:
    assert str(Undecidable("why")) == "why"
