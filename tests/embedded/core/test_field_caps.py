import pytest

from proxy.embedded.core import field_caps
from proxy.embedded.core.field_caps import Capability
from tests.embedded.core.support import Client, Json, properties


@pytest.mark.parametrize(
    ("node", "type", "searchable", "aggregatable"),
    [
        ({"type": "long"}, "long", True, True),
        ({"type": "long", "doc_values": False}, "long", True, False),
        ({"type": "long", "index": False}, "long", True, True),
        ({"type": "long", "index": False, "doc_values": False}, "long", False, False),
        ({"type": "text"}, "text", True, False),
        ({"type": "text", "index": False}, "text", False, False),
        ({"type": "text", "fielddata": True}, "text", True, True),
        ({"type": "match_only_text"}, "text", True, False),
        ({"type": "constant_keyword"}, "keyword", True, True),
        ({"type": "wildcard"}, "keyword", True, True),
        ({"type": "binary"}, "binary", False, False),
        ({"type": "binary", "doc_values": True}, "binary", False, True),
        ({"type": "dense_vector", "dims": 3}, "dense_vector", True, False),
        ({"type": "geo_point"}, "geo_point", True, True),
        ({"type": "scaled_float", "scaling_factor": 10}, "scaled_float", True, True),
        ({"type": "flattened"}, "flattened", True, True),
    ],
)
def test_what_a_field_can_do(node: Json, type: str, searchable: bool, aggregatable: bool) -> None:
    client = Client()
    assert client.put("/a", properties(x=node)).status == 200
    found = field_caps.of_index(client.core.store.indices["a"], ["x"], {})
    assert found["x"] == Capability(type, searchable, aggregatable)


def test_patterns_aliases_runtime_fields_and_parents() -> None:
    client = Client()
    fields: Json = properties(
        al={"type": "alias", "path": "o.n.x"},
        o={"properties": {"n": {"type": "nested", "properties": {"x": {"type": "ip", "meta": {"u": "v"}}}}}},
    )
    fields["mappings"]["runtime"] = {"r.s": {"type": "long"}}
    client.put("/a", fields)
    index = client.core.store.indices["a"]
    found = field_caps.of_index(index, ["*"], {"q": {"type": "date"}})
    assert found["al"].type == "ip"
    assert found["o.n.x"].meta == {"u": "v"}
    assert (found["o"].type, found["o"].parent) == ("object", True)
    assert (found["o.n"].type, found["o.n"].parent) == ("nested", True)
    assert (found["r"].type, found["r.s"].type) == ("object", "long")
    assert (found["q"].type, found["q"].searchable, found["q"].aggregatable) == ("date", True, True)
    assert found["_id"].metadata
    assert set(field_caps.of_index(index, ["o.n.x"], {})) == {"o", "o.n", "o.n.x"}
    assert set(field_caps.of_index(index, ["_seq*"], {})) == {"_seq_no"}


def test_indices_that_agree_are_not_listed() -> None:
    same = {"x": Capability("long", True, True)}
    assert field_caps.merged({"a": same, "b": same}, unmapped=False) == {
        "x": {"long": {"type": "long", "metadata_field": False, "searchable": True, "aggregatable": True}}
    }


def test_indices_that_differ_are_listed() -> None:
    found = field_caps.merged(
        {
            "a": {"x": Capability("long", True, True)},
            "b": {"x": Capability("long", False, False)},
            "c": {"x": Capability("ip", True, True, meta={"u": "v"})},
            "d": {},
        },
        unmapped=True,
    )["x"]
    assert list(found) == ["ip", "long", "unmapped"]
    assert found["long"]["indices"] == ["a", "b"]
    assert (found["long"]["searchable"], found["long"]["aggregatable"]) == (False, False)
    assert found["long"]["non_searchable_indices"] == ["b"]
    assert found["long"]["non_aggregatable_indices"] == ["b"]
    assert found["ip"]["meta"] == {"u": ["v"]}
    assert found["unmapped"]["indices"] == ["d"]


def test_meta_of_several_indices_is_united() -> None:
    one, two = Capability("long", meta={"u": "a"}), Capability("long", meta={"u": "b", "w": "c"})
    assert field_caps.merged({"a": {"x": one}, "b": {"x": two}}, unmapped=False)["x"]["long"]["meta"] == {
        "u": ["a", "b"],
        "w": ["c"],
    }
