"""What an index really is: templates, with the request laid over them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.effective import effective_mappings, effective_settings

LONG, WORD = {"type": "long"}, {"type": "keyword"}
NONE: dict[str, Any] = {"properties": {}}


def test_settings_of_the_request_win() -> None:
    assert effective_settings({"b": "1", "a": "1"}, {"b": 2, "c": 3}) == {"a": "1", "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        ({}, {}, {}),
        (
            {"dynamic": "strict", "_routing": 1},
            {"dynamic": False},
            {"dynamic": False, "_routing": 1},
        ),
        (
            {"_meta": {"managed": "fleet", "version": {"x": 1}}},
            {"_meta": {"by": "job", "version": {"created": "8"}}},
            {"_meta": {"managed": "fleet", "by": "job", "version": {"x": 1, "created": "8"}}},
        ),
        ({"_meta": "odd"}, {"_meta": {"by": "job"}}, {"_meta": {"by": "job"}}),
        ({"_meta": {"managed": "fleet"}}, {}, {"_meta": {"managed": "fleet"}}),
        ({"properties": {"a": LONG}}, {}, {"properties": {"a": LONG}}),
        ({"properties": {"a": LONG, "b": LONG}}, {"properties": {"b": WORD}}, {"properties": {"a": LONG, "b": WORD}}),
        ({"runtime": {"a": LONG}}, {"runtime": {"b": WORD}}, {"runtime": {"a": LONG, "b": WORD}}),
        (
            {"properties": {"o": {"properties": {"a": LONG, "b": LONG}}}},
            {"properties": {"o": {"dynamic": "true", "properties": {"a": WORD}}}},
            {"properties": {"o": {"dynamic": "true", "properties": {"a": WORD, "b": LONG}}}},
        ),
        ({"properties": {"o": {"properties": {"a": LONG}}}}, {"properties": {"o": LONG}}, {"properties": {"o": LONG}}),
        (
            {"properties": {"o": LONG}},
            {"properties": {"o": NONE}},
            {"properties": {"o": NONE}},
        ),
        ({"properties": None}, {"properties": {"o": LONG}}, {"properties": {"o": LONG}}),
    ],
)
def test_mappings(given: dict[str, Any], asked: dict[str, Any], expected: dict[str, Any]) -> None:
    assert effective_mappings(given, asked) == expected


MAPPINGS = st.recursive(
    st.sampled_from([LONG, WORD]),
    lambda below: st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from("abc"), below, max_size=3)}),
    max_leaves=6,
)


@given(MAPPINGS)
def test_a_template_that_says_the_same_changes_nothing(mapping: dict[str, Any]) -> None:
    assert effective_mappings(mapping, mapping) == mapping
    assert effective_mappings({}, mapping) == mapping
