import pytest

from tests.embedded.core.support import Client


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/alpha", {"settings": {"number_of_shards": 12}, "aliases": {"x": {"filter": {"term": {"a": 1}}}}})
    client.put(
        "/b", {"settings": {"number_of_replicas": 0}, "aliases": {"x": {"is_write_index": True, "routing": "7"}}}
    )
    client.put("/b/_doc/1", {"a": 1})
    client.put("/closed")
    client.post("/closed/_close")
    return client


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("h=index,pri", "alpha  12\nb       1\nclosed  1\n"),
        ("h=i,p&v", "index  pri\nalpha   12\nb        1\nclosed   1\n"),
        ("h=pri,index&s=index:desc", " 1 closed\n 1 b\n12 alpha\n"),
        ("h=index,docs.count", "alpha  0\nb      1\nclosed\n"),
        ("h=index&health=green", "b\n"),
        ("h=nope,index&s=pri,i", "b\nclosed\nalpha\n"),
        ("h=index,status", "alpha  open\nb      open\nclosed close\n"),
    ],
)
def test_tables_of_indices(client: Client, query: str, text: str) -> None:
    answer = client.get(f"/_cat/indices?{query}")
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert [line.rstrip() for line in str(answer.body).split("\n")] == [line.rstrip() for line in text.split("\n")]


def test_rows_as_json_hold_texts(client: Client) -> None:
    (row,) = client.get("/_cat/indices/b?format=json").body
    assert (row["index"], row["pri"], row["rep"], row["docs.count"]) == ("b", "1", "0", "1")
    assert row["uuid"] == client.core.store.indices["b"].uuid
    (closed,) = client.get("/_cat/indices/closed?format=json").body
    assert (closed["docs.count"], closed["store.size"]) == (None, None)


def test_an_unknown_sort_key_is_refused(client: Client) -> None:
    assert client.get("/_cat/indices?s=foo").reason == "Unable to sort by unknown sort key `foo`"


def test_health(client: Client) -> None:
    assert str(client.get("/_cat/health").body).startswith("1700000000 22:13:20 startgate-embedded yellow 1 1 14 14 ")
    (row,) = client.get("/_cat/health?format=json").body
    assert row["active_shards_percent"] == "51.9%"


def test_counts(client: Client) -> None:
    assert client.get("/_cat/count/b?h=count").body in (1, "1\n")
    (row,) = client.get("/_cat/count?format=json").body
    assert row["count"] == "1"


def test_aliases(client: Client) -> None:
    assert client.get("/_cat/aliases?format=json").body == [
        {
            "alias": "x",
            "index": "alpha",
            "filter": "*",
            "routing.index": "-",
            "routing.search": "-",
            "is_write_index": "-",
        },
        {
            "alias": "x",
            "index": "b",
            "filter": "-",
            "routing.index": "7",
            "routing.search": "7",
            "is_write_index": "true",
        },
    ]
