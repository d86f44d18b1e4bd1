"""Legacy templates: which apply, and what becomes of them together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.legacy import defaulted, given_aliases, given_mappings, given_settings, matching


def template(*patterns: str, order: int | None = None, **more: Any) -> dict[str, Any]:
    return {"index_patterns": list(patterns), **({} if order is None else {"order": order}), **more}


def test_all_that_match_apply_the_highest_order_first() -> None:
    templates = {
        "b": template("out-*", order=1),
        "a": template("x", "o*"),
        "c": template("*", order=7),
        "d": template("out-1"),
        "not": template("ou[t]-1", "ou?-1", "OUT-1", order=9),
        "none": {},
    }
    assert matching(templates, "out-1") == [templates[name] for name in ("c", "b", "a", "d")]
    assert matching(templates, "[t]") == [templates["c"]]


def test_aliases_are_told_in_order() -> None:
    names = [f"alias-{number}" for number in range(9)]
    assert given_aliases([template(aliases={name: {} for name in reversed(names)})]) == tuple(names)


@pytest.mark.parametrize(("pattern", "name"), [("ou[t]-*", "ou[t]-1"), ("ou?-*", "ou?-1"), ("*[1]", "out[1]")])
def test_the_only_wildcard_is_the_star(pattern: str, name: str) -> None:
    """What a shell would take for a wildcard stands for itself."""
    assert matching({"a": template(pattern)}, name) != []
    assert matching({"a": template(pattern)}, "out-1") == []


def test_nothing_matches() -> None:
    assert (given_settings([]), given_mappings([]), given_aliases([])) == ({}, {}, ())


def test_the_higher_order_wins() -> None:
    high = template(settings={"a": "1"}, mappings={"_meta": {"a": 1}, "dynamic": False}, aliases={"z": {}})
    low = template(
        settings={"a": "2", "b": "2"}, mappings={"_meta": {"a": 2, "b": 2}, "dynamic": True}, aliases={"y": {}}
    )
    assert given_settings([high, low]) == {"a": "1", "b": "2"}
    assert given_mappings([high, low]) == {"_meta": {"a": 1, "b": 2}, "dynamic": False}
    assert given_aliases([high, low]) == ("y", "z")


@pytest.mark.parametrize(
    ("content", "defaults", "expected"),
    [
        ({}, {"a": 1}, {"a": 1}),
        ({"a": 1}, {"a": 2}, {"a": 1}),
        ({"a": {"x": 1}}, {"a": {"x": 2, "y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": {"x": 1}}, {"a": 2}, {"a": {"x": 1}}),
        ({"a": 2}, {"a": {"x": 1}}, {"a": 2}),
        ({"a": [1, 2]}, {"a": [2, 3]}, {"a": [2, 3, 1]}),
        ({"a": [1]}, {"a": 3}, {"a": [1]}),
        ({"a": [{"s": {"x": 1}}, {"t": {}}]}, {"a": [{"u": {}}, {"s": {"x": 2, "y": 2}}]}, None),
        ({"a": [{"s": 1, "t": 2}]}, {"a": [{"s": 1}]}, {"a": [{"s": 1}, {"s": 1, "t": 2}]}),
    ],
)
def test_definitions_are_merged_to_the_bottom(content: Any, defaults: Any, expected: Any) -> None:
    named = {"a": [{"s": {"x": 1, "y": 2}}, {"t": {}}, {"u": {}}]}
    assert defaulted(content, defaults) == (named if expected is None else expected)


JSON = st.recursive(
    st.integers(0, 2), lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3), max_leaves=8
)


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), JSON))
def test_nothing_is_lost_and_the_content_wins(content: dict[str, Any], defaults: dict[str, Any]) -> None:
    merged = defaulted(content, defaults)
    assert merged.keys() == content.keys() | defaults.keys()
    assert defaulted(content, merged) == merged
    assert defaulted(content, {}) == content
    assert defaulted({}, defaults) == defaults
