import pytest

from tests.embedded.core.support import Client, Json, properties

DOCUMENTS: tuple[Json, ...] = (
    {"n": 1, "f": 0.5, "k": "Ab", "t": "The quick brown fox", "d": "2024-01-01", "b": True, "i": "10.0.0.1"},
    {"n": [2, 20], "f": 1.5, "k": ["b", "c"], "t": "lazy dog", "d": "2024-02-01T12:00:00Z", "b": False, "i": "::1"},
    {"o": {"x": "y"}, "t": "quick dog", "low": "MiXed", "big": 2**53 + 1},
)


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    settings = {"analysis": {"normalizer": {"low": {"type": "custom", "filter": ["lowercase"]}}}}
    fields = properties(
        n="long",
        f="double",
        k="keyword",
        t="text",
        d="date",
        b="boolean",
        i="ip",
        big="long",
        low={"type": "keyword", "normalizer": "low"},
        al={"type": "alias", "path": "k"},
    )
    fields["mappings"]["runtime"] = {"r": {"type": "long"}, "o.x": {"type": "keyword"}}
    assert client.put("/a", {"settings": settings, **fields}).status == 200
    for id, document in enumerate(DOCUMENTS, 1):
        assert client.put(f"/a/_doc/{id}", document).status == 201
    return client


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ({"term": {"n": 20}}, ["2"]),
        ({"term": {"n": {"value": "1"}}}, ["1"]),
        ({"term": {"n": 1.5}}, []),
        ({"term": {"n": 1.0}}, ["1"]),
        ({"term": {"big": 2**53 + 1}}, ["3"]),
        ({"term": {"big": 2**53}}, []),
        ({"term": {"f": 0.5}}, ["1"]),
        ({"term": {"k": "Ab"}}, ["1"]),
        ({"term": {"k": "ab"}}, []),
        ({"term": {"k": {"value": "AB", "case_insensitive": True}}}, ["1"]),
        ({"term": {"al": "Ab"}}, ["1"]),
        ({"term": {"low": "MIXED"}}, ["3"]),
        ({"term": {"t": "quick"}}, ["1", "3"]),
        ({"term": {"t": "Quick"}}, []),
        ({"term": {"d": "2024-01-01"}}, ["1"]),
        ({"term": {"d": 1704067200000}}, ["1"]),
        ({"terms": {"d": [1.5, "2024-01-01"]}}, ["1"]),
        ({"term": {"b": "true"}}, ["1"]),
        ({"term": {"b": False}}, ["2"]),
        ({"term": {"i": "10.0.0.0/8"}}, ["1"]),
        ({"term": {"i": "::1"}}, ["2"]),
        ({"term": {"o.x": "y"}}, ["3"]),
        ({"term": {"nope": 1}}, []),
        ({"term": {"_id": "2"}}, ["2"]),
        ({"term": {"_index": "a"}}, ["1", "2", "3"]),
        ({"range": {"_seq_no": {"lt": 1}}}, ["1"]),
        ({"terms": {"k": ["b", "Ab"], "boost": 2}}, ["1", "2"]),
        ({"terms": {"k": [None]}}, []),
        ({"ids": {"values": [1, "3"]}}, ["1", "3"]),
        ({"exists": {"field": "n"}}, ["1", "2"]),
        ({"exists": {"field": "o"}}, ["3"]),
        ({"exists": {"field": "k*"}}, ["1", "2"]),
        ({"exists": {"field": "nope"}}, []),
        ({"range": {"n": {"gt": 1, "lt": 3}}}, ["2"]),
        ({"range": {"n": {"gte": "20"}}}, ["2"]),
        ({"range": {"n": {"from": 1, "to": 2, "include_upper": False}}}, ["1"]),
        ({"range": {"n": {"gte": None}}}, ["1", "2"]),
        ({"range": {"k": {"gte": "b"}}}, ["2"]),
        ({"range": {"d": {"lte": "2024-01"}}}, ["1"]),
        ({"range": {"d": {"gt": "2024-02-01"}}}, []),
        ({"range": {"d": {"gte": "01.02.2024", "format": "dd.MM.yyyy"}}}, ["2"]),
        ({"range": {"nope": {"gte": 1}}}, []),
        ({"range": {"t": {"gt": "lazy", "lte": "quick"}}}, ["1", "3"]),
        ({"range": {"b": {"gte": "true"}}}, ["1"]),
        ({"match": {"t": "QUICK lazy"}}, ["1", "2", "3"]),
        ({"match": {"t": {"query": "quick dog", "operator": "AND"}}}, ["3"]),
        ({"match": {"t": ""}}, []),
        ({"match": {"n": 1}}, ["1"]),
        ({"match": {"nope": "x"}}, []),
        ({"match_phrase": {"t": "quick brown"}}, ["1"]),
        ({"match_phrase": {"t": "brown quick"}}, []),
        ({"prefix": {"k": {"value": "A"}}}, ["1"]),
        ({"prefix": {"t": "qui"}}, ["1", "3"]),
        ({"prefix": {"nope": "qui"}}, []),
        ({"wildcard": {"k": "?b"}}, ["1"]),
        ({"wildcard": {"k": {"wildcard": "[b*"}}}, []),
        ({"query_string": {"query": "*"}}, ["1", "2", "3"]),
        ({"query_string": {"query": "n:*"}}, ["1", "2"]),
        ({"query_string": {"query": 'k:"Ab"'}}, ["1"]),
        ({"simple_query_string": {"query": "dog"}}, ["2", "3"]),
    ],
)
def test_what_clauses_find(client: Client, source: Json, wanted: list[str]) -> None:
    assert client.ids("a", source) == wanted


