import pytest

from tests.embedded.core.support import Client, Json


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    for index in ("a", "b"):
        for number in range(4):
            client.put(f"/{index}/_doc/{number}", {"n": number})
    actions: Json = [
        {"add": {"index": "a", "alias": "low", "filter": {"range": {"n": {"lt": 2}}}}},
        {"add": {"index": "a", "alias": "three", "filter": {"term": {"n": 3}}}},
        {"add": {"indices": ["a", "b"], "alias": "all-of-it"}},
    ]
    client.post("/_aliases", {"actions": actions})
    return client


@pytest.mark.parametrize(
    ("target", "count"),
    [
        ("low", 2),
        ("low,three", 3),
        ("thr*", 1),
        ("low,a", 4),
        ("low,b", 6),
        ("low,all-of-it", 8),
        ("*", 8),
        ("_all", 8),
        ("a*", 8),
        ("l*,b", 6),
    ],
)
def test_only_what_the_filters_let_through(client: Client, target: str, count: int) -> None:
    assert client.get(f"/{target}/_count").body["count"] == count
    assert client.get(f"/{target}/_search?size=0").body["hits"]["total"]["value"] == count


def test_filters_and_queries_both_hold(client: Client) -> None:
    assert client.ids("low", {"range": {"n": {"gte": 1}}}) == ["1"]
    body = {"size": 0, "aggs": {"s": {"sum": {"field": "n"}}}}
    assert client.get("/low/_search", body).body["aggregations"]["s"]["value"] == 1.0
    answer = client.post("/_msearch", '{"index":"three"}\n{}\n').body["responses"][0]
    assert answer["hits"]["total"]["value"] == 1
