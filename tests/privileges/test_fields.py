"""Field-level security as a view of a mapping."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.privileges.automata import Undecidable
from proxy.privileges.fields import FieldSecurity, visible_fields

LONG = {"type": "long"}
KEYWORD = {"type": "keyword"}
PROPERTIES: dict[str, Any] = {
    "a": LONG,
    "obj": {"properties": {"x": LONG, "deep": {"type": "nested", "properties": {"y": KEYWORD}}}},
    "empty": {"type": "object"},
    "multi": {"type": "text", "fields": {"raw": KEYWORD, "n": LONG}, "analyzer": "english"},
    "_meta_like": LONG,
}


@pytest.mark.parametrize(
    ("grant", "except_", "expected"),
    [
        (("*",), (), PROPERTIES),
        ((), (), {"_meta_like": LONG}),
        (("a",), (), {"a": LONG, "_meta_like": LONG}),
        (("a",), ("_*",), {"a": LONG}),
        (("obj.x",), ("_*",), {"obj": {"properties": {"x": LONG}}}),
        (("obj.deep.*",), ("_*",), {"obj": {"properties": {"deep": {"type": "nested", "properties": {"y": KEYWORD}}}}}),
        # Granted itself, but nothing in it: the empty object stays, as in the cluster.
        (("obj",), ("_*",), {"obj": {"properties": {}}}),
        (("obj*",), ("obj.deep*", "_*"), {"obj": {"properties": {"x": LONG}}}),
        (("empty",), ("_*",), {"empty": {"type": "object"}}),
        (("multi",), ("_*",), {"multi": {"type": "text", "analyzer": "english"}}),
        (("multi*",), ("_*", "multi.n"), {
            "multi": {"type": "text", "analyzer": "english", "fields": {"raw": KEYWORD}},
        }),
        # Only a multi-field is granted: the field becomes an object that holds it.
        (("multi.raw",), ("_*",), {"multi": {"analyzer": "english", "properties": {"raw": KEYWORD}}}),
        (("*",), ("multi", "obj*", "_*"), {
            "a": LONG, "empty": {"type": "object"},
            "multi": {"analyzer": "english", "properties": {"raw": KEYWORD, "n": LONG}},
        }),
        (("/a|multi/",), ("_*",), {"a": LONG, "multi": {"type": "text", "analyzer": "english"}}),
    ],
)  # fmt: skip
def test_what_stays(grant: tuple[str, ...], except_: tuple[str, ...], expected: dict[str, Any]) -> None:
    before = copy.deepcopy(PROPERTIES)
    assert FieldSecurity(grant, except_).visible(PROPERTIES) == expected
    assert before == PROPERTIES


def test_several_views_show_what_any_shows() -> None:
    views = (FieldSecurity(("a",)), FieldSecurity(("obj.x",), ("_*",)))
    assert visible_fields(views, PROPERTIES) == {"a": LONG, "obj": {"properties": {"x": LONG}}, "_meta_like": LONG}
    assert visible_fields((), PROPERTIES) == {}


def test_total_is_all_fields_without_exception() -> None:
    assert FieldSecurity().total
    assert not FieldSecurity(("*",), ("a",)).total
    assert not FieldSecurity(("a",)).total


def test_a_pattern_that_cannot_be_decided_is_not_guessed() -> None:
    with pytest.raises(Undecidable):
        FieldSecurity(("/<1-5>/",)).grants("a")


NAMES = st.sampled_from(["a", "b", "c"])
MAPPINGS = st.recursive(
    st.just(LONG),
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=3).map(lambda fields: {"properties": fields}),
        st.dictionaries(NAMES, st.just(KEYWORD), max_size=2).map(lambda fields: {"type": "text", "fields": fields}),
    ),
    max_leaves=8,
)
VIEWS = st.builds(
    FieldSecurity,
    st.lists(st.sampled_from(["*", "a", "a.*", "*.b", "b*", "c.a"]), max_size=2).map(tuple),
    st.lists(st.sampled_from(["a.b", "*.c", "b"]), max_size=1).map(tuple),
)


@given(st.dictionaries(NAMES, MAPPINGS, max_size=3), VIEWS)
def test_a_view_applied_twice_shows_the_same(properties: dict[str, Any], view: FieldSecurity) -> None:
    once = view.visible(properties)
    assert view.visible(once) == once


@given(st.dictionaries(NAMES, MAPPINGS, max_size=3), VIEWS, VIEWS)
def test_no_leaf_is_shown_that_no_view_grants(
    properties: dict[str, Any], one: FieldSecurity, other: FieldSecurity
) -> None:
    for path in leaves("", visible_fields((one, other), properties)):
        assert one.grants(path) or other.grants(path)


def leaves(path: str, fields: dict[str, Any]) -> list[str]:
    """The full names of all fields that hold values."""
    found = []
    for name, definition in fields.items():
        full = f"{path}.{name}" if path else name
        if "properties" in definition:
            found += leaves(full, definition["properties"])
        else:
            found += [full, *leaves(full, definition.get("fields", {}))]
    return found
