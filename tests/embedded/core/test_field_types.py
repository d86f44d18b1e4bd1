from proxy.embedded.core import field_types
from proxy.embedded.core.field_types import TYPES


def test_families_are_types_or_what_elasticsearch_folds_into_one() -> None:
    assert TYPES["constant_keyword"].family == "keyword"
    assert TYPES["wildcard"].family == "keyword"
    assert TYPES["match_only_text"].family == "text"
    for type in TYPES.values():
        assert type.family in TYPES


def test_required_parameters_exist_and_have_no_default() -> None:
    for type in TYPES.values():
        for name in type.required:
            assert type.parameters[name].default is None


def test_every_type_takes_the_common_parameters() -> None:
    for type in TYPES.values():
        assert set(field_types.COMMON) <= set(type.parameters)


def test_explicit_flags_have_no_default_to_be_dropped() -> None:
    for type in TYPES.values():
        for parameter in type.parameters.values():
            assert not parameter.explicit or parameter.default is None


def test_runtime_types_that_can_be_searched_are_field_types() -> None:
    searched = field_types.RUNTIME_TYPES - {"composite", "lookup"}
    assert searched <= set(TYPES)


def test_ranges_of_whole_numbers() -> None:
    assert field_types.WHOLE["byte"] == 128
    assert set(field_types.NUMERIC) <= set(TYPES)
