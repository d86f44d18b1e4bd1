"""Documents as numbers."""

import pytest

from proxy.embedded.ml.numbers import frequencies, mixed_rows, number, numeric_rows, value_at


@pytest.mark.parametrize(
    ("source", "path", "value"),
    [
        ({"a": 1}, "a", 1),
        ({"a": {"b": 2}}, "a.b", 2),
        ({"a.b": 3}, "a.b", 3),
        ({"a": {"b.c": 4}}, "a.b.c", 4),
        ({"a": [5]}, "a", 5),
        ({"a": [1, 2]}, "a", None),
        ({"a": [{"b": 6}]}, "a.b", 6),
        ({"a": 1}, "a.b", None),
        ({}, "a", None),
    ],
)
def test_value_at(source: object, path: str, value: object) -> None:
    assert value_at(source, path) == value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(1, 1.0), ("2.5", 2.5), (True, 1.0), ("false", 0.0), ("x", None), (None, None), ({}, None), ([], None)],
)
def test_number(value: object, wanted: float | None) -> None:
    assert number(value) == wanted


def test_rows() -> None:
    documents: list[dict[str, object]] = [{"a": 1, "b": 2}, {"a": 1}, {"a": 3, "b": "4"}]
    assert numeric_rows(documents, ["a", "b"]) == [(1.0, 2.0), None, (3.0, 4.0)]


def test_categories_are_shares() -> None:
    assert frequencies(["x", "x", None, "y", "y"]) == {"x": 0.5, "y": 0.5}
    documents: list[dict[str, object]] = [{"a": 1, "c": "x"}, {"c": "x"}, {"a": 3, "c": "y"}, {"a": 2}]
    rows = mixed_rows(documents, [("a", False), ("c", True)])
    assert rows == [(1.0, 2 / 3), (2.0, 2 / 3), (3.0, 1 / 3), (2.0, pytest.approx(5 / 9))]
    assert mixed_rows([{}], [("a", False)]) == [(0.0,)]
