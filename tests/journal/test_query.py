"""What is asked of a journal: kinds, results, names with wildcards, times, and what lines need not be decoded."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.journal.entry import Phase, administrative
from proxy.journal.query import Kind, Name, Query, Result, at, kind_of, result, results
from proxy.journal.start import Start
from tests.journal.making import granted, record


def start(*records: dict[str, Any]) -> Start:
    """A start with these records."""
    return Start("r", {one["startgate"]["phase"]: one for one in records})


OBSERVED = {"startgate": {"format": 1, "observed": {"action": "put"}}}
NEWER = {"event": {"action": "of-tomorrow"}, "startgate": {"format": 9}}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (record("r"), Kind.START),
        (administrative("x", "y", 0, outcome="success"), Kind.ADMIN),
        (OBSERVED, Kind.OBSERVED),
        (NEWER, Kind.OTHER),
    ],
)
def test_kinds(content: dict[str, Any], kind: Kind) -> None:
    assert kind_of(content) is kind


@pytest.mark.parametrize(
    "content", [None, 1, [], {}, {"startgate": 1}, {"startgate": {}}, {"startgate": {"format": 1}}]
)
def test_what_is_no_record(content: object) -> None:
    with pytest.raises(ValueError, match="it "):
        kind_of(content)


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (granted("r"), {Result.GRANTED, Result.ALLOWED}),
        (granted("r", end="failure"), {Result.GRANTED, Result.ALLOWED, Result.FAILED}),
        ([record("r", verdict={"allowed": False})], {Result.DENIED}),
        ([record("r", verdict={"allowed": True})], {Result.REFUSED, Result.ALLOWED}),
        ([record("r")], {Result.REFUSED}),
        ([record("r", Phase.INTENT, "unknown")], {Result.OPEN}),
        ([record("r", outcome="unknown")], {Result.UNKNOWN}),
        ([record("r", outcome="success", plan_only=True)], {Result.PLANNED}),
        ([record("r", outcome="success", explain_only=True)], {Result.EXPLAINED}),
    ],
)
def test_results(records: list[dict[str, Any]], told: set[Result]) -> None:
    one = start(*records)
    assert results(one) == told
    assert result(one) in told
    for asked in Result:
        query = Query(results=frozenset({asked}))
        assert query.takes(one) is (asked in told)
        if asked in told:
            # The line with which the start begins must not be passed over.
            assert all(needle in msgspec.json.encode(records[0]) for needle in query.needles)


@pytest.mark.parametrize(
    ("asked", "taken", "others"),
    [
        ("anna", ["anna"], ["annas", "Anna", "", None]),
        ("flights-*", ["flights-", "flights-1"], ["flight", "my-flights-1"]),
        ("*-2026", ["a-2026", "-2026"], ["a-20261"]),
        ("a*b*c", ["abc", "a--b--c"], ["ac", "acb"]),
        ("*", ["", "x"], [None]),
        ("a.c", ["a.c"], ["abc"]),
    ],
)
def test_names(asked: str, taken: list[str], others: list[str | None]) -> None:
    name = Name(asked)
    assert [one for one in (*taken, *others) if name.takes(one)] == taken


@given(text=st.text(), asked=st.data())
def test_a_needle_stands_in_the_line_of_every_name_that_is_taken(text: str, asked: st.DataObject) -> None:
    """Names of any characters, asked for whole or with a part of them replaced by `*`."""
    cut = asked.draw(st.integers(0, len(text)))
    for name in (Name(text), Name(text[:cut] + "*"), Name("*" + text[cut:])):
        assert name.takes(text)
        assert name.needle in msgspec.json.encode({"user": {"name": text}})


@given(st.text("a*b", max_size=8), st.text("ab\n", max_size=8))
def test_names_are_taken_as_an_expression_would(asked: str, name: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, asked.split("*"))), name, re.DOTALL) is not None
    assert Name(asked).takes(name) == expected


def test_many_stars_take_no_time() -> None:
    assert not Name("a*" * 500 + "b").takes("a" * 5000)


def test_a_user_is_found_in_every_role_that_they_have() -> None:
    for found in (
        record("r", user="anna"),
        record("r", caller={"name": "anna"}),
        record("r", secondary={"name": "anna"}),
    ):
        assert Query(user=Name("anna")).takes(start(found))
    assert not Query(user=Name("anna")).takes(start(record("r", user="ben")))


@pytest.mark.parametrize(
    "ours",
    [
        {"job": {"sources": ["x", "flights"]}},
        {"job": {"source_indices": ["flights"]}},
        {"job": {"destination": "flights"}},
        {"destination": {"index": "flights"}},
        {"destination": {"source_indices": ["flights"]}},
    ],
)
def test_an_index_is_found_wherever_it_is_named(ours: dict[str, Any]) -> None:
    assert Query(index=Name("flights")).takes(start(record("r", **ours)))
    assert Query(index=Name("fl*")).takes_record(record("r", **ours))
    assert not Query(index=Name("flight")).takes(start(record("r", **ours)))


def test_a_start_is_found_by_what_any_of_its_records_says() -> None:
    """An outcome that was found after a crash names no user."""
    intent = record("r", Phase.INTENT, "unknown", user="anna", job={"id": "j"})
    one = start(intent, record("r", outcome="unknown", job={"id": "j"}, reconciled=True))
    assert Query(user=Name("anna"), job=Name("j"), results=frozenset({Result.UNKNOWN})).takes(one)


def test_times_are_those_of_outcomes() -> None:
    intent, outcome = granted("r", end=None)
    since = outcome["@timestamp"]
    assert Query(since=since).takes(start(intent, outcome))
    assert not Query(until=since).takes(start(intent, outcome))
    assert Query(until=since).takes(start(intent))
    assert Query(since=since).takes_time(None), "without a time it is shown rather than lost"


def test_what_is_not_there_is_none() -> None:
    assert at({"a": {"b": 1}}, "a", "b") == 1
    assert at({"a": 1}, "a", "b") is None
    assert at({}, "a") is None
