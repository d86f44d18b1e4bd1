import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.core import json_text
from proxy.embedded.core.failure import ElasticError
from tests.embedded.core.support import Json


@pytest.mark.parametrize(
    ("text", "cause", "piece"),
    [
        ('{"a":', "json_e_o_f_exception", "Unexpected end-of-input within/between Object entries"),
        ('{"a":[1', "json_e_o_f_exception", "Unexpected end-of-input within/between Array entries"),
        ("", "json_e_o_f_exception", "No content to map"),
        ("{a:1}", "json_parse_exception", "Unexpected character ('a' (code 97)): was expecting double-quote"),
        ('{"a":x}', "json_parse_exception", "Unexpected character ('x' (code 120)): expected a valid value"),
        ('{"a":1 "b":2}', "json_parse_exception", "was expecting comma to separate Object entries"),
        ('{"a":1}}', "json_parse_exception", "Unexpected character ('}' (code 125))"),
        ('{"a":1,"a":2}', "json_parse_exception", "Duplicate field 'a'"),
        ("", "json_e_o_f_exception", "No content to map due to end-of-input"),
        ("   ", "json_e_o_f_exception", "No content to map due to end-of-input"),
        ('{"a":{"c":[]} ', "json_e_o_f_exception", "within/between Object entries"),
        ('{"b":"\\"{","a":', "json_e_o_f_exception", "within/between Object entries"),
        ('{"a":NaN}', "json_parse_exception", "Non-standard token 'NaN'"),
    ],
)
def test_faults_are_told_as_jackson_tells_them(text: str, cause: str, piece: str) -> None:
    with pytest.raises(ElasticError) as caught:
        json_text.read(text)
    assert caught.value.type == "x_content_parse_exception"
    assert caught.value.status == 400
    assert caught.value.cause is not None
    assert caught.value.cause.type == cause
    assert piece in caught.value.reason
    assert " at [Source: (byte[])" in caught.value.reason


def test_deep_nesting_is_a_fault_not_a_crash() -> None:
    with pytest.raises(ElasticError):
        json_text.read("[" * 100_000)


def test_a_long_source_is_quoted_in_part() -> None:
    with pytest.raises(ElasticError) as caught:
        json_text.read('{"a":"' + "x" * 10_000)
    assert len(caught.value.reason) < 2_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{ }"),
        ([], "[ ]"),
        ({"a": 1}, '{\n  "a" : 1\n}'),
        ([1, 2], "[\n  1,\n  2\n]"),
        ({"a": [{"b": {}}], "c": "é"}, '{\n  "a" : [\n    {\n      "b" : { }\n    }\n  ],\n  "c" : "é"\n}'),
    ],
)
def test_pretty(value: Json, text: str) -> None:
    assert json_text.pretty(value) == text


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_both_forms_read_back(value: Json) -> None:
    assert json_text.read(json_text.compact(value)) == value
    assert json.loads(json_text.pretty(value)) == value
