"""JSON from the cluster: what the library may be handed, and how large it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.rules.cel.json_values import json_fault, measured
from proxy.rules.cel.limits import JSON_DEPTH

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_may_be_handed_over(value: Any) -> None:
    assert json_fault(value) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": [1 << 63]}, "more than 64 bits"),
        ([-(1 << 63) - 1], "more than 64 bits"),
        ({"a": "\ud800"}, "half a character"),
        ({"a": "whole \ud800"}, "half a character"),
        ({"\udfff": 1}, "half a character"),
        ({"a": b"x"}, "holds a bytes"),
        ({"a": (1,)}, "holds a tuple"),
    ],
)
def test_what_may_not(value: Any, said: str) -> None:
    fault = json_fault(value)
    assert fault is not None
    assert said in fault


def test_how_deep_is_counted() -> None:
    value: Any = 1
    for _ in range(JSON_DEPTH - 1):
        value = [value]
    assert json_fault(value) is None
    assert json_fault([value]) == f"it nests more than {JSON_DEPTH} levels"


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("abc", (0, 0, 3)),
        ("é", (0, 0, 4)),
        (7, (0, 0, 0)),
        (None, (0, 0, 0)),
        (["a", "bcd"], (2, 0, 3)),
        ([["a"], ["b", "cd"]], (2, 3, 2)),
        ({"key": ["a"]}, (2, 1, 3)),
        ([], (0, 0, 0)),
    ],
)
def test_sizes(value: Any, size: tuple[int, int, int]) -> None:
    assert measured(value) == size


@given(JSON)
def test_a_size_is_never_too_small(value: Any) -> None:
    own, within, longest = measured(value)

    def look(each: Any) -> int:
        if isinstance(each, str):
            assert len(each.encode()) <= longest
        if isinstance(each, dict):
            return len(each) + sum(look(below) for below in (*each, *each.values()))
        return len(each) + sum(look(below) for below in each) if isinstance(each, list) else 0

    assert look(value) <= own + within
