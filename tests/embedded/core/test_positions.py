import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.core import positions
from tests.embedded.core.support import Json

TEXT = '{"query": {"term": {"a\\"b": [1, {"x": true}, "s"]}},\n "size": -2.5}'
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), json.loads(TEXT)),
        (("query", "term"), {'a"b': [1, {"x": True}, "s"]}),
        (("query", "term", 'a"b', 0), 1),
        (("query", "term", 'a"b', 1, "x"), True),
        (("query", "term", 'a"b', 2), "s"),
        (("size",), -2.5),
    ],
)
def test_a_span_holds_exactly_its_value(path: tuple[str | int, ...], value: Json) -> None:
    span = positions.find(TEXT, path)
    assert span is not None
    assert json.loads(TEXT[span.start : span.end + 1]) == value


@pytest.mark.parametrize("path", [("nope",), ("query", 0), ("size", "x"), ("query", "term", 'a"b', 7)])
def test_paths_that_lead_nowhere(path: tuple[str | int, ...]) -> None:
    assert positions.find(TEXT, path) is None
    assert positions.value_start(TEXT, path) == (1, 1)
    assert positions.value_end(TEXT, path) == (1, 1)
    assert positions.key_start(TEXT, path) == (1, 1)


def test_lines_and_columns_count_from_one() -> None:
    assert positions.value_start(TEXT, ()) == (1, 1)
    assert positions.key_start(TEXT, ("query",)) == (1, 2)
    assert positions.key_start(TEXT, ("size",)) == (2, 2)
    assert positions.value_start(TEXT, ("size",)) == (2, 10)
    assert positions.value_end(TEXT, ("size",)) == (2, 13)


def test_broken_texts_are_no_fault() -> None:
    for text in ("", "{", '{"a"', '{"a":', '{"a":[1', "[", "nope"):
        assert positions.find(text, ("a", 3)) is None


def _paths(value: Json, at: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Json]]:
    found = [(at, value)]
    if isinstance(value, dict):
        found += [pair for key, inner in value.items() for pair in _paths(inner, (*at, key))]
    if isinstance(value, list):
        found += [pair for number, inner in enumerate(value) for pair in _paths(inner, (*at, number))]
    return found


@given(VALUES, st.sampled_from([None, 2]))
def test_every_value_is_found_where_it_is(value: Json, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    for path, inner in _paths(value):
        span = positions.find(text, path)
        assert span is not None
        assert json.loads(text[span.start : span.end + 1]) == inner
