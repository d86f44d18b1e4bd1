"""How genuine nodes keep and tell what a destination is made of: what the plan and its comparisons take for granted."""

from collections.abc import Iterator
from typing import Any

import pytest

from proxy.destination import result_mappings
from proxy.model import Job, Owner, OwnerKind, SourceFilter
from tests.real.node import RealNode

pytestmark = pytest.mark.real

META = {
    "creation_date_in_millis": 1_700_000_000_000,
    "created_by": "data-frame-analytics",
    "version": {"created": "12.0.0"},
    "analytics": "a.job-1",
}


def job(analysis: str, **settings: Any) -> Job:
    return Job(
        id="a.job-1",
        create_time=1,
        version="12.0.0",
        sources=("readback-src",),
        source_filter=SourceFilter(),
        runtime_mappings={},
        destination="readback",
        results_field="ml",
        analysis=analysis,
        analysis_settings=settings,
        owner=Owner(kind=OwnerKind.UNKNOWN),
        config={},
    )


@pytest.fixture
def node(real_node: RealNode) -> Iterator[RealNode]:
    """A node on which the indices are removed in the end."""
    yield real_node
    gone = real_node.call("DELETE", "/readback,readback-src?ignore_unavailable=true")
    assert gone.status == 200, gone.data


def mapping(node: RealNode) -> Any:
    """As it is told."""
    return node.call("GET", "/readback/_mapping").data["readback"]["mappings"]


def test_what_is_made_is_told_in_the_form_of_the_plan(node: RealNode) -> None:
    """`_meta` as it was sent; `dynamic` as a text; settings as flat texts, those alone that were set."""
    body = {
        "settings": {"index.number_of_shards": 2, "index.number_of_replicas": 0},
        "mappings": {"dynamic": False, "_meta": META, "properties": {"ml__incremental_id": {"type": "long"}}},
    }
    assert node.call("PUT", "/readback", body).status == 200
    told = mapping(node)
    assert (told["_meta"], told["dynamic"]) == (META, "false")
    settings = node.call("GET", "/readback/_settings?flat_settings=true").data["readback"]["settings"]
    assert (settings["index.number_of_shards"], settings["index.number_of_replicas"]) == ("2", "0")
    assert not [name for name in settings if name.startswith(("index.mapping", "index.similarity", "index.analysis"))]


def test_an_index_that_is_there_is_not_made_again(node: RealNode) -> None:
    assert node.call("PUT", "/readback", {}).status == 200
    again = node.call("PUT", "/readback", {})
    assert (again.status, again.data["error"]["type"]) == (400, "resource_already_exists_exception")


@pytest.mark.parametrize(
    ("given", "types"),
    [
        (job("outlier_detection"), ()),
        (job("regression", dependent_variable="x"), ()),
        *((job("classification", dependent_variable="x"), (kind,)) for kind in ("keyword", "boolean", "ip", "long")),
    ],
)
def test_result_fields_with_dots_are_added_to_what_startgate_makes(
    node: RealNode, given: Job, types: tuple[str, ...]
) -> None:
    """Elasticsearch adds them by one call when the job runs; they become one object, of the results field's name."""
    body = {"mappings": {"dynamic": False, "_meta": META, "properties": {"x": {"type": "long"}}}}
    assert node.call("PUT", "/readback", body).status == 200
    added = result_mappings(given, types)
    put = node.call("PUT", "/readback/_mapping", {"properties": added})
    assert put.status == 200, put.data
    told = mapping(node)
    assert told["properties"].keys() == {"x", "ml"}
    assert told["properties"]["ml"]["properties"].keys() == {name.partition(".")[2] for name in added}
    assert (told["_meta"], told["dynamic"]) == (META, "false")


def test_a_block_for_writes_lets_the_mapping_be_changed(node: RealNode) -> None:
    """So that a job that was started during a removal fails where it copies, and not before."""
    assert node.call("PUT", "/readback", {}).status == 200
    assert node.call("PUT", "/readback/_block/write").status == 200
    put = node.call("PUT", "/readback/_mapping", {"properties": {"ml.x": {"type": "long"}}})
    assert put.status == 200, put.data
    written = node.call("PUT", "/readback/_doc/1", {"a": 1})
    assert (written.status, written.data["error"]["type"]) == (403, "cluster_block_exception")


def test_a_closed_source_that_is_named_is_refused_in_these_words(node: RealNode) -> None:
    assert node.call("PUT", "/readback-src", {}).status == 200
    assert node.call("POST", "/readback-src/_close").status == 200
    searched = node.call("GET", "/readback-src/_search?size=0")
    error = searched.data["error"]
    assert (searched.status, error["type"], error["reason"]) == (400, "index_closed_exception", "closed")
