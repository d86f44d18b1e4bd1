import pytest

from proxy.embedded.core.index_api import health
from tests.embedded.core.support import Client, Json
from tests.embedded.core.test_store import an_index


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/a", {"aliases": {"x": {}}, "settings": {"number_of_shards": 2}})
    client.put("/b", {"settings": {"number_of_replicas": 0, "hidden": True}})
    return client


def test_creation_names_the_index(client: Client) -> None:
    assert client.put("/c").body == {"acknowledged": True, "shards_acknowledged": True, "index": "c"}
    assert client.put("/c").type == "resource_already_exists_exception"


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("", {"aliases", "mappings", "settings"}),
        ("features=aliases", {"aliases"}),
        ("features=settings,mappings", {"settings", "mappings"}),
    ],
)
def test_parts_of_an_index(client: Client, query: str, parts: set[str]) -> None:
    assert set(client.get(f"/a?{query}").body["a"]) == parts


def test_flat_settings(client: Client) -> None:
    assert client.get("/a?flat_settings").body["a"]["settings"]["index.number_of_shards"] == "2"
    assert client.get("/a").body["a"]["settings"]["index"]["number_of_shards"] == "2"


@pytest.mark.parametrize(
    ("target", "status", "left"),
    [
        ("/a", 200, {"b"}),
        ("/a,b", 200, set()),
        ("/a,nope", 404, {"a", "b"}),
        ("/a,nope?ignore_unavailable=true", 200, {"b"}),
        ("/*", 400, {"a", "b"}),
        ("/_all", 400, {"a", "b"}),
        ("/a,b*", 400, {"a", "b"}),
        ("/x", 400, {"a", "b"}),
    ],
)
def test_deletion(client: Client, target: str, status: int, left: set[str]) -> None:
    assert client.delete(target).status == status
    assert set(client.core.store.indices) == left


def test_a_deleted_index_takes_its_aliases_along(client: Client) -> None:
    client.delete("/a")
    assert client.put("/x").status == 200


def test_refreshes_count_shards(client: Client) -> None:
    assert client.post("/a,b/_refresh").body == {"_shards": {"total": 5, "successful": 3, "failed": 0}}
    assert client.post("/a/_forcemerge?max_num_segments=1").status == 200


@pytest.mark.parametrize("block", ["write", "read_only", "metadata", "read"])
def test_blocks(client: Client, block: str) -> None:
    answer = client.put(f"/a,b/_block/{block}").body
    assert [one["name"] for one in answer["indices"]] == ["a", "b"]
    assert client.get(f"/a/_settings/index.blocks.{block}?flat_settings").body == {
        "a": {"settings": {f"index.blocks.{block}": "true"}}
    }
    again = {"acknowledged": True, "shards_acknowledged": False, "indices": []}
    assert client.put(f"/a,b/_block/{block}").body == again
    assert client.put("/a/_block/x").reason == "No block found with name x"


def test_closing_and_opening(client: Client) -> None:
    assert client.post("/a/_close").body["indices"] == {"a": {"closed": True}}
    assert client.get("/a/_search").type == "index_closed_exception"
    assert client.put("/a/_doc/1", {}).type == "index_closed_exception"
    assert client.get("/_resolve/index/a").body["indices"][0]["attributes"] == ["closed"]
    assert client.post("/a/_open").status == 200
    assert client.get("/a/_search").status == 200


@pytest.mark.parametrize(
    ("name", "indices", "aliases"),
    [
        ("a", ["a"], []),
        ("x", [], ["x"]),
        ("*", ["a"], ["x"]),
        ("_all", ["a"], ["x"]),
        ("b", ["b"], []),
        ("*?expand_wildcards=all", ["a", "b"], ["x"]),
        ("nope*", [], []),
        ("nope,b?ignore_unavailable=true", ["b"], []),
    ],
)
def test_resolving(client: Client, name: str, indices: list[str], aliases: list[str]) -> None:
    body = client.get(f"/_resolve/index/{name}").body
    assert [one["name"] for one in body["indices"]] == indices
    assert [one["name"] for one in body["aliases"]] == aliases
    assert body["data_streams"] == []


def test_what_resolving_tells_of_an_index(client: Client) -> None:
    assert client.get("/_resolve/index/a,b").body["indices"] == [
        {"name": "a", "aliases": ["x"], "attributes": ["open"]},
        {"name": "b", "attributes": ["hidden", "open"]},
    ]
    assert client.get("/_resolve/index/,").status == 400
    assert client.get("/_resolve/index/nope").status == 404


def test_statistics(client: Client) -> None:
    client.put("/a/_doc/1", {})
    body = client.get("/a,b/_stats").body
    assert body["_all"]["primaries"]["docs"] == {"count": 1, "deleted": 0}
    assert body["_shards"] == {"total": 5, "successful": 3, "failed": 0}
    assert body["indices"]["a"]["status"] == "open"


@pytest.mark.parametrize(("replicas", "wanted"), [("0", "green"), ("1", "yellow")])
def test_health(replicas: str, wanted: str) -> None:
    assert health(an_index("a", number_of_replicas=replicas)) == wanted


@pytest.mark.parametrize("body", [None, {}, {"settings": {}, "mappings": {}, "aliases": {}}])
def test_bodies_that_say_nothing(body: Json) -> None:
    assert Client().put("/a", body).status == 200
