import pytest

from proxy.embedded.core import aliases
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.store import Store
from tests.embedded.core.support import Json
from tests.embedded.core.test_store import an_index


@pytest.fixture
def store() -> Store:
    store = Store(seed=1)
    store.add(an_index("a"))
    store.add(an_index("b"))
    return store


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, {}),
        ({"filter": {"term": {"x": 1}}}, {"filter": {"term": {"x": 1}}}),
        ({"filter": {}}, {}),
        ({"routing": 3}, {"index_routing": "3", "search_routing": "3"}),
        ({"routing": "3", "search_routing": "4"}, {"index_routing": "3", "search_routing": "4"}),
        ({"index-routing": "3"}, {"index_routing": "3"}),
        ({"is_write_index": True, "is_hidden": "false"}, {"is_write_index": True, "is_hidden": False}),
    ],
)
def test_the_kept_form(store: Store, body: Json, wanted: Json) -> None:
    assert aliases.definition(store, "x", body) == wanted


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [
        ("a", {}, "Invalid alias name [a]: an index or data stream exists with the same name as the alias"),
        ("x#", {}, "Invalid alias name [x#]: must not contain '#'"),
        ("x", [], "[1:1] [alias] Expected [START_OBJECT] but got [list]"),
    ],
)
def test_definitions_that_are_refused(store: Store, name: str, body: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        aliases.definition(store, name, body)
    assert caught.value.reason == reason


def test_one_write_index_at_most(store: Store) -> None:
    one, two = store.indices["a"], store.indices["b"]
    aliases.put(store, [one], "x", {"is_write_index": True})
    aliases.put(store, [one], "x", {"is_write_index": True})
    aliases.put(store, [two], "x", {})
    with pytest.raises(ElasticError) as caught:
        aliases.put(store, [two], "x", {"is_write_index": True})
    assert caught.value.status == 500
    assert caught.value.reason == "alias [x] has more than one write index [a,b]"
    assert two.aliases["x"] == {}


def test_no_actions() -> None:
    assert aliases.no_actions().reason == "No action specified"
