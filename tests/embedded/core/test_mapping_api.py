import pytest

from tests.embedded.core.support import Client, Json, properties


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/a", properties(n="long", t={"type": "text", "fields": {"k": {"type": "keyword"}}}))
    client.put("/b", properties(n="ip"))
    return client


@pytest.mark.parametrize(
    ("target", "indices"),
    [("/_mapping", {"a", "b"}), ("/a/_mapping", {"a"}), ("/a,b/_mappings", {"a", "b"}), ("/none*/_mapping", set())],
)
def test_reading(client: Client, target: str, indices: set[str]) -> None:
    assert set(client.get(target).body) == indices


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_extending_several_indices(client: Client, method: str) -> None:
    assert client.call(method, "/a,b/_mapping", {"properties": {"new": {"type": "date"}}}).status == 200
    for index in ("a", "b"):
        assert client.get(f"/{index}/_mapping").body[index]["mappings"]["properties"]["new"] == {"type": "date"}


def test_one_conflict_leaves_all_indices_as_they_were(client: Client) -> None:
    before = client.get("/_mapping").body
    answer = client.put("/a,b/_mapping", {"properties": {"n": {"type": "long"}, "new": {"type": "ip"}}})
    assert answer.reason == "mapper [n] cannot be changed from type [ip] to [long]"
    assert client.get("/_mapping").body == before


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("/none/_mapping", {}, 404),
        ("/none/_mapping?ignore_unavailable=true", {}, 200),
        ("/a/_mapping", None, 400),
        ("/a/_mapping", {"foo": 1}, 400),
        ("/a/_mapping", "[]", 500),
    ],
)
def test_requests_and_their_statuses(client: Client, target: str, body: Json, status: int) -> None:
    assert client.put(target, body).status == status


def test_a_closed_index_may_be_extended(client: Client) -> None:
    client.post("/a/_close")
    assert client.put("/a/_mapping", {"properties": {"x": {"type": "ip"}}}).status == 200


def test_single_fields(client: Client) -> None:
    assert client.get("/a/_mapping/field/n,t.*").body["a"]["mappings"] == {
        "n": {"full_name": "n", "mapping": {"n": {"type": "long"}}},
        "t.k": {"full_name": "t.k", "mapping": {"k": {"type": "keyword"}}},
    }
    assert client.get("/_mapping/field/nope").body == {"a": {"mappings": {}}, "b": {"mappings": {}}}
