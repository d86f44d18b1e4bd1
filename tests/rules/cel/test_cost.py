"""The bound of what an evaluation costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.cel.cost import Part, Size, Terms, constant, plus, steps, times, value_of
from proxy.rules.cel.language import LANGUAGE
from proxy.rules.cel.tree import read

SIZES = [Size(path, part) for path in ("a", "b") for part in (Part.LENGTH, Part.TEXT)]
TERMS: st.SearchStrategy[Terms] = st.dictionaries(
    st.lists(st.sampled_from(SIZES), max_size=3).map(lambda sizes: tuple(sorted(sizes))),
    st.integers(0, 9).map(float),
    max_size=4,
)
VALUES = st.fixed_dictionaries({size: st.integers(0, 9) for size in SIZES})


@given(TERMS, TERMS, VALUES)
def test_sums_and_products_are_those_of_the_values(left: Terms, right: Terms, values: dict[Size, int]) -> None:
    first, second = (value_of(terms, values.__getitem__) for terms in (left, right))
    assert value_of(plus(left, right), values.__getitem__) == first + second
    assert value_of(times(left, right), values.__getitem__) == first * second


def test_a_constant_depends_on_nothing() -> None:
    assert constant(0) == {}
    assert constant(7) == {(): 7}
    assert value_of(constant(7), lambda _: 99) == 7
    assert value_of({}, lambda _: 99) == 0


def cost(text: str, *, items: int = 0, text_bytes: int = 0) -> float:
    """The steps of an expression where all lists and texts have that size."""

    def size(of: Size) -> int:
        return text_bytes if of.part is Part.TEXT else items

    return value_of(steps(read(LANGUAGE.compile(text).serialize())), size)


@pytest.mark.parametrize("text", ["job.max_num_threads > 1", "destination.exists", "now > job.create_time", "gib > 1"])
def test_numbers_have_no_size(text: str) -> None:
    assert cost(text) == cost(text, items=10_000, text_bytes=10_000)


@pytest.mark.parametrize(
    "text", ['job.id == "a"', 'job.id.startsWith("a")', 'job.id + "a" == "b"', "job.id.size() > 1"]
)
def test_texts_cost_by_their_length(text: str) -> None:
    assert cost(text, items=10_000) == cost(text)
    assert cost(text, text_bytes=6400) >= cost(text) + 100


ORDERS = [
    ("job.source.resolved[0] == job.id", 0),
    ("job.source.resolved.size() > 1", 0),
    ("job.id in job.source.resolved", 1),
    ('job.source.resolved.exists(i, i == "a")', 1),
    ("job.source.resolved == job.source.index", 1),
    ("job.source.resolved.all(i, i in job.source.index)", 2),
    ("job.source.resolved.all(i, job.source.index.all(j, i != j))", 2),
    ("job.source.resolved.filter(i, true) == []", 2),
    ("job.source.resolved.map(i, i) == []", 2),
    ("job.source.resolved.filter(i, true).filter(i, true) == []", 2),
    ("job.source.resolved.all(i, job.source.resolved.filter(j, true) == [])", 3),
    ("job.source.resolved.all(i, job.source.resolved.all(j, i in job.source.resolved))", 3),
    ("running.exists(r, r.owner_roles.exists(o, o in data.roles))", 3),
    ("running.filter(r, true).exists(r, r.id == job.id)", 2),
    ("running.map(r, r.id).exists(i, i == job.id)", 2),
    ("[[job.id]].all(l, l.all(i, i in job.source.resolved))", 1),
    ("[running].all(r, r.all(s, s.id == job.id))", 2),
    ("job.settings.all(k, job.settings[k] == 1)", 2),
    ("job.source.resolved.map(i, job.source.index).all(l, l.all(i, true))", 3),
    # What was needed to make a list counts, though nothing goes through it then.
    ("[job.source.resolved.filter(i, true)].size() > 0", 2),
    ("(job.source.resolved.filter(i, true) + []).size() > 0", 2),
    ("(true ? job.source.resolved.filter(i, true) : []).size() > 0", 2),
]


@pytest.mark.parametrize(("text", "order"), ORDERS)
def test_lists_cost_by_how_often_they_are_gone_through(text: str, order: int) -> None:
    """Ten times as many elements cost about ten to the power of the order as much."""
    few, many = cost(text, items=10_000), cost(text, items=100_000)
    assert 10**order * 0.9 <= many / few <= 10**order * 1.1


def test_a_loops_variable_hides_another_of_its_name() -> None:
    hidden = "job.source.index.all(job, [1].all(x, job == caller.realm))"
    plain = "job.source.index.all(i, [1].all(x, i == caller.realm))"
    assert cost(hidden, items=7, text_bytes=70) == cost(plain, items=7, text_bytes=70)
    # One that runs over records hides one that runs over texts.
    hidden = "job.source.index.all(r, running.exists(r, r == r))"
    plain = "job.source.index.all(i, running.exists(r, r == r))"
    assert cost(hidden, items=7, text_bytes=70) == cost(plain, items=7, text_bytes=70)


def test_texts_that_loops_make_count() -> None:
    text = "job.source.index.map(i, i + i).all(i, i.contains(job.id))"
    assert cost(text, items=100, text_bytes=640) >= cost(text, items=100) + 100 * 20


def test_regular_expressions_cost_by_their_size_and_the_text() -> None:
    short, long = ('job.id.matches("a")', f'job.id.matches("{"a" * 100}")')
    assert cost(long) >= cost(short) + 400
    assert cost(long, text_bytes=6400) >= cost(long) + 100 * 100


def test_a_written_list_costs_what_is_in_it() -> None:
    assert cost('[job.id, "a"].exists(i, i == caller.realm)', items=1_000_000) < 50
    assert cost("[1, 2, 3].all(x, x > 0)") > cost("[1, 2].all(x, x > 0)")


def test_numbers_become_texts() -> None:
    assert cost("string(job.max_num_threads) == string(1)") > cost("job.max_num_threads == 1") + 2
