from typing import TYPE_CHECKING

import pytest

from proxy.embedded.core import writes
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.store import Index, Store
from proxy.embedded.core.writes import Guard, Written
from tests.embedded.core.support import Json

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def store() -> Store:
    return Store(seed=1, clock=lambda: 1.0)


@pytest.fixture
def index(store: Store) -> Index:
    return writes.target(store, "a")


def put(store: Store, index: Index, id: str | None = "1", source: Json = None, **more: Json) -> Written:
    return writes.put(store, index, id, {} if source is None else source, "{}", **more)


def test_versions_and_sequence_numbers(store: Store, index: Index) -> None:
    assert (put(store, index).result, put(store, index).result) == ("created", "updated")
    assert index.documents["1"].version == 2
    gone = writes.delete(index, "1")
    assert (gone.result, gone.version, gone.seq_no, gone.status) == ("deleted", 3, 2, 200)
    again = put(store, index)
    assert (again.result, again.version, again.seq_no, again.status) == ("created", 4, 3, 201)
    missing = writes.delete(index, "x")
    assert (missing.result, missing.version, missing.seq_no, missing.status) == ("not_found", 1, 4, 404)


def test_an_id_is_made_where_none_is_given(store: Store, index: Index) -> None:
    assert len(put(store, index, None).id) == 20


def test_the_body_of_an_answer(store: Store, index: Index) -> None:
    assert put(store, index).body(forced_refresh=True) == {
        "_index": "a",
        "_id": "1",
        "_version": 1,
        "result": "created",
        "forced_refresh": True,
        "_shards": {"total": 2, "successful": 1, "failed": 0},
        "_seq_no": 0,
        "_primary_term": 1,
    }


@pytest.mark.parametrize(
    ("guard", "piece"),
    [
        (Guard(create=True), "document already exists (current version [1])"),
        (Guard(seq_no=3, primary_term=1), "required seqNo [3], primary term [1]. current document has seqNo [0]"),
        (Guard(seq_no=0, primary_term=2), "required seqNo [0], primary term [2]"),
        (Guard(version=1), "current version [1] is higher or equal to the one provided [1]"),
    ],
)
def test_guards_that_fail(store: Store, index: Index, guard: Guard, piece: str) -> None:
    put(store, index)
    with pytest.raises(ElasticError) as caught:
        put(store, index, guard=guard)
    assert caught.value.status == 409
    assert piece in caught.value.reason
    assert caught.value.fields == {"index_uuid": index.uuid, "shard": "0", "index": "a"}


def test_guards_that_hold(store: Store, index: Index) -> None:
    put(store, index, guard=Guard(create=True))
    put(store, index, guard=Guard(seq_no=0, primary_term=1))
    assert put(store, index, guard=Guard(version=9)).version == 9
    with pytest.raises(ElasticError, match="but no document was found"):
        put(store, index, "new", guard=Guard(seq_no=0, primary_term=1))


@pytest.mark.parametrize(
    ("setting", "status", "piece"),
    [
        ("write", 403, "[FORBIDDEN/8/index write (api)]"),
        ("read_only", 403, "[FORBIDDEN/5/index read-only (api)]"),
        ("read_only_allow_delete", 429, "[TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark"),
    ],
)
def test_blocks(store: Store, index: Index, setting: str, status: int, piece: str) -> None:
    index.settings[f"index.blocks.{setting}"] = "true"
    calls: tuple[Callable[[], object], ...] = (
        lambda: put(store, index),
        lambda: writes.delete(index, "1"),
        lambda: writes.update(store, index, "1", {"doc": {}}),
    )
    for call in calls:
        with pytest.raises(ElasticError) as caught:
            call()
        assert (caught.value.status, piece in caught.value.reason) == (status, True)
    index.settings[f"index.blocks.{setting}"] = "false"
    put(store, index)


def test_closed_indices(store: Store, index: Index) -> None:
    index.closed = True
    with pytest.raises(ElasticError, match="closed"):
        put(store, index)


def test_documents_grow_the_mapping_only_when_they_are_kept(store: Store, index: Index) -> None:
    with pytest.raises(ElasticError):
        put(store, index, source={"a": 1, "_id": 2})
    assert index.mapping.fields == {}
    put(store, index, source={"a": 1})
    assert set(index.mapping.fields) == {"a"}
    assert index.documents["1"].values == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "result", "source"),
    [
        ({"doc": {"l": 2}}, "updated", {"l": 2, "o": {"a": 1}}),
        ({"doc": {"o": {"b": 2}}}, "updated", {"l": 1, "o": {"a": 1, "b": 2}}),
        ({"doc": {"l": 1}}, "noop", {"l": 1, "o": {"a": 1}}),
        ({"doc": {"l": 1}, "detect_noop": False}, "updated", {"l": 1, "o": {"a": 1}}),
        ({"upsert": {"x": 1}}, "noop", {"l": 1, "o": {"a": 1}}),
    ],
)
def test_updates(store: Store, index: Index, body: Json, result: str, source: Json) -> None:
    put(store, index, source={"l": 1, "o": {"a": 1}})
    found = writes.update(store, index, "1", body)
    assert found.result == result
    assert index.documents["1"].source == source
    assert (found.body()["_shards"]["total"] == 0) is (result == "noop")


@pytest.mark.parametrize(
    ("body", "source"),
    [({"doc": {"a": 1}, "doc_as_upsert": True}, {"a": 1}), ({"doc": {"a": 1}, "upsert": {"b": 1}}, {"b": 1})],
)
def test_upserts(store: Store, index: Index, body: Json, source: Json) -> None:
    assert writes.update(store, index, "x", body).result == "created"
    assert index.documents["x"].source == source


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"doc": {"a": 1}}, "[x]: document missing"),
        ({}, "Validation Failed: 1: script or doc is missing;"),
        ({"doc": 1}, "Validation Failed: 1: script or doc is missing;"),
        ({"script": "x"}, "script_lang not supported [painless]"),
    ],
)
def test_updates_that_fail(store: Store, index: Index, body: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        writes.update(store, index, "x", body)
    assert caught.value.reason == reason


def test_ids_have_a_limit(store: Store, index: Index) -> None:
    put(store, index, "x" * 512)
    with pytest.raises(ElasticError, match="must be no longer than 512 bytes but was: 514"):
        put(store, index, "é" * 257)


def test_routing_may_be_required(store: Store, index: Index) -> None:
    index.mapping.root["_routing"] = {"required": True}
    with pytest.raises(ElasticError, match="routing is required for \\[a\\]/\\[1\\]"):
        put(store, index)
    put(store, index, routing="r")
    assert index.documents["1"].routing == "r"


def test_a_document_is_an_object(store: Store, index: Index) -> None:
    with pytest.raises(ElasticError):
        put(store, index, source=[1])


def test_targets_are_made_once(store: Store, index: Index) -> None:
    assert writes.target(store, "a") is index
    with pytest.raises(ElasticError, match="must be lowercase"):
        writes.target(store, "A")
