import pytest

from proxy.embedded.core.hits import fields_of
from tests.embedded.core.support import Client, Json, properties


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    client.put(
        "/a",
        properties(
            n="long",
            d={"type": "date", "format": "yyyy/MM/dd"},
            b="boolean",
            i="ip",
            t="text",
            al={"type": "alias", "path": "n"},
        ),
    )
    client.put("/a/_doc/1", {"n": [1, 2], "d": "2024/01/02", "b": True, "i": "10.0.0.1", "t": "x", "free": {"y": "7"}})
    return client


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (["n"], {"n": [1, 2]}),
        (["al"], {"al": [1, 2]}),
        (["d"], {"d": ["2024/01/02"]}),
        ([{"field": "d", "format": "epoch_millis"}], {"d": ["1704153600000"]}),
        ([{"field": "d"}], {"d": ["2024/01/02"]}),
        (["b", "i", "t"], {"b": [True], "i": ["10.0.0.1"], "t": ["x"]}),
        (["nope"], {}),
        (["fr*"], {"free.y": ["7"], "free.y.keyword": ["7"]}),
    ],
)
def test_fields(client: Client, wanted: Json, shown: Json) -> None:
    index = client.core.store.indices["a"]
    assert fields_of(index, index.documents["1"], wanted, {}) == shown


def test_runtime_fields(client: Client) -> None:
    index = client.core.store.indices["a"]
    runtime = {"free.y": {"type": "long"}}
    assert fields_of(index, index.documents["1"], ["free.y"], runtime) == {"free.y": [7]}
