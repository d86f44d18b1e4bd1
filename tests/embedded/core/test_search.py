import json

import pytest

from proxy.embedded.core import search
from proxy.embedded.core.failure import ElasticError
from tests.embedded.core.support import Client, Json, properties


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    client.put("/a", {"settings": {"index.max_result_window": 20}, **properties(n="long", d="date")})
    for number in range(12):
        client.put(f"/a/_doc/{number}", {"n": number, "d": number * 86_400_000, "o": {"x": number}})
    client.put("/b/_doc/z?routing=r", {"n": 100})
    return client


def hits(client: Client, body: Json, target: str = "a") -> Json:
    answer = client.get(f"/{target}/_search", body)
    assert answer.status == 200, answer.body
    return answer.body["hits"]


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, list(range(10))),
        ({"size": 3}, [0, 1, 2]),
        ({"from": 10}, [10, 11]),
        ({"from": 2, "size": 2, "sort": [{"n": "desc"}]}, [9, 8]),
        ({"sort": ["n"], "search_after": [7]}, [8, 9, 10, 11]),
        ({"sort": [{"n": "desc"}], "search_after": [2]}, [1, 0]),
        ({"query": {"range": {"n": {"gte": 11}}}}, [11]),
        ({"post_filter": {"term": {"n": 4}}}, [4]),
        ({"size": 0}, []),
    ],
)
def test_pages(client: Client, body: Json, wanted: list[int]) -> None:
    assert [hit["_source"]["n"] for hit in hits(client, body)["hits"]] == wanted


@pytest.mark.parametrize(
    ("counted", "wanted"),
    [
        (True, {"value": 12, "relation": "eq"}),
        (12, {"value": 12, "relation": "eq"}),
        (5, {"value": 5, "relation": "gte"}),
        (False, None),
    ],
)
def test_totals(client: Client, counted: Json, wanted: Json) -> None:
    assert hits(client, {"track_total_hits": counted}).get("total") == wanted


def test_scores_are_one_or_none(client: Client) -> None:
    assert hits(client, {})["max_score"] == 1.0
    assert hits(client, {"sort": ["n"]})["max_score"] is None
    assert hits(client, {"size": 0})["max_score"] is None
    assert hits(client, {"query": {"match_none": {}}})["max_score"] is None
    assert hits(client, {}, "none*")["max_score"] == 0.0


def test_what_a_hit_shows(client: Client) -> None:
    body = {
        "query": {"term": {"n": 1}},
        "version": True,
        "seq_no_primary_term": True,
        "_source": ["o.x"],
        "docvalue_fields": ["n", {"field": "d", "format": "yyyy"}],
        "fields": ["nope"],
    }
    assert hits(client, body)["hits"] == [
        {
            "_index": "a",
            "_id": "1",
            "_version": 1,
            "_seq_no": 1,
            "_primary_term": 1,
            "_score": 1.0,
            "_source": {"o": {"x": 1}},
            "fields": {"n": [1], "d": ["1970"]},
        }
    ]
    assert hits(client, {"_source": False}, "b")["hits"] == [
        {"_index": "b", "_id": "z", "_score": 1.0, "_routing": "r"}
    ]


def test_several_indices_are_one_answer(client: Client) -> None:
    answer = client.get("/a,b/_search", {"sort": [{"n": "desc"}], "size": 2}).body
    assert [hit["_index"] for hit in answer["hits"]["hits"]] == ["b", "a"]
    assert answer["_shards"] == {"total": 2, "successful": 2, "skipped": 0, "failed": 0}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"quer": {}}, "Unknown key for a START_OBJECT in [quer]."),
        ({"quer": []}, "Unknown key for a START_ARRAY in [quer]."),
        ({"quer": "x"}, "Unknown key for a VALUE_STRING in [quer]."),
        ({"quer": 1}, "Unknown key for a VALUE_NUMBER in [quer]."),
        ({"quer": None}, "Unknown key for a VALUE_NULL in [quer]."),
        ({"quer": True}, "Unknown key for a VALUE_TRUE in [quer]."),
        ({"highlight": {}}, "[highlight] in a search is not supported by the embedded cluster"),
        ({"size": -1}, "[size] parameter cannot be negative, found [-1]"),
        ({"from": -1}, "[from] parameter cannot be negative but was [-1]"),
        ({"size": "x"}, 'For input string: "x"'),
        ({"sort": ["n"], "search_after": [1, 2]}, "search_after has 2 value(s) but sort has 1."),
    ],
)
def test_searches_that_are_none(body: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        search.parse(body, json.dumps(body))
    assert caught.value.reason == reason


def test_the_window_of_results(client: Client) -> None:
    assert client.get("/a/_search", {"from": 10, "size": 10}).status == 200
    answer = client.get("/a/_search", {"from": 11, "size": 10})
    assert answer.status == 400
    assert "less than or equal to: [20] but was [21]" in answer.body["error"]["root_cause"][0]["reason"]


def test_runtime_fields_that_are_none_fail_in_each_index(client: Client) -> None:
    body: Json = {"runtime_mappings": {"r": {}}}
    answer = client.get("/a/_search", body)
    assert answer.reason == "all shards failed"
    assert answer.body["error"]["root_cause"][0]["reason"] == "No type specified for runtime field [r]"
    assert client.get("/none*/_search", body).status == 200


def test_ignored_values_are_told() -> None:
    client = Client()
    client.put("/a", properties(k={"type": "keyword", "ignore_above": 2}, i={"type": "long", "ignore_malformed": True}))
    client.put("/a/_doc/1", {"k": ["abc", "d"], "i": "x"})
    (hit,) = hits(client, {"fields": ["k"], "_source": False})["hits"]
    assert hit["_ignored"] == ["i", "k"]
    assert hit["ignored_field_values"] == {"k": ["abc", "d"]}
