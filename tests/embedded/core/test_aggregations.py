import pytest

from tests.embedded.core.support import Client, Json, properties

FIELDS = properties(
    n="long", k="keyword", t="text", d="date", b="boolean", i="ip", dv={"type": "dense_vector", "dims": 2}
)


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    client.put(
        "/a",
        properties(
            n="long", k="keyword", t="text", d="date", b="boolean", i="ip", dv={"type": "dense_vector", "dims": 2}
        ),
    )
    documents: tuple[Json, ...] = (
        {"n": 1, "k": "x", "d": "2024-01-01", "b": True, "i": "10.0.0.1"},
        {"n": 2, "k": ["x", "y", "x"], "d": "2024-01-01", "b": False},
        {"n": 4, "k": "z"},
        {},
    )
    for id, document in enumerate(documents, 1):
        client.put(f"/a/_doc/{id}", document)
    client.put("/b")
    return client


def run(client: Client, aggregation: Json, target: str = "a", **more: Json) -> Json:
    answer = client.get(f"/{target}/_search", {"size": 0, "aggs": {"x": aggregation}, **more})
    assert answer.status == 200, answer.body
    return answer.body["aggregations"]["x"]


@pytest.mark.parametrize(
    ("aggregation", "wanted"),
    [
        ({"min": {"field": "n"}}, {"value": 1.0}),
        ({"max": {"field": "n"}}, {"value": 4.0}),
        ({"sum": {"field": "n"}}, {"value": 7.0}),
        ({"avg": {"field": "n"}}, {"value": 7 / 3}),
        ({"value_count": {"field": "k"}}, {"value": 4}),
        ({"cardinality": {"field": "k"}}, {"value": 3}),
        ({"cardinality": {"field": "nope"}}, {"value": 0}),
        ({"max": {"field": "nope"}}, {"value": None}),
        ({"sum": {"field": "nope"}}, {"value": 0}),
        ({"stats": {"field": "n"}}, {"count": 3, "min": 1.0, "max": 4.0, "avg": 7 / 3, "sum": 7.0}),
        ({"stats": {"field": "nope"}}, {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}),
        ({"min": {"field": "n"}, "meta": {"m": 1}}, {"meta": {"m": 1}, "value": 1.0}),
    ],
)
def test_metrics(client: Client, aggregation: Json, wanted: Json) -> None:
    assert run(client, aggregation) == wanted


@pytest.mark.parametrize(
    ("terms", "wanted", "rest"),
    [
        ({"field": "k"}, [("x", 2), ("y", 1), ("z", 1)], 0),
        ({"field": "k", "size": 1}, [("x", 2)], 2),
        ({"field": "k", "min_doc_count": 2}, [("x", 2)], 0),
        ({"field": "k", "order": {"_key": "desc"}}, [("z", 1), ("y", 1), ("x", 2)], 0),
        ({"field": "k", "order": [{"_key": "asc"}]}, [("x", 2), ("y", 1), ("z", 1)], 0),
        ({"field": "k", "order": {"_count": "asc"}}, [("y", 1), ("z", 1), ("x", 2)], 0),
        ({"field": "n"}, [(1, 1), (2, 1), (4, 1)], 0),
        ({"field": "i"}, [("10.0.0.1", 1)], 0),
        ({"field": "nope"}, [], 0),
    ],
)
def test_terms(client: Client, terms: Json, wanted: Json, rest: int) -> None:
    found = run(client, {"terms": terms})
    assert [(bucket["key"], bucket["doc_count"]) for bucket in found["buckets"]] == wanted
    assert found["sum_other_doc_count"] == rest


def test_keys_of_booleans_and_dates_have_a_text(client: Client) -> None:
    assert run(client, {"terms": {"field": "b"}})["buckets"] == [
        {"key": 0, "key_as_string": "false", "doc_count": 1},
        {"key": 1, "key_as_string": "true", "doc_count": 1},
    ]
    assert run(client, {"terms": {"field": "d"}})["buckets"][0]["key_as_string"] == "2024-01-01T00:00:00.000Z"


def test_aggregations_inside_buckets(client: Client) -> None:
    found = run(client, {"terms": {"field": "k", "size": 1}, "aggs": {"m": {"max": {"field": "n"}}}})
    assert found["buckets"] == [{"key": "x", "doc_count": 2, "m": {"value": 2.0}}]


def test_metrics_of_dates_and_booleans_have_texts_too(client: Client) -> None:
    assert run(client, {"min": {"field": "d"}})["value_as_string"] == "2024-01-01T00:00:00.000Z"
    assert run(client, {"max": {"field": "b"}}) == {"value": 1.0, "value_as_string": "true"}
    assert run(client, {"stats": {"field": "b"}})["min_as_string"] is False
    assert "value_as_string" not in run(client, {"min": {"field": "d"}}, query={"match_none": {}})


def test_only_what_matches_counts_and_pages_do_not(client: Client) -> None:
    assert run(client, {"sum": {"field": "n"}}, query={"term": {"k": "x"}}) == {"value": 3.0}
    assert run(client, {"sum": {"field": "n"}}, post_filter={"term": {"k": "x"}}) == {"value": 7.0}
    assert run(client, {"sum": {"field": "n"}}, "a,b") == {"value": 7.0}


def test_fields_of_the_request(client: Client) -> None:
    runtime = {"n": {"type": "keyword"}}
    assert run(client, {"terms": {"field": "n"}}, runtime_mappings=runtime)["buckets"][0]["key"] == "1"


@pytest.mark.parametrize(
    ("aggregation", "reason"),
    [
        ({"cardnality": {}}, "Unknown aggregation type [cardnality] did you mean [cardinality]?"),
        ({}, "Missing definition for aggregation [x]"),
        ({"date_histogram": {}}, "[date_histogram] aggregation is not supported by the embedded cluster"),
        ({"terms": {"field": "k"}, "aggs": {"y": {"zzzz": {}}}}, "Unknown aggregation type [zzzz]"),
    ],
)
def test_aggregations_that_are_none(client: Client, aggregation: Json, reason: str) -> None:
    answer = client.get("/a/_search", {"aggs": {"x": aggregation}})
    assert answer.status == 400
    assert answer.reason.startswith(reason)


@pytest.mark.parametrize(
    ("field", "reason"),
    [("t", "Fielddata is disabled on [t] in [a]."), ("dv", "Field [dv] of type [dense_vector] is not supported")],
)
def test_fields_that_cannot_be_aggregated(client: Client, field: str, reason: str) -> None:
    answer = client.get("/a/_search", {"aggs": {"x": {"terms": {"field": field}}}})
    assert answer.status == 400
    assert answer.body["error"]["root_cause"][0]["reason"].startswith(reason)


@pytest.mark.parametrize("kind", ["min", "max", "avg", "sum", "stats"])
def test_numbers_are_not_made_of_texts(client: Client, kind: str) -> None:
    answer = client.get("/a/_search", {"aggs": {"x": {kind: {"field": "k"}}}})
    assert answer.body["error"]["root_cause"][0]["reason"] == (
        f"Field [k] of type [keyword] is not supported for aggregation [{kind}]"
    )
