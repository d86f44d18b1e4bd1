import json

import pytest

from proxy.embedded.core import document
from proxy.embedded.core.analysis import from_settings
from proxy.embedded.core.document import Parsed
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.mapping import Mapping
from tests.embedded.core.support import Json

ANALYSIS = from_settings({"index.analysis.normalizer.low.filter": ["lowercase"]})


def parse(source: Json, mapping: Json = None, limit: int = 1000) -> Parsed:
    known = Mapping.parsed(mapping or {}, ANALYSIS, {})
    return document.parse(known, "1", source, json.dumps(source), limit)


def added(source: Json, mapping: Json = None) -> Json:
    found = parse(source, mapping)
    return Mapping(found.added, ANALYSIS).render()


def test_values_by_full_name_lists_flattened() -> None:
    found = parse({"a": [1, [2, None], 3], "o": [{"x": "y"}, {"x": ["z"]}], "p.q": True})
    assert found.values == {
        "a": [1, 2, 3],
        "o.x": ["y", "z"],
        "o.x.keyword": ["y", "z"],
        "p.q": [True],
    }


def test_known_fields_add_nothing() -> None:
    mapping = {
        "properties": {"a": {"type": "long"}, "o": {"properties": {"x": {"type": "ip"}}}, "e": {"type": "object"}}
    }
    found = parse({"a": 1, "o": {"x": "1.1.1.1"}, "o.x": "2.2.2.2", "e": {}}, mapping)
    assert not found.adds_fields
    assert len(found.values["o.x"]) == 2


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ({"a": None}, {}),
        ({"a": []}, {}),
        ({"a": [None, []]}, {}),
        ({"a": {}}, {"properties": {"a": {"type": "object"}}}),
        ({"a": [{}]}, {"properties": {"a": {"type": "object"}}}),
        ({"a.b": None}, {"properties": {"a": {"type": "object"}}}),
        ({"a": {"b": {"c": 1}}}, {"properties": {"a": {"properties": {"b": {"properties": {"c": {"type": "long"}}}}}}}),
        ({"a.b.c": 1}, {"properties": {"a": {"properties": {"b": {"properties": {"c": {"type": "long"}}}}}}}),
        (
            {"a": [{"b": 1}, {"c": True}]},
            {"properties": {"a": {"properties": {"b": {"type": "long"}, "c": {"type": "boolean"}}}}},
        ),
    ],
)
def test_new_fields(source: Json, wanted: Json) -> None:
    assert added(source) == wanted


def test_dynamic_is_inherited_and_overridden() -> None:
    mapping = {
        "dynamic": False,
        "properties": {"o": {"properties": {}}, "t": {"dynamic": True, "properties": {}}},
    }
    assert added({"x": 1, "o": {"x": 1}, "o.y": 2, "n.x": 1, "t": {"x": 1}}, mapping) == {
        "properties": {"t": {"properties": {"x": {"type": "long"}}}}
    }


def test_dynamic_runtime() -> None:
    assert added({"a": 1, "o": {"s": "x", "d": "2024/01/01"}, "p": {}}, {"dynamic": "runtime"}) == {
        "runtime": {
            "a": {"type": "long"},
            "o.s": {"type": "keyword"},
            "o.d": {"type": "date", "format": "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd"},
        }
    }


