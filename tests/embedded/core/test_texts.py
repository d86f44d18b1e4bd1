import pytest

from proxy.embedded.core.texts import java, java_type, matches
from tests.embedded.core.support import Json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.5, "1.5"),
        (1e30, "1.0E30"),
        (1.25e-7, "1.25E-7"),
        ("x", "x"),
        ({"a": 1, "b": [None, "x"]}, "{a=1, b=[null, x]}"),
        ([], "[]"),
        ({}, "{}"),
    ],
)
def test_values_print_as_java_prints_them(value: Json, text: str) -> None:
    assert java(value) == text


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "Boolean"),
        (1, "Integer"),
        (2**40, "Long"),
        (1.0, "Double"),
        ({}, "LinkedHashMap"),
        ([], "ArrayList"),
        ("x", "String"),
    ],
)
def test_java_type_names(value: Json, name: str) -> None:
    assert java_type(value) == name


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("*", "", True),
        ("a*", "abc", True),
        ("*c", "abc", True),
        ("a*c", "abc", True),
        ("a*c", "ab", False),
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("a.c*", "abcd", False),
        ("a?c", "abc", False),
        ("**", "x", True),
    ],
)
def test_simple_patterns(pattern: str, text: str, wanted: bool) -> None:
    assert matches(pattern, text) is wanted
