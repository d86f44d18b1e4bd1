import pytest

from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.index_creation import create
from proxy.embedded.core.store import Store
from tests.embedded.core.support import Json


@pytest.fixture
def store() -> Store:
    return Store(seed=1, clock=lambda: 12.0)


def test_settings_that_every_index_has(store: Store) -> None:
    index = create(store, "a", {})
    assert index.settings == {
        "index.number_of_shards": "1",
        "index.number_of_replicas": "1",
        "index.routing.allocation.include._tier_preference": "data_content",
        "index.creation_date": "12000",
        "index.provided_name": "a",
        "index.uuid": index.uuid,
        "index.version.created": "8512000",
    }
    assert store.indices["a"] is index


def test_what_is_given_counts_and_null_is_nothing(store: Store) -> None:
    index = create(store, "a", {"settings": {"number_of_shards": 3, "index.codec": None}, "mappings": None})
    assert index.settings["index.number_of_shards"] == "3"
    assert "index.codec" not in index.settings


def test_mappings_may_use_what_settings_define(store: Store) -> None:
    body: Json = {
        "settings": {"analysis": {"analyzer": {"mine": {"tokenizer": "standard"}}}},
        "mappings": {"properties": {"t": {"type": "text", "analyzer": "mine"}}},
        "aliases": {"x": {"routing": 1}},
    }
    index = create(store, "a", body)
    assert index.mapping.fields["t"].node["analyzer"] == "mine"
    assert index.aliases == {"x": {"index_routing": "1", "search_routing": "1"}}
    assert store.is_alias("x")


@pytest.mark.parametrize(
    ("name", "body", "type", "piece"),
    [
        ("a", {}, "resource_already_exists_exception", "index [a/"),
        ("taken", {}, "invalid_index_name_exception", "already exists as alias"),
        ("B", {}, "invalid_index_name_exception", "must be lowercase"),
        ("b", {"foo": 1}, "parse_exception", "unknown key [foo] for create index"),
        ("b", {"settings": 3}, "parse_exception", "key [settings] must be an object"),
        ("b", {"mappings": {"_doc": {}}}, "illegal_argument_exception", "cannot be nested under a type [_doc]"),
        ("b", {"settings": {"foo": 1}}, "illegal_argument_exception", "unknown setting [index.foo]"),
        ("b", {"mappings": {"foo": 1}}, "mapper_parsing_exception", "unsupported parameters"),
        ("b", {"aliases": {"a": {}}}, "invalid_alias_name_exception", "an index or data stream exists"),
        ("b", {"aliases": {"x*": {}}}, "invalid_alias_name_exception", "must not contain"),
    ],
)
def test_requests_that_are_refused_leave_nothing(store: Store, name: str, body: Json, type: str, piece: str) -> None:
    create(store, "a", {"aliases": {"taken": {}}})
    with pytest.raises(ElasticError) as caught:
        create(store, name, body)
    assert (caught.value.status, caught.value.type) == (400, type)
    assert piece in caught.value.reason
    assert set(store.indices) == {"a"}
    assert store.alias_names() == ["taken"]
