"""What jobs ask of the indices."""

import pytest

from proxy.embedded.backend import Answer, Call
from proxy.embedded.core import Core
from proxy.embedded.failure import Failure
from proxy.embedded.ml.indices import Indices, expression


@pytest.fixture
async def indices() -> Indices:
    found = Indices(Core())
    await found.create("b", {"mappings": {"properties": {"x": {"type": "long"}}}})
    await found.create("a", {"settings": {"index.number_of_shards": 2}, "mappings": {"properties": {}}})
    return found


def test_expressions_are_quoted() -> None:
    assert expression(["a*", "-a1", "<x-{now/d}>", "ü"]) == "a*,-a1,<x-%7Bnow%2Fd%7D>,%C3%BC"


async def test_sources_in_order_of_their_names(indices: Indices) -> None:
    [a, b] = await indices.sources(["b", "a*"])
    assert (a.name, b.name) == ("a", "b")
    assert a.settings["index.number_of_shards"] == "2"
    assert b.mappings["properties"] == {"x": {"type": "long"}}


async def test_write_find_count(indices: Indices) -> None:
    await indices.index("b", [("1", {"x": 5}), ("2", {"x": 6})])
    await indices.index("b", [])
    await indices.refresh("b")
    assert await indices.count(["b"], {"term": {"x": 5}}) == 1
    found = await indices.search(["b"], {"query": {"match_all": {}}})
    assert found["hits"]["total"]["value"] == 2
    assert set((await indices.field_caps(["b"]))["x"]) == {"long"}


async def test_a_document_that_does_not_fit_fails_the_whole(indices: Indices) -> None:
    with pytest.raises(Failure) as caught:
        await indices.index("b", [("1", {"x": 1}), ("2", {"x": "many"})])
    assert caught.value.type == "document_parsing_exception"


async def test_get_delete_put_mapping(indices: Indices) -> None:
    await indices.put_mapping("b", {"properties": {"y": {"type": "keyword"}}})
    found = await indices.get("b")
    assert found is not None
    assert found["b"]["mappings"]["properties"]["y"] == {"type": "keyword"}
    await indices.delete("b")
    await indices.delete("b")
    assert await indices.get("b") is None


async def test_errors_are_passed_on(indices: Indices) -> None:
    with pytest.raises(Failure) as caught:
        await indices.create("a", {})
    assert (caught.value.status, caught.value.type) == (400, "resource_already_exists_exception")
    with pytest.raises(Failure) as caught:
        await indices.delete("_x")
    assert caught.value.status == 400


async def test_resolve(indices: Indices) -> None:
    assert [index["name"] for index in (await indices.resolve(["*"]))["indices"]] == ["a", "b"]


@pytest.mark.parametrize("act", ["get", "delete"])
async def test_only_what_is_missing_is_forgiven(act: str) -> None:
    class Refusing(Core):
        async def call(self, call: Call) -> Answer:
            raise Failure(403, "security_exception", "no")

    with pytest.raises(Failure, match="no"):
        await getattr(Indices(Refusing()), act)("a")
