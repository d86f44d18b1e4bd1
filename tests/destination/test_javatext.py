"""How Java prints values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.javatext import java_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"type": "long"}, "{type=long}"),
        ({"type": "keyword", "ignore_above": 256}, "{type=keyword, ignore_above=256}"),
        ({}, "{}"),
        ([], "[]"),
        ({"a": {"b": [1, "x", {"c": None}]}}, "{a={b=[1, x, {c=null}]}}"),
        ((1, 2), "[1, 2]"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ("with = and {}", "with = and {}"),
        (12345678901234567890, "12345678901234567890"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.5, "0.5"),
        (100.0, "100.0"),
        (0.001, "0.001"),
        (0.00099, "9.9E-4"),
        (9999999.0, "9999999.0"),
        (10000000.0, "1.0E7"),
        (-12345678.5, "-1.23456785E7"),
        (1e10, "1.0E10"),
        (1.5e300, "1.5E300"),
        (5e-324, "5.0E-324"),
        (1e16, "1.0E16"),
        (1e-10, "1.0E-10"),
    ],
)
def test_prints_as_java(value: Any, text: str) -> None:
    assert java_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_as_they_were(value: float) -> None:
    text = java_text(value)
    assert float(text) == value
    assert "." in text
    assert "+" not in text
