import pytest

from proxy.embedded.core import sorting
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.sorting import SortKey
from tests.embedded.core.support import Client, Json, properties


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (None, []),
        ("a", [SortKey("a")]),
        ("a:desc", [SortKey("a", descending=True)]),
        (["a:asc", "b"], [SortKey("a"), SortKey("b")]),
        ("_score", [SortKey("_score", descending=True)]),
        ({"a": "DESC"}, [SortKey("a", descending=True)]),
        ([{"a": {"order": "desc", "missing": 3, "mode": "min"}}], [SortKey("a", True, 3, None, "min")]),
        ([{"a": {"unmapped_type": "long"}}], [SortKey("a", unmapped="long")]),
    ],
)
def test_spellings(source: Json, wanted: list[SortKey]) -> None:
    assert sorting.parse(source) == wanted


@pytest.mark.parametrize(
    "source", [{"a": "up"}, [{"a": {"order": "x"}}], [{}], [3], {"_script": {}}, {"a": {"nested": {}}}]
)
def test_spellings_that_are_none(source: Json) -> None:
    with pytest.raises(ElasticError) as caught:
        sorting.parse(source)
    assert caught.value.status == 400


@pytest.fixture(scope="module")
def client() -> Client:
    client = Client()
    client.put(
        "/a",
        properties(
            n="long",
            f="double",
            k="keyword",
            t="text",
            d="date",
            b="boolean",
            tf={"type": "text", "fielddata": True},
            i="ip",
        ),
    )
    documents: tuple[Json, ...] = (
        {"n": [1, 9], "f": 2.5, "k": "b", "b": True, "d": "2024-01-01", "tf": "x", "i": "10.0.0.9"},
        {"n": 5, "f": 0.5, "k": "a", "b": False, "d": "2023-01-01", "tf": "a", "i": "10.0.0.1"},
        {"t": "no values"},
    )
    for id, document in enumerate(documents, 1):
        client.put(f"/a/_doc/{id}", document)
    return client


@pytest.mark.parametrize(
    ("sort", "ids", "shown"),
    [
        (["n"], ["1", "2", "3"], [[1], [5], [2**63 - 1]]),
        ([{"n": "desc"}], ["1", "2", "3"], [[9], [5], [-(2**63)]]),
        ([{"n": {"order": "asc", "mode": "max"}}], ["2", "1", "3"], [[5], [9], [2**63 - 1]]),
        ([{"n": {"order": "asc", "missing": "_first"}}], ["3", "1", "2"], [[-(2**63)], [1], [5]]),
        ([{"n": {"missing": 3}}], ["1", "3", "2"], [[1], [3], [5]]),
        ([{"f": {"missing": "_first"}}, "_doc"], ["3", "2", "1"], [["-Infinity", 2], [0.5, 1], [2.5, 0]]),
        (["f"], ["2", "1", "3"], [[0.5], [2.5], ["Infinity"]]),
        (["k"], ["2", "1", "3"], [["a"], ["b"], [None]]),
        (["b"], ["2", "1", "3"], [[0], [1], [2**63 - 1]]),
        ([{"d": "desc"}], ["1", "2", "3"], [[1704067200000], [1672531200000], [-(2**63)]]),
        (["tf"], ["2", "1", "3"], [["a"], ["x"], [None]]),
        (["i"], ["2", "1", "3"], [["10.0.0.1"], ["10.0.0.9"], [None]]),
        ([{"zz": {"unmapped_type": "keyword"}}, {"_doc": "desc"}], ["3", "2", "1"], [[None, 2], [None, 1], [None, 0]]),
        (["_score", "_doc"], ["1", "2", "3"], [[1.0, 0], [1.0, 1], [1.0, 2]]),
    ],
)
def test_orders(client: Client, sort: Json, ids: list[str], shown: Json) -> None:
    hits = client.get("/a/_search", {"sort": sort}).body["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ids
    assert [hit["sort"] for hit in hits] == shown


@pytest.mark.parametrize(
    ("sort", "reason"),
    [("zz", "No mapping found for [zz] in order to sort on"), ("t", "Fielddata is disabled on [t] in [a].")],
)
def test_fields_that_cannot_be_sorted_by(client: Client, sort: str, reason: str) -> None:
    answer = client.get("/a/_search", {"sort": sort})
    assert answer.status == 400
    assert answer.body["error"]["root_cause"][0]["reason"].startswith(reason)
