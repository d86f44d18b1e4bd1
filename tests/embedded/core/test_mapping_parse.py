import pytest

from proxy.embedded.core import analysis, mapping_parse
from proxy.embedded.core.failure import ElasticError
from tests.embedded.core.support import Json

ANALYSIS = analysis.from_settings(
    {"index.analysis.normalizer.low.type": "custom", "index.similarity.mine.type": "BM25"}
)


def parse(**properties: Json) -> Json:
    return mapping_parse.parse({"properties": properties}, ANALYSIS)["properties"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"type": "long"}, {"type": "long"}),
        ({"type": "long", "index": True, "doc_values": "true"}, {"type": "long"}),
        ({"type": "long", "index": "false", "coerce": True}, {"type": "long", "index": False, "coerce": True}),
        ({"type": "keyword", "ignore_above": "7"}, {"type": "keyword", "ignore_above": 7}),
        ({"type": "keyword", "ignore_above": 2147483647}, {"type": "keyword"}),
        ({"type": "keyword", "normalizer": "low"}, {"type": "keyword", "normalizer": "low"}),
        ({"type": "text", "similarity": "mine"}, {"type": "text", "similarity": "mine"}),
        ({"type": "long", "null_value": "3"}, {"type": "long", "null_value": 3}),
        ({"type": "double", "null_value": "3"}, {"type": "double", "null_value": 3.0}),
        ({"type": "keyword", "null_value": None}, {"type": "keyword"}),
        ({"type": "keyword", "copy_to": "x"}, {"type": "keyword", "copy_to": ["x"]}),
        ({"type": "keyword", "meta": {"b": "1", "a": "2"}}, {"type": "keyword", "meta": {"a": "2", "b": "1"}}),
        ({"type": "keyword", "meta": {}}, {"type": "keyword"}),
        ({"type": "date", "format": "strict_date_optional_time||epoch_millis"}, {"type": "date"}),
        ({"type": "scaled_float", "scaling_factor": "10"}, {"type": "scaled_float", "scaling_factor": 10.0}),
        ({"type": "alias", "path": "y"}, {"type": "alias", "path": "y"}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"enabled": False}, {"type": "object", "properties": {}, "enabled": False}),
        ({"properties": {}}, {"type": "object", "properties": {}}),
        ({"type": "nested", "dynamic": False}, {"type": "nested", "properties": {}, "dynamic": "false"}),
        ({"type": "nested", "include_in_root": False}, {"type": "nested", "properties": {}}),
        (
            {"type": "text", "fields": {"k": {"type": "keyword", "store": False}}},
            {"type": "text", "fields": {"k": {"type": "keyword"}}},
        ),
    ],
)
def test_the_kept_form_of_a_field(given: Json, kept: Json) -> None:
    assert parse(x=given) == {"x": kept}


