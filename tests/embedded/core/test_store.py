from proxy.embedded.core.analysis import Analysis
from proxy.embedded.core.mapping import Mapping
from proxy.embedded.core.store import Index, Store


def an_index(name: str, **settings: str) -> Index:
    flat = {f"index.{key}": value for key, value in settings.items()}
    return Index(name=name, uuid="u", settings=flat, mapping=Mapping({"properties": {}}, Analysis()))


def test_ids_look_like_elasticsearchs_and_repeat_by_seed() -> None:
    store = Store(seed=5)
    assert len(store.uuid()) == 22
    assert len(store.document_id()) == 20
    assert Store(seed=5).node_id == store.node_id
    assert Store().node_id != Store().node_id


def test_the_clock_is_given() -> None:
    assert Store(clock=lambda: 12.5).now_ms() == 12500


def test_numbers_count_up() -> None:
    store = Store()
    assert [store.number(), store.number()] == [1, 2]


def test_settings_of_an_index() -> None:
    index = an_index("a", number_of_shards="3", number_of_replicas="0", hidden="true", max_result_window="5")
    assert (index.shards, index.replicas, index.hidden) == (3, 0, True)
    assert index.setting("index.max_result_window", 10) == 5
    assert index.setting("index.other", 10) == 10
    assert (an_index("b").shards, an_index("b").replicas, an_index("b").hidden) == (1, 1, False)
    assert [index.take_seq_no(), index.take_seq_no()] == [0, 1]


def test_indices_come_by_name() -> None:
    store = Store()
    for name in ("b", "c", "a"):
        store.add(an_index(name))
    assert [index.name for index in store] == ["a", "b", "c"]


def test_aliases_follow_their_indices() -> None:
    store = Store()
    one, two = an_index("one"), an_index("two")
    one.aliases["x"] = {}
    store.add(one)
    store.add(two)
    store.put_alias(two, "x", {"is_write_index": True})
    store.put_alias(two, "y", {})
    assert store.alias_names() == ["x", "y"]
    assert [index.name for index in store.of_alias("x")] == ["one", "two"]
    assert store.of_alias("z") == []
    store.remove(two)
    assert store.alias_names() == ["x"]
    assert not store.is_alias("y")
    store.remove_alias(one, "x")
    assert not store.is_alias("x")
    assert one.aliases == {}
