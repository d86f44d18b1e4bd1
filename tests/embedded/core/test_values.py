import ipaddress

import pytest

from proxy.embedded.core import field_types, values
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.mapping import Field
from tests.embedded.core.support import Json


def field(kind: str, **node: Json) -> Field:
    return Field(name="x", type=field_types.TYPES[kind], node=node)


@pytest.mark.parametrize(
    ("one", "value", "wanted"),
    [
        (field("long"), 3, 3),
        (field("long"), "3", 3),
        (field("long"), 3.9, 3),
        (field("long"), "3.9", 3),
        (field("long"), -(2**63), -(2**63)),
        (field("long"), "", None),
        (field("unsigned_long"), 2**64 - 1, 2**64 - 1),
        (field("double"), "1e3", 1000.0),
        (field("float"), 1, 1.0),
        (field("boolean"), True, True),
        (field("boolean"), "false", False),
        (field("boolean"), "", False),
        (field("date"), "2024-01-01", 1_704_067_200_000),
        (field("date"), 5, 5),
        (field("date", format="yyyy/MM/dd"), "1970/01/02", 86_400_000),
        (field("ip"), "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
        (field("ip"), "::1", ipaddress.ip_address("::1")),
        (field("keyword"), 5, "5"),
        (field("keyword"), True, "true"),
        (field("keyword", ignore_above=2), "abc", None),
        (field("keyword", ignore_above=3), "abc", "abc"),
        (field("text"), 1.5, "1.5"),
        (field("geo_point"), {"lat": 1, "lon": 2}, "{lat=1, lon=2}"),
        (field("flattened"), "x", "x"),
    ],
)
def test_values_that_fit(one: Field, value: Json, wanted: Json) -> None:
    found = values.parse(one, value)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("one", "value", "type", "reason"),
    [
        (field("long"), "x", "illegal_argument_exception", 'For input string: "x"'),
        (field("integer"), "x", "number_format_exception", 'For input string: "x"'),
        (field("double"), "x", "number_format_exception", 'For input string: "x"'),
        (field("long"), {"a": 1}, "illegal_argument_exception", "Cannot parse object as number"),
        (field("byte"), 128, "illegal_argument_exception", "Value [128] is out of range for a byte"),
        (field("short"), -32769, "illegal_argument_exception", "Value [-32769] is out of range for a short"),
        (
            field("integer"),
            "2147483648",
            "illegal_argument_exception",
            "Value [2147483648] is out of range for an integer",
        ),
        (field("unsigned_long"), -1, "illegal_argument_exception", "Value [-1] is out of range for an unsigned_long"),
        (
            field("integer"),
            2**31,
            "x_content_parse_exception",
            "Numeric value (2147483648) out of range of int (-2147483648 - 2147483647)",
        ),
        (
            field("long"),
            True,
            "x_content_parse_exception",
            "Current token (VALUE_TRUE) not numeric, can not use numeric value accessors",
        ),
        (field("integer", coerce=False), "5", "illegal_argument_exception", "Integer value passed as String"),
        (
            field("integer", coerce=False),
            1.5,
            "illegal_argument_exception",
            "1.5 cannot be converted to Integer without data loss",
        ),
        (field("double"), "NaN", "illegal_argument_exception", "[double] supports only finite values, but got [NaN]"),
        (field("float"), 1e300, "illegal_argument_exception", "[float] supports only finite values, but got [1.0E300]"),
        (
            field("half_float"),
            70000,
            "illegal_argument_exception",
            "[half_float] supports only finite values, but got [70000.0]",
        ),
        (
            field("boolean"),
            "yes",
            "illegal_argument_exception",
            "Failed to parse value [yes] as only [true] or [false] are allowed.",
        ),
        (field("boolean"), 1, "x_content_parse_exception", "Current token (VALUE_NUMBER_INT) not of boolean type"),
        (field("boolean"), 1.0, "x_content_parse_exception", "Current token (VALUE_NUMBER_FLOAT) not of boolean type"),
        (field("boolean"), {}, "x_content_parse_exception", "Current token (START_OBJECT) not of boolean type"),
        (field("ip"), "1.2", "illegal_argument_exception", "'1.2' is not an IP string literal."),
        (field("keyword"), {}, "illegal_argument_exception", "Expected text but found START_OBJECT"),
        (
            field("date_nanos"),
            "x",
            "illegal_argument_exception",
            "failed to parse date field [x] with format [strict_date_optional_time_nanos||epoch_millis]",
        ),
    ],
)
def test_values_that_do_not(one: Field, value: Json, type: str, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        values.parse(one, value)
    assert (caught.value.type, caught.value.reason) == (type, reason)


def test_without_coercion_an_empty_text_is_a_fault() -> None:
    with pytest.raises(ElasticError):
        values.parse(field("integer", coerce=False), "")


def test_date_formats_of_fields() -> None:
    assert values.date_format(field("date")) == "strict_date_optional_time||epoch_millis"
    assert values.date_format(field("date", format="yyyy")) == "yyyy"
