import pytest

from proxy.embedded.core import mapping_merge, mapping_parse
from proxy.embedded.core.analysis import Analysis
from proxy.embedded.core.failure import ElasticError
from tests.embedded.core.support import Json


def parsed(source: Json) -> Json:
    return mapping_parse.parse(source, Analysis())


def merged(old: Json, new: Json) -> Json:
    return mapping_merge.merge(parsed(old), parsed(new))


def fields(old: Json, new: Json) -> Json:
    return merged({"properties": old}, {"properties": new})["properties"]


def test_new_fields_join_old_ones_at_every_depth() -> None:
    found = fields({"a": {"type": "long"}, "o": {"properties": {"x": {"type": "ip"}}}}, {"o.y": {"type": "long"}})
    assert set(found) == {"a", "o"}
    assert set(found["o"]["properties"]) == {"x", "y"}


def test_neither_side_is_changed() -> None:
    old, new = parsed({"properties": {"o.x": {"type": "ip"}}}), parsed({"properties": {"o.y": {"type": "ip"}}})
    mapping_merge.merge(old, new)
    assert old == parsed({"properties": {"o.x": {"type": "ip"}}})
    assert new == parsed({"properties": {"o.y": {"type": "ip"}}})


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ({"type": "keyword", "ignore_above": 5}, {"type": "keyword"}, {"type": "keyword"}),
        ({"type": "keyword"}, {"type": "keyword", "ignore_above": 5}, {"type": "keyword", "ignore_above": 5}),
        (
            {"type": "text", "fields": {"a": {"type": "ip"}}},
            {"type": "text"},
            {"type": "text", "fields": {"a": {"type": "ip"}}},
        ),
        ({"type": "text", "norms": True}, {"type": "text", "norms": False}, {"type": "text", "norms": False}),
        (
            {"type": "constant_keyword"},
            {"type": "constant_keyword", "value": "x"},
            {"type": "constant_keyword", "value": "x"},
        ),
        ({"type": "long", "coerce": True}, {"type": "long"}, {"type": "long"}),
    ],
)
def test_what_may_change(old: Json, new: Json, wanted: Json) -> None:
    assert fields({"x": old}, {"x": new}) == {"x": wanted}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ({"type": "long"}, {"type": "ip"}, "mapper [x] cannot be changed from type [long] to [ip]"),
        ({"type": "long"}, {"properties": {}}, "can't merge a non object mapping [x] with an object mapping"),
        ({"properties": {}}, {"type": "long"}, "can't merge a non object mapping [x] with an object mapping"),
        ({"properties": {}}, {"type": "nested"}, "can't merge a non-nested mapping [x] with a nested mapping"),
        ({"type": "nested"}, {"type": "object"}, "can't merge a non-nested mapping [x] with a nested mapping"),
        ({"type": "long"}, {"type": "nested"}, "can't merge a non-nested mapping [x] with a nested mapping"),
        ({"enabled": False}, {"enabled": True}, "the [enabled] parameter can't be updated for the object mapping [x]"),
        ({"type": "object"}, {"enabled": False}, "the [enabled] parameter can't be updated for the object mapping [x]"),
        (
            {"type": "long"},
            {"type": "alias", "path": "y"},
            "mapper [x] cannot be changed from type [long] to [FieldAliasMapper]",
        ),
        (
            {"type": "alias", "path": "y"},
            {"type": "long"},
            "Cannot merge a field alias mapping [x] with a mapping that is not for a field alias.",
        ),
        (
            {"type": "text", "norms": False},
            {"type": "text"},
            "Mapper for [x] conflicts with existing mapper:\n\tCannot update parameter [norms] from [false] to [true]",
        ),
        (
            {"type": "constant_keyword", "value": "a"},
            {"type": "constant_keyword", "value": "b"},
            "Mapper for [x] conflicts with existing mapper:\n\tCannot update parameter [value] from [a] to [b]",
        ),
        (
            {"type": "keyword"},
            {"type": "keyword", "index": False, "doc_values": False},
            "Mapper for [x] conflicts with existing mapper:\n\tCannot update parameter [index] from [true] to [false]\n"
            "\tCannot update parameter [doc_values] from [true] to [false]",
        ),
        (
            {"type": "text", "fields": {"k": {"type": "ip"}}},
            {"type": "text", "fields": {"k": {"type": "long"}}},
            "mapper [x.k] cannot be changed from type [ip] to [long]",
        ),
    ],
)
def test_what_may_not(old: Json, new: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        fields({"x": old}, {"x": new})
    assert caught.value.reason == reason


def test_an_object_may_repeat_that_it_is_enabled() -> None:
    assert fields({"x": {"enabled": False}}, {"x": {"type": "object"}})["x"]["enabled"] is False
    assert fields({"x": {"type": "object"}}, {"x": {"enabled": True}})["x"]["properties"] == {}


def test_a_nested_object_keeps_its_fields() -> None:
    old = {"x": {"type": "nested", "properties": {"a": {"type": "ip"}}}}
    found = fields(old, {"x": {"type": "nested", "dynamic": "strict"}})
    assert found["x"] == {"type": "nested", "dynamic": "strict", "properties": {"a": {"type": "ip"}}}


def test_root_settings_replace_and_runtime_fields_come_and_go() -> None:
    old = {"dynamic": False, "_meta": {"a": 1}, "runtime": {"r": {"type": "long"}, "s": {"type": "ip"}}}
    found = merged(old, {"_meta": {"b": 1}, "runtime": {"r": None, "t": {"type": "date"}}})
    assert found["dynamic"] == "false"
    assert found["_meta"] == {"b": 1}
    assert found["runtime"] == {"s": {"type": "ip"}, "t": {"type": "date"}}


@pytest.mark.parametrize(
    ("name", "old", "new", "piece"),
    [
        ("_source", {}, {"enabled": False}, "[enabled] from [true] to [false]"),
        ("_source", {"excludes": ["x"]}, {"includes": []}, "[excludes] from [[x]] to [[]]"),
        ("_routing", {}, {"required": True}, "[required] from [false] to [true]"),
    ],
)
def test_metadata_fields_are_fixed(name: str, old: Json, new: Json, piece: str) -> None:
    with pytest.raises(ElasticError) as caught:
        merged({name: old}, {name: new})
    assert (
        caught.value.reason == f"Mapper for [{name}] conflicts with existing mapper:\n\tCannot update parameter {piece}"
    )
    assert merged({name: old}, {name: old})[name] == old
