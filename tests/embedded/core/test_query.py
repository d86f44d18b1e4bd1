import json

import pytest

from proxy.embedded.core import query
from proxy.embedded.core.failure import ElasticError, illegal
from tests.embedded.core.support import Client, Json, properties


@pytest.fixture
def client() -> Client:
    client = Client()
    client.put("/a", properties(n="long", k="keyword", s={"type": "nested", "properties": {"x": {"type": "long"}}}))
    for id, document in enumerate(({"n": 1, "k": "a"}, {"n": 2, "k": "b"}, {"n": 3}, {"s": [{"x": 5}]}), 1):
        client.put(f"/a/_doc/{id}", document)
    return client


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ({"match_all": {}}, ["1", "2", "3", "4"]),
        ({"match_none": {}}, []),
        ({"bool": {}}, ["1", "2", "3", "4"]),
        ({"bool": {"must": {"term": {"n": 1}}}}, ["1"]),
        ({"bool": {"must": [{"term": {"n": 1}}, {"term": {"k": "b"}}]}}, []),
        ({"bool": {"filter": [{"range": {"n": {"gte": 2}}}], "must_not": [{"term": {"k": "b"}}]}}, ["3"]),
        ({"bool": {"should": [{"term": {"n": 1}}, {"term": {"n": 3}}]}}, ["1", "3"]),
        ({"bool": {"should": [{"term": {"n": 9}}], "must": [{"exists": {"field": "k"}}]}}, ["1", "2"]),
        ({"bool": {"should": [{"term": {"n": 1}}, {"term": {"k": "a"}}], "minimum_should_match": 2}}, ["1"]),
        ({"bool": {"should": [{"term": {"n": 1}}], "minimum_should_match": 9}}, ["1"]),
        ({"bool": {"must_not": {"exists": {"field": "n"}}}}, ["4"]),
        ({"constant_score": {"filter": {"term": {"n": 2}}, "boost": 2}}, ["2"]),
        ({"nested": {"path": "s", "query": {"term": {"s.x": 5}}}}, ["4"]),
    ],
)
def test_what_queries_find(client: Client, source: Json, wanted: list[str]) -> None:
    assert client.ids("a", source) == wanted


@pytest.mark.parametrize(
    ("source", "type", "reason"),
    [
        ({}, "illegal_argument_exception", "query malformed, empty clause found at [1:11]"),
        ([], "parsing_exception", "[_na] query malformed, must start with start_object"),
        ({"tern": {}}, "parsing_exception", "unknown query [tern] did you mean any of [term, terms]?"),
        ({"qqqq": {}}, "parsing_exception", "unknown query [qqqq]"),
        ({"term": []}, "parsing_exception", "[term] query malformed, no start_object after query name"),
        (
            {"term": {"n": 1}, "x": 1},
            "parsing_exception",
            "[term] malformed query, expected [END_OBJECT] but found [FIELD_NAME]",
        ),
        ({"bool": {"x": 1}}, "x_content_parse_exception", "[1:19] [bool] unknown field [x]"),
        (
            {"bool": {"shuld": 1}},
            "x_content_parse_exception",
            "[1:19] [bool] unknown field [shuld] did you mean [should]?",
        ),
        ({"constant_score": {}}, "parsing_exception", "[constant_score] requires a 'filter' element"),
        ({"nested": {"path": "s"}}, "parsing_exception", "[nested] requires a 'query' element"),
        ({"knn": {}}, "illegal_argument_exception", "[knn] query is not supported by the embedded cluster"),
    ],
)
def test_queries_that_are_none(source: Json, type: str, reason: str) -> None:
    text = json.dumps({"query": source}, separators=(",", ":"))
    with pytest.raises(ElasticError) as caught:
        query.parse(source, text)
    assert caught.value.type == type
    assert caught.value.reason.startswith(reason)


def test_bool_wraps_the_faults_of_its_clauses() -> None:
    source: Json = {"bool": {"must": [{"bool": {"filter": {"tern": {}}}}]}}
    with pytest.raises(ElasticError) as caught:
        query.parse(source, json.dumps({"query": source}, separators=(",", ":")))
    chain = []
    fault: ElasticError | None = caught.value
    while fault is not None:
        chain.append(fault.reason)
        fault = fault.cause
    assert chain == [
        "[1:53] [bool] failed to parse field [must]",
        "[1:53] [bool] failed to parse field [filter]",
        "unknown query [tern] did you mean any of [term, terms]?",
        "[1:53] unknown field [tern]",
    ]
    assert caught.value.root().type == "parsing_exception"


def test_faults_of_an_index_name_it(client: Client) -> None:
    index = client.core.store.indices["a"]
    fault = query.shard_fault(index, illegal("no"))
    assert fault.reason == "failed to create query: no"
    assert fault.fields == {"index_uuid": index.uuid, "index": "a"}
    assert query.shard_fault(index, fault) is fault