def test_dotted_names_become_objects_and_meet_there() -> None:
    kept = parse(
        **{
            "a.b": {"type": "long"},
            "a": {"dynamic": False, "properties": {"c": {"type": "ip"}}},
            "a.d.e": {"type": "ip"},
        }
    )
    assert kept["a"]["dynamic"] == "false"
    assert set(kept["a"]["properties"]) == {"b", "c", "d"}
    assert kept["a"]["properties"]["d"] == {"type": "object", "properties": {"e": {"type": "ip"}}}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"x": {"type": "nope"}}, "No handler for type [nope] declared on field [x]"),
        ({"x": {"type": 3}}, "No handler for type [3] declared on field [x]"),
        ({"a.x": {}}, "No type specified for field [a.x]"),
        ({"x": 1}, "Expected map for property [fields] on field [x] but got a class java.lang.String"),
        ({"x": {"type": "long", "foo": 1}}, "unknown parameter [foo] on mapper [x] of type [long]"),
        ({"a.x": {"type": "long", "foo": 1}}, "unknown parameter [foo] on mapper [x] of type [long]"),
        ({"x": {"type": "object", "foo": {}}}, "Mapping definition for [x] has unsupported parameters:  [foo : {}]"),
        ({"x": {"type": "alias"}}, "The [path] property must be specified for field [x]."),
        (
            {"x": {"type": "alias", "path": "y", "z": 1}},
            "Mapping definition for [x] has unsupported parameters:  [z : 1]",
        ),
        ({"x": {"type": "scaled_float"}}, "Field [scaling_factor] is required"),
        ({"x": {"type": "long", "index": None}}, "[index] on mapper [x] of type [long] must not have a [null] value"),
        ({"x": {"type": "long", "index": "yes"}}, "Failed to parse value [yes] as only [true] or [false] are allowed."),
        ({"x": {"type": "long", "null_value": "y"}}, 'For input string: "y"'),
        ({"x": {"type": "keyword", "meta": 1}}, "[meta] must be an object, got Integer[1] for field [x]"),
        (
            {"x": {"type": "keyword", "meta": {"a": 1}}},
            "[meta] values can only be strings, but got Integer[1] for field [x]",
        ),
        (
            {"x": {"type": "date", "format": "b"}},
            "Error parsing [format] on field [x]: Invalid format: [b]: Unknown pattern letter: b",
        ),
        ({"x": {"type": "text", "analyzer": "nope"}}, "analyzer [nope] has not been configured in mappings"),
        (
            {"x": {"type": "text", "search_quote_analyzer": "nope"}},
            "analyzer [nope] has not been configured in mappings",
        ),
        ({"x": {"type": "keyword", "normalizer": "nope"}}, "normalizer [nope] not found for field [x]"),
        ({"x": {"type": "text", "similarity": "nope"}}, "Unknown Similarity type [nope] for field [x]"),
        ({"x": {"type": "text", "fields": 1}}, "expected map for property [fields] on field [x] but got a Integer"),
        (
            {"x": {"type": "text", "fields": {"a": 1}}},
            "Expected map for property [fields] on field [a] but got a Integer",
        ),
        (
            {"x": {"type": "text", "fields": {"a.b": {}}}},
            "Field name [a.b] which is a multi field of [x] cannot contain '.'",
        ),
        ({"x": {"type": "text", "fields": {"o": {"type": "nested"}}}}, "Type [nested] cannot be used in multi field"),
        ({"x": {"type": "flattened", "fields": {}}}, "flattened field [x] does not support [fields]"),
        ({"": {"type": "long"}}, "field name cannot be an empty string"),
        ({"a. .b": {"type": "long"}}, "field name cannot contain only whitespace: ['a. .b']"),
        (
            {"o.p": {"type": "long"}, "o": {"type": "long"}},
            "can't merge a non object mapping [o] with an object mapping",
        ),
        (
            {"o": {"type": "long"}, "o.p": {"type": "long"}},
            "mapper [o] cannot be changed from type [long] to [ObjectMapper]",
        ),
        (
            {"o": {"type": "nested"}, "o.p": {"type": "long"}},
            "can't merge a non-nested mapping [o] with a nested mapping",
        ),
    ],
)
def test_fields_that_are_refused(properties: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        parse(**properties)
    assert caught.value.type == "mapper_parsing_exception"
    assert caught.value.reason == f"Failed to parse mapping: {reason}"
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"foo": 1, "bar": {}}, "Root mapping definition has unsupported parameters:  [foo : 1] [bar : {}]"),
        ({"dynamic": "x"}, "Could not convert [dynamic.dynamic] to boolean"),
        ({"properties": 1}, "Expected map for property [properties] but got a class java.lang.String"),
        ({"runtime": {"r": {}}}, "No type specified for runtime field [r]"),
        ({"runtime": {"r": {"type": "nope"}}}, "No handler for type [nope] declared on runtime field [r]"),
        ({"runtime": {"r": {"type": "long", "x": 1}}}, "unknown parameter [x] on runtime field [r] of type [long]"),
        ({"runtime": {"r": 1}}, "Expected map for runtime field [r] definition but got a Integer"),
        ({"runtime": 1}, "Expected map for property [runtime] but got a Integer"),
    ],
)
def test_roots_that_are_refused(source: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        mapping_parse.parse(source, ANALYSIS)
    assert caught.value.reason == f"Failed to parse mapping: {reason}"


def test_a_type_of_the_root_is_nothing() -> None:
    assert mapping_parse.parse({"type": "object"}, ANALYSIS) == {"properties": {}}


def test_one_name_given_twice_as_a_leaf() -> None:
    assert parse(**{"a.b": {"type": "long"}, "a": {"properties": {"b": {"type": "long", "index": False}}}}) == {
        "a": {"type": "object", "properties": {"b": {"type": "long", "index": False}}}
    }
    with pytest.raises(ElasticError, match=r"mapper \[a.b\] cannot be changed from type \[long\] to \[ip\]"):
        parse(**{"a.b": {"type": "long"}, "a": {"properties": {"b": {"type": "ip"}}}})


def test_the_root_keeps_what_it_knows() -> None:
    source = {
        "dynamic": True,
        "_meta": {"a": 1},
        "date_detection": "false",
        "_source": {"enabled": True},
        "dynamic_templates": [],
        "properties": [],
        "runtime": {"r": {"type": "long", "script": "emit(1)"}, "gone": None},
    }
    assert mapping_parse.parse(source, ANALYSIS) == {
        "dynamic": "true",
        "_meta": {"a": 1},
        "date_detection": False,
        "_source": {"enabled": True},
        "dynamic_templates": [],
        "properties": {},
        "runtime": {"r": {"type": "long", "script": {"source": "emit(1)", "lang": "painless"}}, "gone": None},
    }
