import pytest

from tests.embedded.core.support import Client, Json, properties


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    client.put(
        "/a",
        properties(
            n="long",
            o={"properties": {"k": {"type": "keyword"}}},
            s={"type": "nested", "properties": {"x": {"type": "long"}}},
        ),
    )
    client.put("/a/_doc/1", {"n": 1})
    client.put("/b", properties(n="ip", z="ip"))
    return client


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("fields=n", {"n"}),
        ("fields=o.k", {"o", "o.k"}),
        ("fields=*&filters=-metadata", {"n", "o", "o.k", "s", "s.x", "z"}),
        ("fields=*&filters=-metadata,-parent", {"n", "o.k", "s.x", "z"}),
        ("fields=*&filters=-metadata,-nested", {"n", "o", "o.k", "s.x", "z"}),
        ("fields=_id,n&filters=%2Bmetadata", {"_id"}),
        ("fields=*&types=long&filters=-metadata", {"n", "s", "s.x"}),
        ("fields=*&types=ip", {"n", "z"}),
        ("fields=nope", set()),
    ],
)
def test_fields_that_are_picked(client: Client, query: str, wanted: set[str]) -> None:
    assert set(client.get(f"/_field_caps?{query}").body["fields"]) == wanted


@pytest.mark.parametrize(
    ("target", "body", "indices"),
    [
        ("/_field_caps?fields=n", None, ["a", "b"]),
        ("/b,a/_field_caps?fields=n", None, ["a", "b"]),
        ("/none*/_field_caps?fields=n", None, []),
        ("/_field_caps", {"fields": "n"}, ["a", "b"]),
        ("/_field_caps", {"fields": ["n"], "index_filter": {"term": {"_id": "1"}}}, ["a"]),
        ("/a/_field_caps?fields=n", {"index_filter": {"range": {"n": {"gte": 2}}}}, []),
    ],
)
def test_indices_that_are_asked(client: Client, target: str, body: Json, indices: list[str]) -> None:
    assert client.post(target, body).body["indices"] == indices


def test_unmapped_and_differing_fields(client: Client) -> None:
    found = client.get("/_field_caps?fields=n,z&include_unmapped").body["fields"]
    assert set(found["n"]) == {"long", "ip"}
    assert found["z"]["unmapped"]["indices"] == ["a"]


def test_runtime_mappings_shadow(client: Client) -> None:
    body = {"runtime_mappings": {"n": {"type": "keyword"}, "q": {"type": "date"}}}
    found = client.post("/a/_field_caps?fields=n,q", body).body["fields"]
    assert (list(found["n"]), list(found["q"])) == (["keyword"], ["date"])


@pytest.mark.parametrize(
    ("target", "body", "reason"),
    [
        ("/_field_caps", None, "Validation Failed: 1: no fields specified;"),
        ("/_field_caps?fields=n", {"foo": 1}, "[1:2] [field_caps_request] unknown field [foo]"),
        ("/_field_caps?fields=n&filters=foo", None, "Unknown field caps filter [foo]"),
        (
            "/_field_caps?fields=n",
            {"runtime_mappings": {"r": {"type": "x"}}},
            "Failed to parse mapping: No handler for type [x] declared on runtime field [r]",
        ),
        (
            "/_field_caps?fields=n",
            {"index_filter": {"tern": {}}},
            "unknown query [tern] did you mean any of [term, terms]?",
        ),
        ("/none/_field_caps?fields=n", None, "no such index [none]"),
    ],
)
def test_requests_that_are_refused(client: Client, target: str, body: Json, reason: str) -> None:
    assert client.post(target, body).reason == reason
