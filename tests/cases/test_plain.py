"""Values out of strict YAML."""

from typing import Any

import pytest

from proxy.cases.plain import moment_ms, number, plain, truth
from proxy.rules.source import Entry, Table, read
from proxy.rules.values import Values


def entry(text: str) -> Entry:
    root, faults = read(f"key: {text}\n", "a.yml")
    assert isinstance(root, Table), faults
    return root.entries[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("word", "word"),
        ("'12'", "12"),
        ("12", 12),
        ("-3", -3),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("[a, 1, {b: [true]}]", ["a", 1, {"b": [True]}]),
        ("{a: {b.c: d}}", {"a": {"b.c": "d"}}),
    ],
)
def test_values(text: str, value: Any) -> None:
    values = Values()
    assert plain(values, entry(text).value) == value
    assert not values.faults


@pytest.mark.parametrize("text", ["yes", "on", "n", "012", "0x1f", "12:30", "2026-01-01"])
def test_what_yaml_might_read_otherwise_is_not_guessed(text: str) -> None:
    values = Values()
    assert plain(values, entry(text).value) is None
    (fault,) = values.faults
    assert "put it in quotes" in str(fault)
    assert str(fault).startswith("a.yml:1:6")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("'1970-01-01T01:00:00+01:00'", 0),
        ("1970-01-01T00:00:00.250+00:00", 250),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01", None),
        ("yesterday", None),
        ("[]", None),
    ],
)
def test_moments(text: str, found: int | None) -> None:
    values = Values()
    assert moment_ms(values, entry(text)) == found
    assert bool(values.faults) is (found is None)


@pytest.mark.parametrize(("text", "found"), [("1", 1), ("5", 5), ("0", None), ("6", None), ("a", None), ("[1]", None)])
def test_numbers(text: str, found: int | None) -> None:
    values = Values()
    assert number(values, entry(text), at_least=1, at_most=5) == found
    assert bool(values.faults) is (found is None)


@pytest.mark.parametrize(
    ("text", "found"), [("true", True), ("false", False), ("'true'", None), ("yes", None), ("{}", None)]
)
def test_truths(text: str, found: bool | None) -> None:
    values = Values()
    assert truth(values, entry(text)) is found
    assert bool(values.faults) is (found is None)