def test_a_runtime_field_shadows_new_ones() -> None:
    assert not parse({"r": 1}, {"runtime": {"r": {"type": "long"}}}).adds_fields


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"zz": 1}, "[1:8] mapping set to strict, dynamic introduction of [zz] within [_doc] is not allowed"),
        ({"zz": None}, "[1:8] mapping set to strict, dynamic introduction of [zz] within [_doc] is not allowed"),
        ({"o": {"z": 1}}, "[1:13] mapping set to strict, dynamic introduction of [z] within [o] is not allowed"),
        ({"z.y": 1}, "[1:2] mapping set to strict, dynamic introduction of [z] within [_doc] is not allowed"),
    ],
)
def test_dynamic_strict(source: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        parse(source, {"dynamic": "strict", "properties": {"o": {"properties": {}}}})
    assert (caught.value.type, caught.value.reason) == ("strict_dynamic_mapping_exception", reason)


def test_a_template_may_make_new_objects_nested_or_leaves() -> None:
    templates = [
        {"n": {"match_mapping_type": "object", "match": "n", "mapping": {"type": "nested"}}},
        {"f": {"match_mapping_type": "object", "match": "f", "mapping": {"type": "flattened"}}},
    ]
    found = added({"n": [{"a": 1}], "f": {"a": 1}, "o": {"a": 1}}, {"dynamic_templates": templates})["properties"]
    assert found["n"]["type"] == "nested"
    assert found["f"] == {"type": "flattened"}
    assert found["o"] == {"properties": {"a": {"type": "long"}}}


def test_a_template_may_make_runtime_fields() -> None:
    templates = [{"r": {"match": "r_*", "runtime": {}}}]
    assert added({"r_x": 1}, {"dynamic_templates": templates}) == {"runtime": {"r_x": {"type": "long"}}}


def test_multi_fields_copies_null_values_and_normalizers() -> None:
    mapping = {
        "properties": {
            "k": {"type": "keyword", "normalizer": "low", "copy_to": ["all", "nowhere"], "null_value": "NONE"},
            "t": {"type": "text", "fields": {"n": {"type": "token_count", "analyzer": "standard"}}},
            "all": {"type": "text"},
            "d": {"type": "dense_vector", "dims": 2},
            "off": {"type": "object", "enabled": False},
        }
    }
    found = parse({"k": ["Ab", None], "t": "x", "d": [1, 2], "off": [1, {"a": 1}]}, mapping).values
    assert found["k"] == ["ab", "none"]
    assert found["all"] == ["Ab", "NONE"] or found["all"] == ["Ab"]
    assert "d" not in found
    assert "off" not in found


def test_malformed_values_may_be_ignored() -> None:
    mapping = {"properties": {"i": {"type": "integer", "ignore_malformed": True}}}
    assert parse({"i": ["x", 1]}, mapping).values == {"i": [1]}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            {"i": "x"},
            "[1:7] failed to parse field [i] of type [integer] in document with id '1'. Preview of field's value: 'x'",
        ),
        (
            {"i": [1, "x"]},
            "[1:11] failed to parse field [i] of type [integer] in document with id '1'. Preview of field's value: 'x'",
        ),
        (
            {"k": {"a": 1}},
            "[1:14] failed to parse field [k] of type [keyword]"
            " in document with id '1'. Preview of field's value: '{a=1}'",
        ),
        (
            {"i.x": 1},
            "[1:9] failed to parse field [i] of type [integer]"
            " in document with id '1'. Preview of field's value: '{x=1}'",
        ),
        ({"o": 1}, "[1:7] object mapping for [o] tried to parse field [o] as object, but found a concrete value"),
        (
            {"o": ["x"]},
            "[1:8] object mapping for [o] tried to parse field [null] as object, but found a concrete value",
        ),
        ({"al": 1}, "[1:8] Cannot write to a field alias [al]."),
        ({"al.x": 1}, "[1:10] Cannot write to a field alias [al]."),
        (
            {"_id": 1},
            "[1:9] failed to parse field [_id] of type [_id] in document with id '1'. Preview of field's value: '1'",
        ),
        ({"": 1}, "[1:2] failed to parse: field name cannot be an empty string"),
        ({"a. ": 1}, "[1:2] failed to parse: field name cannot contain only whitespace: ['a. ']"),
    ],
)
def test_documents_that_are_refused(source: Json, reason: str) -> None:
    mapping = {
        "properties": {
            "i": {"type": "integer"},
            "k": {"type": "keyword"},
            "o": {"properties": {}},
            "al": {"type": "alias", "path": "i"},
        }
    }
    with pytest.raises(ElasticError) as caught:
        parse(source, mapping)
    assert (caught.value.type, caught.value.reason) == ("document_parsing_exception", reason)


def test_faults_of_the_parser_carry_the_place_after_the_token() -> None:
    with pytest.raises(ElasticError) as caught:
        parse({"b": 12}, {"properties": {"b": {"type": "boolean"}}})
    assert caught.value.cause is not None
    assert caught.value.cause.reason.startswith("[1:9] Current token (VALUE_NUMBER_INT) not of boolean type")


@pytest.mark.parametrize("source", [{"a": 1, "a.b": 2}, {"a.b": 2, "a": 1}, {"o": {"a": 1, "a.b": {}}}])
def test_a_document_that_clashes_with_itself(source: Json) -> None:
    with pytest.raises(ElasticError, match=r"can't merge a non object mapping|failed to parse field"):
        parse(source)


def test_the_limit_of_total_fields() -> None:
    assert parse({"a": 1, "b": 2}, limit=2).adds_fields
    with pytest.raises(ElasticError) as caught:
        parse({"a": 1, "b": 2}, limit=1)
    assert caught.value.reason == (
        "[1:15] failed to parse: Limit of total fields [1] has been exceeded while adding new fields [1]"
    )


def test_dotted_names_through_disabled_objects_and_new_runtime_parents() -> None:
    mapping = {"dynamic": "runtime", "properties": {"off": {"type": "object", "enabled": False}}}
    found = parse({"off.a": 1, "new.a": 2, "x": 3, "o": {"x": None}, "l": [None]}, mapping)
    assert found.added == {"properties": {}, "runtime": {"new.a": {"type": "long"}, "x": {"type": "long"}}}


def test_a_leaf_and_then_an_object_of_one_name() -> None:
    with pytest.raises(ElasticError, match=r"can't merge a non object mapping \[o.a\] with an object mapping"):
        parse({"o": [{"a": 1}, {"a": {"b": 2}}]})


def test_dotted_names_may_lead_into_a_flattened_field() -> None:
    assert parse({"f.x": 1}, {"properties": {"f": {"type": "flattened"}}}).values == {"f": ["{x=1}"]}


def test_null_is_no_value_of_an_object() -> None:
    assert not parse({"o": None}, {"properties": {"o": {"properties": {}}}}).adds_fields


def test_positions_that_the_text_does_not_hold() -> None:
    mapping = Mapping.parsed({"properties": {"b": {"type": "boolean"}}}, ANALYSIS, {})
    with pytest.raises(ElasticError, match="\\[1:1\\] failed to parse field \\[b\\]") as caught:
        document.parse(mapping, "1", {"b": 12}, "")
    assert caught.value.cause is not None
    assert caught.value.cause.reason.startswith("[1:1] ")


def test_metadata_names_are_free_below_the_root() -> None:
    assert parse({"o": {"_id": 1}}).values == {"o._id": [1]}
