import pytest

from proxy.embedded.core.document_api import SourceFilter
from tests.embedded.core.support import Client, Json


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/a/_doc/1", {"s": "x", "o": {"p": 1, "q": 2}})
    return client


def test_places_of_new_documents(client: Client) -> None:
    assert client.put("/a/_doc/x%20y%2Fz", {}).headers["location"] == "/a/_doc/x%20y%2Fz"
    assert client.put("/a/_doc/r?routing=a%20b", {}).headers["location"] == "/a/_doc/r?routing=a%20b"
    assert "location" not in client.put("/a/_doc/1", {}).headers


@pytest.mark.parametrize("query", ["refresh", "refresh=true"])
def test_forced_refreshes_are_told(client: Client, query: str) -> None:
    assert client.put(f"/a/_doc/2?{query}", {}).body["forced_refresh"] is True
    assert "forced_refresh" not in client.put("/a/_doc/2?refresh=wait_for", {}).body


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("PUT", "/a/_create/1", 409),
        ("POST", "/a/_create/2", 201),
        ("PUT", "/a/_doc/1?op_type=create", 409),
        ("PUT", "/a/_doc/1?op_type=index", 200),
        ("POST", "/a/_doc", 201),
        ("PUT", "/new/_doc/1", 201),
        ("PUT", "/NEW/_doc/1", 400),
        ("PUT", "/a/_doc/1?version=3", 400),
        ("PUT", "/a/_doc/1?version=3&version_type=external", 200),
        ("PUT", "/a/_doc/1?version=1&version_type=external", 409),
    ],
)
def test_writes(client: Client, method: str, target: str, status: int) -> None:
    assert client.call(method, target, {}).status == status


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {"s": "x", "o": {"p": 1, "q": 2}}),
        ("_source=o.p", {"o": {"p": 1}}),
        ("_source=false", None),
        ("_source_excludes=o", {"s": "x"}),
        ("_source=s,o&_source_excludes=o.p", {"s": "x", "o": {"q": 2}}),
    ],
)
def test_sources_of_reads(client: Client, query: str, wanted: Json) -> None:
    assert client.get(f"/a/_doc/1?{query}").body.get("_source") == wanted


def test_reads_of_what_is_not_there(client: Client) -> None:
    assert client.get("/a/_doc/9").body == {"_index": "a", "_id": "9", "found": False}
    assert client.get("/a/_source/9").reason == "Document not found [a]/[9]"
    assert client.get("/a/_source/1?_source_includes=s").body == {"s": "x"}
    assert client.get("/none/_doc/1").status == 404
    assert client.delete("/none/_doc/1").status == 404
    assert client.delete("/a/_doc/9").body["result"] == "not_found"


def test_updates(client: Client) -> None:
    assert client.post("/a/_update/1", {"doc": {"s": "y"}}).body["result"] == "updated"
    assert client.get("/a/_source/1").body["s"] == "y"
    assert client.post("/a/_update/9", {"doc": {}}).status == 404


def test_many_reads(client: Client) -> None:
    body = {"ids": ["1"], "docs": [{"_id": "1", "_source": False}, {"_index": "none", "_id": "1"}, {"_id": "x"}]}
    found = client.post("/a/_mget?_source=s", body).body["docs"]
    assert [one.get("_source") for one in found] == [{"s": "x"}, None, None, None]
    assert found[2]["error"]["type"] == "index_not_found_exception"
    assert client.post("/_mget", {"ids": ["1"]}).reason == "Validation Failed: 1: index is missing for doc 0;"


@pytest.mark.parametrize(
    ("wanted", "shown", "includes", "excludes"),
    [
        (None, True, [], []),
        (True, True, [], []),
        (False, False, [], []),
        ("a", True, ["a"], []),
        (["a", "b"], True, ["a", "b"], []),
        ({"includes": "a", "excludes": ["b"]}, True, ["a"], ["b"]),
        ({"include": ["a"], "exclude": "b"}, True, ["a"], ["b"]),
    ],
)
def test_spellings_of_source_filters(wanted: Json, shown: bool, includes: list[str], excludes: list[str]) -> None:
    found = SourceFilter.of(wanted)
    assert (found.shown, found.includes, found.excludes) == (shown, includes, excludes)


@pytest.mark.parametrize(
    ("body", "type", "status"),
    [
        (None, "parse_exception", 400),
        ("{", "document_parsing_exception", 400),
        ("[]", "not_x_content_exception", 500),
        ('{"a":1,"a":2}', "document_parsing_exception", 400),
    ],
)
def test_bodies_that_are_no_document(client: Client, body: Json, type: str, status: int) -> None:
    answer = client.put("/a/_doc/1", body)
    assert (answer.type, answer.status) == (type, status)
