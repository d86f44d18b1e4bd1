"""Exceptions for an emergency, as they are written."""

import pytest

from proxy.rules.compiled import BreakGlass, Origin
from tests.rules.samples import VALID
from tests.rules.texts import compiled, valid

ENTRY = {
    "id": "incident-7",
    "from": "2026-11-24T22:00:00Z",
    "until": "2026-11-25T00:00:00+01:00",
    "users": "[anna]",
    "jobs": "['flights-*']",
    "reason": "the role was lost",
    "signed_by": "ops",
    "signature": "c2ln",
}


def text(**changes: str | None) -> str:
    """A file with one entry, some of it changed."""
    lines = [f"{key}: {value}" for key, value in (ENTRY | changes).items() if value is not None]
    return VALID + "break_glass:\n  - " + "\n    ".join(lines) + "\n"


def test_an_entry_is_read() -> None:
    assert valid(text()).break_glass == (
        BreakGlass(
            id="incident-7",
            from_ms=1_795_557_600_000,
            until_ms=1_795_561_200_000,
            users=("anna",),
            jobs=("flights-*",),
            reason="the role was lost",
            signed_by="ops",
            signature="c2ln",
            origin=Origin("a.yml", 8),
        ),
    )


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("'1970-01-01 00:00:01.5+00:00'", 1500),
        ("0001-01-01T00:00:00+14:00", -62_135_647_200_000),
        ("1970-01-01t00:00:00.001z", 1),
    ],
)
def test_moments(written: str, ms: int) -> None:
    assert valid(text(**{"from": written})).break_glass[0].from_ms == ms


@pytest.mark.parametrize(
    "written", ["2026-11-24", "2026-11-24T22:00:00", "2026-13-24T22:00:00Z", "soon", "5", "[a]", "22:00", "~", "''"]
)
def test_what_is_no_moment(written: str) -> None:
    assert compiled(text(until=written)) == (
        None,
        ["a.yml:10:12: `until` takes a time with its zone, such as 2026-11-24T22:00:00Z"],
    )


@pytest.mark.parametrize("key", ENTRY)
def test_nothing_may_be_left_out(key: str) -> None:
    rules, faults = compiled(text(**{key: None}))
    assert rules is None
    assert len(faults) == 1
    assert f"`{key}` is missing" in faults[0]


@pytest.mark.parametrize("key", ENTRY)
def test_nothing_may_be_of_another_kind(key: str) -> None:
    rules, faults = compiled(text(**{key: "{a: b}"}))
    assert rules is None
    assert len(faults) == 1


def test_ids_are_there_once() -> None:
    twice = text() + text().split("break_glass:\n")[1]
    assert compiled(twice)[1] == ["a.yml:16:9: the id `incident-7` is taken by the exception in a.yml:8"]


def test_an_exception_counts_for_the_revision_and_vouches_for_itself() -> None:
    assert valid(text()).revision != valid(VALID).revision
    assert valid(text()).seal == valid(VALID).seal


def test_an_item_is_a_mapping() -> None:
    assert "is a mapping with the keys `id`, `from`" in compiled(VALID + "break_glass: [x]\n")[1][0]
