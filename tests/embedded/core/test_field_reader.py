import pytest

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.field_reader import reader, runtime_field, source_values
from tests.embedded.core.support import Client, Json, properties


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    fields = properties(n="long", al={"type": "alias", "path": "n"})
    fields["mappings"]["runtime"] = {"r": {"type": "long"}}
    client.put("/a", fields)
    client.put("/a/_doc/1", {"n": ["1", 2], "r": ["7", "x", None], "o": {"p": True}})
    return client


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("n", [1, 2]),
        ("al", [1, 2]),
        ("r", [7]),
        ("o.p", [True]),
        ("o", []),
        ("nope", []),
        ("_id", ["1"]),
        ("_index", ["a"]),
        ("_seq_no", [0]),
    ],
)
def test_values_of_a_document(client: Client, name: str, wanted: Json) -> None:
    index = client.core.store.indices["a"]
    found, read = reader(index, name, {})
    assert read(index.documents["1"]) == wanted
    assert (found is None) is (name in ("nope", "o"))


def test_a_runtime_field_of_the_request_comes_first(client: Client) -> None:
    index = client.core.store.indices["a"]
    _, read = reader(index, "n", {"n": {"type": "keyword"}})
    assert read(index.documents["1"]) == ["1", "2"]


def test_runtime_fields_are_parsed() -> None:
    assert runtime_field("x", {"type": "date", "format": "yyyy"}).node["format"] == "yyyy"
    with pytest.raises(ElasticError):
        runtime_field("x", {"type": "nope"})


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a", [1]), ("o.x", [2, 3]), ("p.q", [4]), ("p.q.r", []), ("o", []), ("l.y", [5, 6]), ("nope", []), ("z", [])],
)
def test_values_of_a_source_by_dotted_name(name: str, wanted: Json) -> None:
    source = {"a": 1, "o": {"x": [2, 3]}, "p.q": 4, "l": [{"y": 5}, {"y": 6}], "z": None}
    assert source_values(source, name) == wanted
