import pytest

from proxy.embedded.core import dynamic
from tests.embedded.core.support import Json


@pytest.mark.parametrize(
    ("value", "root", "wanted"),
    [
        (True, {}, ("boolean", None)),
        (1, {}, ("long", None)),
        (1.5, {}, ("double", None)),
        ("x", {}, ("string", None)),
        ("2024-01-01", {}, ("date", None)),
        ("2024-01", {}, ("date", None)),
        ("2024", {}, ("string", None)),
        ("2024/01/01", {}, ("date", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd")),
        ("2024-01-01", {"date_detection": False}, ("string", None)),
        ("01.02.2024-", {"dynamic_date_formats": ["dd.MM.yyyy-"]}, ("date", "dd.MM.yyyy-")),
        ("2024-01-01", {"dynamic_date_formats": ["dd-MM-yyyy"]}, ("string", None)),
        ("12", {"numeric_detection": True}, ("long", None)),
        ("1.5", {"numeric_detection": True}, ("double", None)),
        ("x", {"numeric_detection": True}, ("string", None)),
        ("12", {}, ("string", None)),
    ],
)
def test_kinds(value: Json, root: Json, wanted: tuple[str, str | None]) -> None:
    assert dynamic.kind_of(value, root) == wanted


@pytest.mark.parametrize(
    ("kind", "format", "mapped", "runtime"),
    [
        (
            "string",
            None,
            {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
            {"type": "keyword"},
        ),
        ("long", None, {"type": "long"}, {"type": "long"}),
        ("double", None, {"type": "float"}, {"type": "double"}),
        ("boolean", None, {"type": "boolean"}, {"type": "boolean"}),
        ("date", None, {"type": "date"}, {"type": "date"}),
        (
            "date",
            "yyyy/MM/dd",
            {"type": "date", "format": "yyyy/MM/dd||epoch_millis"},
            {"type": "date", "format": "yyyy/MM/dd"},
        ),
        (
            "date",
            "epoch_second",
            {"type": "date", "format": "epoch_second"},
            {"type": "date", "format": "epoch_second"},
        ),
    ],
)
def test_mappings_of_kinds(kind: str, format: str | None, mapped: Json, runtime: Json) -> None:
    assert dynamic.field(kind, format) == mapped
    assert dynamic.runtime_field(kind, format) == runtime


@pytest.mark.parametrize(
    ("rule", "full", "kind", "fits"),
    [
        ({}, "a", "string", True),
        ({"match_mapping_type": "string"}, "a", "string", True),
        ({"match_mapping_type": "string"}, "a", "long", False),
        ({"match_mapping_type": "*"}, "a", "long", True),
        ({"match_mapping_type": ["long", "double"]}, "a", "double", True),
        ({"unmatch_mapping_type": "long"}, "a", "long", False),
        ({"match": "k_*"}, "o.k_x", "string", True),
        ({"match": "k_*"}, "k_x.o", "string", False),
        ({"match": ["a*", "b*"]}, "bc", "string", True),
        ({"unmatch": "*_t"}, "x_t", "string", False),
        ({"match": "^p\\d+$", "match_pattern": "regex"}, "p12", "string", True),
        ({"match": "^p\\d+$", "match_pattern": "regex"}, "px", "string", False),
        ({"path_match": "o.*"}, "o.x", "string", True),
        ({"path_match": "o.*"}, "x", "string", False),
        ({"path_unmatch": "*.x"}, "o.x", "string", False),
    ],
)
def test_which_templates_fit(rule: Json, full: str, kind: str, fits: bool) -> None:
    root = {"dynamic_templates": [{"t": {**rule, "mapping": {"type": "ip"}}}]}
    assert (dynamic.template(root, full, kind) is not None) is fits


def test_the_first_template_that_fits_counts() -> None:
    root = {
        "dynamic_templates": [
            {"no": {"match": "zzz", "mapping": {"type": "ip"}}},
            {"first": {"mapping": {"type": "keyword"}}},
            {"second": {"mapping": {"type": "text"}}},
        ]
    }
    assert dynamic.template(root, "a", "string") == ("mapping", {"type": "keyword"})
    assert dynamic.template({}, "a", "string") is None


def test_placeholders_are_filled() -> None:
    rule = {"mapping": {"type": "{dynamic_type}", "copy_to": "{name}_all", "fields": {"k": {"type": "keyword"}}}}
    assert dynamic.template({"dynamic_templates": [{"t": rule}]}, "o.x", "string") == (
        "mapping",
        {"type": "text", "copy_to": "x_all", "fields": {"k": {"type": "keyword"}}},
    )


def test_a_template_without_a_type_takes_the_kinds() -> None:
    root: Json = {"dynamic_templates": [{"t": {"runtime": {}}}]}
    assert dynamic.template(root, "x", "long") == ("runtime", {"type": "long"})
