"""What is asked of starts: checked with what is allowed, and held against entries."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.api import ApiError
from proxy.admin.shown.starts import StartsQuery
from proxy.admin.views import asked as views
from proxy.admin.views.asked import Asked, Matcher, cursor_of, place_of, query_of, size_of, whose
from proxy.journal.query import Name, Query, Result
from tests.admin.views.reading import ANNA, NOBODY, READ, denied, held, who
from tests.journal.making import encode, write


def refused(query: StartsQuery) -> ApiError:
    """Why a query is not served."""
    with pytest.raises(ApiError) as caught:
        query_of(query)
    assert caught.value.status == 400
    return caught.value


def test_nothing_asks_for_all() -> None:
    assert query_of(StartsQuery()) == Query()


def test_all_that_can_be_asked() -> None:
    asked = StartsQuery(user="a*", job="j", index="i", verdict="denied", since="2026-01-01", until="2026-01-02")
    assert query_of(asked) == Query(
        user=Name("a*"),
        job=Name("j"),
        index=Name("i"),
        results=frozenset({Result.DENIED}),
        since="2026-01-01T00:00:00.000Z",
        until="2026-01-02T00:00:00.000Z",
    )


@pytest.mark.parametrize(
    ("query", "where", "text"),
    [
        (StartsQuery(verdict="denyed"), "verdict", "denied"),
        (StartsQuery(verdict="x" * 10_000), "verdict", "is no verdict"),
        (StartsQuery(since="yesterday"), "since", "is no time"),
        (StartsQuery(until="9" * 10_000), "until", "is no time"),
        (StartsQuery(since="2026-01-02", until="2026-01-02"), "until", "no time in between"),
        (StartsQuery(user="x" * 1025), "user", "1025 characters"),
        (StartsQuery(index="*" * 5000), "index", "5000 characters"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_place(query: StartsQuery, where: str, text: str) -> None:
    error = refused(query)
    assert error.where == where
    assert text in error.reason
    assert len(error.reason) < 200


@pytest.mark.parametrize("size", [0, -1, 501, 10**30])
def test_sizes_are_bounded(size: int) -> None:
    with pytest.raises(ApiError, match="cannot be asked for"):
        size_of(size)
    assert size_of(500) == 500


@given(st.integers(0, 10**12 - 1), st.integers(0, 10**18 - 1))
def test_cursors_come_back(file: int, offset: int) -> None:
    assert place_of(cursor_of((file, offset))) == (file, offset)


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1", "1-2-3", "²-1", " 1-2", "1-2\n", "9" * 500 + "-1"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ApiError, match="no cursor"):
        place_of(cursor)
    assert place_of("") is None


def test_who_may_see_whose() -> None:
    assert whose(READ) is None
    assert whose(ANNA) == ("anna", "native1")
    with pytest.raises(ApiError) as caught:
        whose(NOBODY)
    assert caught.value.status == 403


@given(st.lists(st.text("ab", max_size=3), max_size=6), st.text("a*b", max_size=4))
def test_matchers_remember_and_say_the_same(names: list[str], asked: str) -> None:
    matcher, name = Matcher(Name(asked)), Name(asked)
    for _ in range(2):
        assert matcher.takes(names) == any(map(name.takes, names))
    assert Matcher(None).takes(names)


def test_names_that_are_not_held_are_read(tmp_path: Path) -> None:
    """A job over more indices than are held: asked for by the last of them."""
    many = [f"i{number}" for number in range(500)]
    write(tmp_path, [encode(denied("a", user="anna", caller=who("anna"), job={"id": "j", "sources": many}))])
    reader, index = held(tmp_path)
    (entry,) = index.entries
    assert entry.more
    for text, expected in (("i499", True), ("i4*9", True), ("i500", False)):
        asked = Asked(Query(index=Name(text)), None, reader.with_all_names)
        assert asked.takes(entry) is expected
    (tmp_path / "starts-000001.jsonl").unlink()
    assert not Asked(Query(index=Name("i499")), None, reader.with_all_names).takes(entry), "its file is gone"


def test_only_ones_own_are_answers(tmp_path: Path) -> None:
    write(tmp_path, [encode(denied("a", caller=who("anna"))), encode(denied("b", caller=who("anna", "ldap1")))])
    reader, index = held(tmp_path)
    asked = Asked(Query(), ("anna", "native1"), reader.with_all_names)
    assert [asked.takes(entry) for entry in index.entries] == [True, False]
    assert not asked.everything
    assert Asked(Query(), None, reader.with_all_names).everything


def test_what_a_question_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "NAMES_SEEN", 3)
    matcher = Matcher(Name("a*"))
    assert [matcher.takes([name]) for name in ("a1", "b1", "a2", "b2", "a1")] == [True, False, True, False, True]
    assert len(matcher._seen) <= 3
