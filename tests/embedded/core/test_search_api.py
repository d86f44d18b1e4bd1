import pytest

from tests.embedded.core.support import Client, Json


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    for number in range(3):
        client.put(f"/a/_doc/{number}", {"n": number, "k": "x", "o": {"p": 1}})
    client.put("/b")
    return client


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["0", "1", "2"]),
        ("size=1", ["0"]),
        ("from=2", ["2"]),
        ("sort=n:desc", ["2", "1", "0"]),
        ("sort=k.keyword,n:desc&size=1", ["2"]),
        ("q=n:1", ["1"]),
    ],
)
def test_parameters_of_a_search(client: Client, query: str, wanted: list[str]) -> None:
    assert [hit["_id"] for hit in client.get(f"/a/_search?{query}").body["hits"]["hits"]] == wanted


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("_source=false", None),
        ("_source=true", {"n": 0, "k": "x", "o": {"p": 1}}),
        ("_source=n,k", {"n": 0, "k": "x"}),
        ("_source_excludes=o,k", {"n": 0}),
        ("_source_includes=o*", {"o": {"p": 1}}),
        ("_source=true&_source_includes=n", {"n": 0}),
    ],
)
def test_source_parameters(client: Client, query: str, wanted: Json) -> None:
    assert client.get(f"/a/_search?size=1&{query}").body["hits"]["hits"][0].get("_source") == wanted


def test_further_parameters(client: Client) -> None:
    found = client.get("/a/_search?size=1&version=true&seq_no_primary_term&docvalue_fields=n").body["hits"]["hits"][0]
    assert (found["_version"], found["_seq_no"], found["fields"]) == (1, 0, {"n": [0]})
    assert client.get("/a/_search?rest_total_hits_as_int=true").body["hits"]["total"] == 3
    assert "total" not in client.get("/a/_search?track_total_hits=false").body["hits"]


def test_parameters_win_over_the_body(client: Client) -> None:
    assert len(client.get("/a/_search?size=1", {"size": 3}).body["hits"]["hits"]) == 1


@pytest.mark.parametrize(
    ("target", "body", "count"),
    [
        ("/a/_count", None, 3),
        ("/_count", None, 3),
        ("/a,b/_count", {"query": {"range": {"n": {"gte": 1}}}}, 2),
        ("/b/_count", {}, 0),
        ("/a/_count?q=n:2", None, 1),
        ("/none*/_count", None, 0),
    ],
)
def test_counts(client: Client, target: str, body: Json, count: int) -> None:
    assert client.get(target, body).body["count"] == count


def test_a_count_takes_only_a_query(client: Client) -> None:
    answer = client.get("/a/_count", {"query": {"match_all": {}}, "size": 1})
    assert answer.reason == "request does not support [size]"


def test_many_searches_answer_each_by_itself(client: Client) -> None:
    lines = (
        '{"index":["a","b"],"expand_wildcards":["open"]}\n{"size":1}\n{"index":"no","ignore_unavailable":true}\n{}\n'
        '{"index":"no"}\n{}\n\n{"query":{"tern":{}}}\n'
    )
    answers = client.post("/a/_msearch", lines).body["responses"]
    assert [answer["status"] for answer in answers] == [200, 200, 404, 400]
    assert answers[0]["_shards"]["total"] == 2
    assert answers[1]["_shards"]["total"] == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (None, "request body or source parameter is required"),
        ("{}\n{}", "The msearch request must be terminated by a newline [\\n]"),
        ("{}\n", "Validation Failed: 1: no requests added;"),
    ],
)
def test_many_searches_that_cannot_be_read(client: Client, body: Json, reason: str) -> None:
    assert client.post("/_msearch", body).reason == reason
