import pytest

from proxy.embedded.core.analysis import Analysis
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.mapping import Mapping
from tests.embedded.core.support import Json


def mapping(source: Json, **limits: str) -> Mapping:
    settings = {f"index.mapping.{name.replace('__', '.')}": value for name, value in limits.items()}
    return Mapping.parsed(source, Analysis(), settings)


SOURCE: Json = {
    "dynamic": False,
    "_meta": {"a": 1},
    "runtime": {"r": {"type": "long"}, "c": {"type": "composite"}},
    "properties": {
        "t": {"type": "text", "fields": {"k": {"type": "keyword"}}},
        "o": {"properties": {"n": {"type": "nested", "properties": {"x": {"type": "ip"}}}}},
        "al": {"type": "alias", "path": "t.k"},
        "e": {"enabled": True},
    },
}


def test_fields_by_full_name() -> None:
    found = mapping(SOURCE)
    assert set(found.fields) == {"t", "t.k", "o.n.x", "r"}
    assert found.fields["r"].runtime
    assert set(found.objects) == {"o", "o.n", "e"}
    assert found.aliases == {"al": "t.k"}
    alias = found.field("al")
    assert alias is not None
    assert alias.name == "t.k"
    assert found.field("nope") is None


def test_patterns_pick_fields_and_aliases() -> None:
    found = mapping(SOURCE)
    assert found.matching("t*") == ["t", "t.k"]
    assert found.matching("al") == ["al"]
    assert found.matching("nope") == []


def test_what_counts_as_a_field() -> None:
    # t, t.k, o, o.n, o.n.x, al, e, and two runtime fields
    assert mapping(SOURCE).total_fields() == 9


def test_it_reads_back_sorted_with_what_is_implied_left_out() -> None:
    shown = mapping(SOURCE).render()
    assert list(shown) == ["dynamic", "_meta", "runtime", "properties"]
    assert shown["properties"] == {
        "al": {"type": "alias", "path": "t.k"},
        "e": {"type": "object"},
        "o": {"properties": {"n": {"type": "nested", "properties": {"x": {"type": "ip"}}}}},
        "t": {"type": "text", "fields": {"k": {"type": "keyword"}}},
    }
    assert mapping({}).render() == {}
    assert mapping({"runtime": {"gone": None}}).render() == {}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("zz", "must refer to an existing field in the mappings."),
        ("al", "cannot refer to itself."),
        ("al2", "cannot refer to another alias."),
        ("o", "must refer to an existing field in the mappings."),
    ],
)
def test_aliases_to_what_is_no_field(path: str, why: str) -> None:
    fields = {
        "al": {"type": "alias", "path": path},
        "al2": {"type": "alias", "path": "x"},
        "x": {"type": "ip"},
        "o": {"properties": {}},
    }
    with pytest.raises(ElasticError) as caught:
        mapping({"properties": fields})
    assert caught.value.reason == f"Invalid [path] value [{path}] for field alias [al]: an alias {why}"


def test_copies_to_objects_are_refused() -> None:
    with pytest.raises(ElasticError, match="Cannot copy to field \\[o\\] since it is mapped as an object"):
        mapping({"properties": {"a": {"type": "ip", "copy_to": ["b", "o"]}, "o": {"properties": {}}}})


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"total_fields__limit": "8"}, "Limit of total fields [8] has been exceeded"),
        ({"depth__limit": "2"}, "Limit of mapping depth [2] has been exceeded due to object field [o.n]"),
        ({"nested_fields__limit": "0"}, "Limit of nested fields [0] has been exceeded"),
        ({"field_name_length__limit": "1"}, "Field name [al] is longer than the limit of [1] characters"),
    ],
)
def test_limits(limits: dict[str, str], reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        mapping(SOURCE, **limits)
    assert caught.value.reason == reason


def test_limits_that_hold() -> None:
    mapping(SOURCE, total_fields__limit="9", depth__limit="3", nested_fields__limit="1", field_name_length__limit="2")


def test_merging_makes_a_new_mapping() -> None:
    old = mapping({"properties": {"a": {"type": "ip"}}})
    new = old.merged({"properties": {"b": {"type": "long"}}}, {})
    assert set(old.fields) == {"a"}
    assert set(new.fields) == {"a", "b"}
    with pytest.raises(ElasticError, match="Limit of total fields"):
        old.merged({"properties": {"b": {"type": "long"}}}, {"index.mapping.total_fields.limit": "1"})
