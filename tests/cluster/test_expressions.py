"""Lists of expressions in pieces: they stand for what the whole list stands for, and each request fits."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.cluster.expressions import NO_MATCH, Piece, included, pieces
from proxy.cluster.transport import quoted
from tests.cluster.resolver import resolved

INDICES = ("a1", "a2", "ab", "b1", "b2", "c1")
ALIASES = {"aa": ("a1", "b1"), "az": ("c1",), "bb": ("b1", "b2"), "all": INDICES}
NAMES = (*INDICES, *ALIASES)
# Stands for any of them, as date math may.
DATES: Mapping[str, str] = {f"<{name}>": name for name in NAMES}


def meant(answered: Sequence[Piece]) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for piece in answered:
        answers = [resolved(request, INDICES, ALIASES, DATES) for request in piece.requests]
        found |= answers[0].intersection(*answers[1:])
    return found


one = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES).map("-{}".format),
    st.sampled_from(["*", "a*", "b*", "*1", "all*", "zz*", "<a*>"]),
    st.sampled_from(["-*", "-a*", "-b*", "-*2", "-zz*"]),
    st.sampled_from([*DATES, *(f"-{date}" for date in DATES)]),
)


@given(st.lists(one, min_size=1, max_size=12), st.integers(1, 80))
def test_the_pieces_stand_for_what_the_whole_list_stands_for(expressions: list[str], limit: int) -> None:
    assert meant(pieces(expressions, limit)) == resolved(expressions, INDICES, ALIASES, DATES)


@given(st.lists(one, min_size=1, max_size=20), st.integers(60, 100))
def test_every_request_fits(expressions: list[str], limit: int) -> None:
    for piece in pieces(expressions, limit):
        for request in piece.requests:
            # A piece holds at least one expression and one exclusion, whatever their size.
            assert len(quoted(",".join(request))) <= limit


@given(st.lists(one, min_size=1, max_size=12), st.integers(1, 80))
def test_no_expression_is_left_out(expressions: list[str], limit: int) -> None:
    """So that the cluster can refuse each of them, as it would in one request."""
    asked = {name for piece in pieces(expressions, limit) for request in piece.requests for name in request}
    assert asked - {NO_MATCH} == set(expressions)


def test_a_list_that_fits_is_asked_for_as_it_is() -> None:
    assert pieces(["a*", "-a1", "_all"]) == (Piece((("a*", "-a1", "_all"),)),)
    assert pieces([]) == (Piece(((),)),)


def test_what_stands_alone_in_its_piece_does_not_to_the_cluster() -> None:
    """`*` and `_all` mean something else where nothing stands beside them."""
    assert pieces(["aaaaa", "*", "_all"], 10) == (
        Piece((("aaaaa",),)),
        Piece((("_all", NO_MATCH),)),
        Piece((("*", NO_MATCH),)),
    )


@pytest.mark.parametrize(
    ("expressions", "wanted"),
    [
        (["a"], ("a",)),
        (["-a", "b*", "-b1", "-b2", "c", "-c"], ("-a", "b*", "c")),
        (["<a*>", "-a"], ("<a*>",)),
    ],
)
def test_what_is_included(expressions: list[str], wanted: tuple[str, ...]) -> None:
    assert included(expressions) == wanted


def test_long_lists_take_few_requests_and_little_time() -> None:
    """Of ten thousand names and as many exclusions, only the exclusions of its own names go with a piece."""
    names = [f"index-{number:05}" for number in range(10_000)]
    split = pieces(["x*", *names, *(f"-{name}" for name in names[::2])])
    assert sum(len(piece.requests) for piece in split) < 400


def test_the_resolver_here_does_what_nodes_do() -> None:
    """The rows that tests on genuine nodes hold, too."""
    told = {
        ("a*", "-aa"): {"a1", "a2", "ab", "b1", "c1", *INDICES},
        ("aa", "#*", "-a1"): {"a1", "b1"},
        ("aa", "a1", "#*", "-aa"): {"a1"},
        ("aa", "a1", "#*", "-a*"): {"a1", "b1"},
        ("<a1>", "#*", "-a1"): set(),
        ("a1", "#*", "-<a1>"): set(),
        ("-a1",): set(),
    }
    for expressions, wanted in told.items():
        assert resolved(expressions, INDICES, ALIASES, DATES) == wanted, expressions
