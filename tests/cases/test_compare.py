"""What came against what is expected."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.cases.compare import Came, differences
from proxy.cases.model import Expected, Wanted

ALLOWED = Came(
    status=200,
    error="",
    verdict=Wanted.ALLOWED,
    warnings=("w",),
    plan={"step": "create", "body": {"settings": {"index.number_of_shards": "1"}}},
    records=({"startgate": {"phase": "intent"}}, {"startgate": {"phase": "outcome"}, "event": {"outcome": "success"}}),
)
DENIED = Came(
    status=403, error="no such luck", verdict=Wanted.DENIED, reasons=("lacks [read] on a", "lacks [read] on ab")
)


@pytest.mark.parametrize(
    ("expected", "came", "told"),
    [
        (Expected(verdict=Wanted.ALLOWED), ALLOWED, []),
        (
            Expected(verdict=Wanted.DENIED),
            ALLOWED,
            ["verdict: expected denied, got allowed"],
        ),
        (
            Expected(verdict=Wanted.ALLOWED),
            DENIED,
            ["verdict: expected allowed, got denied\n  lacks [read] on a\n  lacks [read] on ab"],
        ),
        (
            Expected(verdict=Wanted.ALLOWED),
            Came(status=404, error="No known job", verdict=None),
            ["verdict: expected allowed, got the start was never judged: No known job"],
        ),
        (Expected(verdict=Wanted.DENIED, status=403, error="luck"), DENIED, []),
        (
            Expected(verdict=Wanted.DENIED, status=400, error="sick"),
            DENIED,
            ["status: expected 400, got 403 (no such luck)", "error: expected to read `sick`, got `no such luck`"],
        ),
        (Expected(verdict=Wanted.ALLOWED, warnings=("w",), shadowed=()), ALLOWED, []),
        (
            Expected(verdict=Wanted.ALLOWED, warnings=(), shadowed=("s",)),
            ALLOWED,
            ['warnings: expected [], got ["w"]', 'shadowed: expected ["s"], got []'],
        ),
        (Expected(verdict=Wanted.ALLOWED, plan={"step": "create"}), ALLOWED, []),
        (
            Expected(verdict=Wanted.ALLOWED, plan={"body": {"settings": {"index.number_of_shards": "2"}}}),
            ALLOWED,
            ['plan.body.settings.index.number_of_shards: expected "2", got "1"'],
        ),
        (
            Expected(verdict=Wanted.ALLOWED, plan={"body": {"aliases": {}}}),
            ALLOWED,
            ["plan.body.aliases: expected {}, and it is not there"],
        ),
    ],
)
def test_differences(expected: Expected, came: Came, told: list[str]) -> None:
    assert list(differences(expected, came)) == told


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (("on a", "on ab"), []),
        (("on ab", "on a"), []),  # the short text must leave the long reason to the long one
        (("[read]", "[read]"), []),
        (("on a",), ["reasons: not expected: lacks [read] on ab"]),
        ((), ["reasons: not expected: lacks [read] on a", "reasons: not expected: lacks [read] on ab"]),
        (("on a", "on ab", "on c"), ["reasons: none of its own reads `on c`"]),
    ],
)
def test_reasons_meet_one_to_one(wanted: tuple[str, ...], told: list[str]) -> None:
    assert list(differences(Expected(verdict=Wanted.DENIED, reasons=wanted), DENIED)) == told


@given(st.lists(st.text(alphabet="ab", min_size=1, max_size=3), max_size=6), st.randoms(use_true_random=False))
def test_reasons_that_are_expected_word_by_word_never_differ(texts: list[str], chance: Any) -> None:
    shuffled = list(texts)
    chance.shuffle(shuffled)
    came = replace(DENIED, reasons=tuple(texts))
    assert not differences(Expected(verdict=Wanted.DENIED, reasons=tuple(shuffled)), came)


@pytest.mark.parametrize(
    ("journal", "good"),
    [
        ([], True),
        ([{"startgate.phase": "intent"}], True),
        ([{"startgate": {"phase": "outcome"}}], True),
        ([{"startgate.phase": "intent"}, {"event.outcome": "success"}], True),
        ([{"startgate.phase": "outcome"}, {"startgate.phase": "intent"}], False),
        ([{"startgate.phase": "intent"}, {"startgate.phase": "intent"}], False),
        ([{"event.outcome": "failure"}], False),
        ([{"event.outcome.more": "x"}], False),
    ],
)
def test_records_in_their_order(journal: list[dict[str, Any]], good: bool) -> None:
    told = differences(Expected(verdict=Wanted.ALLOWED, journal=tuple(journal)), ALLOWED)
    assert (not told) is good
    assert all(line.startswith("journal: no record, in this order, holds number") for line in told)


def test_true_is_not_one() -> None:
    came = replace(ALLOWED, plan={"a": 1, "b": True})
    told = differences(Expected(verdict=Wanted.ALLOWED, plan={"a": True, "b": True}), came)
    assert list(told) == ["plan.a: expected true, got 1"]