def test_addresses_of_both_versions_compare(client: Client) -> None:
    assert client.ids("a", {"range": {"i": {"gte": "10.0.0.0", "lt": "10.0.0.2"}}}) == ["1"]
    assert client.ids("a", {"range": {"i": {"lt": "1.0.0.0"}}}) == ["2"]
    assert client.ids("a", {"range": {"i": {"gte": "::ffff:a00:1"}}}) == ["1"]


def test_runtime_fields_of_a_request_read_the_source(client: Client) -> None:
    found = client.ids("a", {"term": {"k": "c"}}, runtime_mappings={"k": {"type": "keyword"}})
    assert found == ["2"]
    assert client.ids("a", {"range": {"n": {"gte": 20}}}, runtime_mappings={"n": {"type": "double"}}) == ["2"]
    assert client.ids("a", {"exists": {"field": "z"}}, runtime_mappings={"z": {"type": "keyword"}}) == []
    assert client.ids("a", {"term": {"t": 1}}, runtime_mappings={"t": {"type": "long"}}) == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"term": {}}, "fieldName must not be null or empty"),
        ({"term": {"a": 1, "b": 1}}, "[term] query doesn't support multiple fields, found [a] and [b]"),
        ({"terms": {"a": 1}}, "[terms] query does not support [a]"),
        ({"exists": {"x": 1}}, "[exists] query does not support [x]"),
        ({"exists": {}}, "[exists] must be provided with a [field]"),
        ({"ids": {}}, "Required one of fields [values], but none were specified. "),
        ({"range": {"a": 1}}, "[range] query malformed, no start_object after query name"),
        ({"range": {"a": {"x": 1}}}, "[range] query does not support [x]"),
        ({"query_string": {"query": 1}}, "[query_string] must be provided with a [query]"),
    ],
)
def test_clauses_that_are_none(client: Client, source: Json, reason: str) -> None:
    answer = client.get("/a/_search", {"query": source})
    assert (answer.status, answer.reason) == (400, reason)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"term": {"n": "x"}}, 'failed to create query: For input string: "x"'),
        ({"range": {"n": {"gte": "x"}}}, 'failed to create query: For input string: "x"'),
        ({"term": {"n": True}}, 'failed to create query: For input string: "true"'),
        ({"match": {"n": "x"}}, 'failed to create query: For input string: "x"'),
        ({"term": {"i": "x"}}, "failed to create query: 'x' is not an IP string literal."),
        (
            {"term": {"b": "x"}},
            "failed to create query: Can't parse boolean value [x], expected [true] or [false]",
        ),
    ],
)
def test_clauses_that_do_not_fit_the_index(client: Client, source: Json, reason: str) -> None:
    answer = client.get("/a/_search", {"query": source})
    assert answer.status == 400
    assert answer.reason == "all shards failed"
    assert answer.body["error"]["root_cause"][0]["reason"] == reason
    assert answer.body["error"]["failed_shards"][0]["index"] == "a"
    assert client.get("/a/_count", {"query": source}).body == answer.body


@pytest.mark.parametrize(
    ("bounds", "format"),
    [
        ({"gte": "x"}, "strict_date_optional_time||epoch_millis"),
        ({"gte": 1, "lt": "2024-01-01"}, "epoch_millis"),
        ({"gte": "x", "format": "yyyy"}, "yyyy"),
    ],
)
def test_bounds_that_are_no_date(client: Client, bounds: Json, format: str) -> None:
    answer = client.get("/a/_search", {"query": {"range": {"d": bounds}}})
    (root,) = answer.body["error"]["root_cause"]
    assert root["type"] == "parse_exception"
    assert f"with format [{format}]: [failed to parse date field" in root["reason"]
