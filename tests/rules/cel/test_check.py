"""Our subset of CEL, and what a tree looks at. What is refused with which words is in the tests of `condition`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.cel import BadCondition
from proxy.rules.cel.check import check_text, check_tree, paths, placed, regex_bytes
from proxy.rules.cel.language import LANGUAGE
from proxy.rules.cel.tree import read


@pytest.mark.parametrize(
    ("offset", "wanted"),
    [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (4, (2, 2)), (5, (3, 1)), (6, (3, 2))],
)
def test_places(offset: int, wanted: tuple[int, int]) -> None:
    assert placed("ab\nc\nd")(offset) == wanted


@given(st.text(alphabet="ab\n", max_size=20), st.data())
def test_a_place_is_where_the_character_is(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    line, column = placed(text)(offset)
    lines = text.split("\n")
    assert sum(len(before) + 1 for before in lines[: line - 1]) + column - 1 == offset


@pytest.mark.parametrize(
    "char", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\xa0", "\u200b", "\u202e", "\u2066", "\u2028", "\ufeff", "\udfff"]
)
def test_what_cannot_be_seen_is_refused(char: str) -> None:
    with pytest.raises(BadCondition, match=f"U\\+{ord(char):04X}") as caught:
        check_text(f"a\n {char}", 100)
    assert (caught.value.line, caught.value.column) == (2, 2)


@pytest.mark.parametrize("text", ["a\tb", "a\r\nb", "é", "漢字", "😀"])
def test_what_can_be_seen_passes(text: str) -> None:
    check_text(text, 100)


PATHS = {
    "job.source.index.size() > 0": {"job.source.index"},
    "job.source.index[0] == job.id": {"job.source.index", "job.id"},
    "running.exists(r, r.id == job.id)": {"running", "running.id", "job.id"},
    "running[running.size() - 1].id == job.id": {"running.id", "running", "job.id"},
    "running.filter(r, true).exists(s, s.id == job.id)": {"running", "running.id", "job.id"},
    "running.filter(r, r.analysis == owner.kind)[0].id == job.id": {
        *("running", "running.analysis", "owner.kind", "running.id", "job.id")
    },
    "running.map(r, r)[0].id == job.id": {"running", "id", "job.id"},
    "[running][0].map(r, true, r).exists(s, s.id == job.id)": {"running", "id", "job.id"},
    "running.map(r, r.sources)[0].exists(s, s == job.id)": {"running", "running.sources", "job.id"},
    "running.exists(job, job.id == caller.username)": {"running", "running.id", "caller.username"},
    "running.exists(r, job.source.index.exists(r, r == job.id))": {"running", "job.source.index", "job.id"},
    "[job, job].exists(j, j.source.resolved == [])": {"job", "source", "resolved"},
    "(job.max_num_threads > 1 ? job : job).id == owner.kind": {"job.max_num_threads", "job", "id", "owner.kind"},
    "job.config.a.b[job.id].c == 1": {"job.config.a.b.c", "job.id"},
    "has(job.config.a.b)": {"job.config.a.b"},
    # What a loop runs over is looked at outside of it, where its variable's name is still another's.
    "job.source.index.exists(job, job == caller.username)": {"job.source.index", "caller.username"},
    # `map` with a condition is no filter: what comes out is not what it runs over.
    "running.map(r, true, job.source)[0].resolved == []": {"resolved", "running", "job.source"},
    "job.settings.all(k, job.settings[k] == 1)": {"job.settings"},
}


@pytest.mark.parametrize("text", PATHS)
def test_what_is_looked_at(text: str) -> None:
    found = paths(read(LANGUAGE.compile(text).serialize()))
    assert found == PATHS[text]


@pytest.mark.parametrize(
    ("pattern", "size"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 2),
        (".", 8),
        ("[^a]", 11),
        (r"\W\D\S", 6 + 21),
        ("a{3}", 3),
        ("a{2,3}", 3),
        ("a{0}", 1),
        ("a{2,}", 2),
        ("(a{10}){10}", 300),
        ("(?i)a", 5 + 7),
    ],
)
def test_sizes_of_regular_expressions(pattern: str, size: int) -> None:
    assert regex_bytes(pattern) == size


@pytest.mark.parametrize("text", ["[1].exists(x, x > 0)", "[[1]].all(x, x.all(y, y > 0))", 'now.getHours("UTC") == 1'])
def test_trees_that_pass(text: str) -> None:
    check_tree(read(LANGUAGE.compile(text).serialize()), text)


def test_half_a_character_beyond_the_limit_does_not_matter() -> None:
    with pytest.raises(BadCondition, match="is 13 bytes long"):
        check_text("a" * 10 + "\ud800", 5)


def test_the_last_character_that_may_be_is_looked_at() -> None:
    with pytest.raises(BadCondition, match=r"U\+0007"):
        check_text("aaaa\x07", 5)


def test_an_empty_text_is_no_condition() -> None:
    with pytest.raises(BadCondition, match="is empty"):
        check_text(" \n", 5)
