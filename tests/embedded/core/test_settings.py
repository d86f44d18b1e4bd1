import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.core import settings
from proxy.embedded.core.failure import ElasticError
from tests.embedded.core.support import Json


@pytest.mark.parametrize(
    ("given_settings", "wanted"),
    [
        ({"number_of_shards": 2}, {"index.number_of_shards": "2"}),
        ({"index": {"number_of_shards": 2}}, {"index.number_of_shards": "2"}),
        ({"index.number_of_shards": 2}, {"index.number_of_shards": "2"}),
        ({"index": {"hidden": True, "blocks.write": None}}, {"index.hidden": "true", "index.blocks.write": None}),
        ({"analysis": {"filter": {"f": {"stopwords": ["a", 1]}}}}, {"index.analysis.filter.f.stopwords": ["a", "1"]}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"index.a.0.b": "1", "index.a.1.b": "2"}),
        ({"a": 1.5, "b": []}, {"index.a": "1.5", "index.b": []}),
        ({}, {}),
    ],
)
def test_every_spelling_becomes_flat(given_settings: Json, wanted: Json) -> None:
    assert settings.normalise(given_settings) == wanted


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("foo", 1, "unknown setting [index.foo] please check that any required plugins are installed"),
        ("uuid", "x", "unknown setting [index.uuid]"),
        ("creation_date", "x", "unknown setting [index.creation_date]"),
        ("number_of_replica", 1, "unknown setting [index.number_of_replica] did you mean [index.number_of_replicas]?"),
        ("number_of_shards", "x", "Failed to parse value [x] for setting [index.number_of_shards]"),
        ("number_of_shards", 0, "Failed to parse value [0] for setting [index.number_of_shards] must be >= 1"),
        ("number_of_shards", 1025, "Failed to parse value [1025] for setting [index.number_of_shards] must be <= 1024"),
        ("hidden", "yes", "Failed to parse value [yes] as only [true] or [false] are allowed."),
        ("refresh_interval", "5x", "failed to parse setting [index.refresh_interval] with value [5x] as a time value"),
    ],
)
def test_values_that_are_refused(name: str, value: Json, reason: str) -> None:
    with pytest.raises(ElasticError) as caught:
        settings.validate(settings.normalise({name: value}))
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize("value", ["1s", "-1", "0", "500ms", "1.5h", "30d"])
def test_times(value: str) -> None:
    settings.validate({"index.refresh_interval": value})


def test_values_to_remove_are_not_judged() -> None:
    settings.validate({"index.number_of_replicas": None})


@pytest.mark.parametrize(
    ("flat", "wanted"),
    [
        ({"index.a.b": "1", "index.a.c": ["x"]}, {"index": {"a": {"b": "1", "c": ["x"]}}}),
        ({"index.a": "1", "index.a.b": "2"}, {"index": {"a": "1", "a.b": "2"}}),
        ({}, {}),
    ],
)
def test_nested(flat: Json, wanted: Json) -> None:
    assert settings.nested(flat) == wanted


def test_what_is_shown() -> None:
    flat = {"index.b": "2", "index.a": "1", "index.blocks.write": "true"}
    assert settings.shown(flat, [], flat=True) == {"index.a": "1", "index.b": "2", "index.blocks.write": "true"}
    assert settings.shown(flat, ["index.blocks.*"], flat=False) == {"index": {"blocks": {"write": "true"}}}
    assert settings.shown(flat, ["index.a", "index.b"], flat=True) == {"index.a": "1", "index.b": "2"}
    assert settings.shown(flat, ["nope"], flat=False) == {}


def test_groups_by_first_name() -> None:
    flat = {"index.analysis.analyzer.a.type": "stop", "index.analysis.analyzer.b.filter": ["x"], "index.x": "1"}
    assert settings.group(flat, "index.analysis.analyzer.") == {"a": {"type": "stop"}, "b": {"filter": ["x"]}}


def test_which_may_change() -> None:
    given_settings = {"index.number_of_shards": "1", "index.codec": "x", "index.number_of_replicas": "1"}
    assert settings.not_dynamic(given_settings) == ["index.codec", "index.number_of_shards"]
    assert settings.final(given_settings) == ["index.number_of_shards"]


@given(
    st.dictionaries(st.text("ab", min_size=1, max_size=2), st.dictionaries(st.text("cd", min_size=1), st.integers()))
)
def test_flat_and_nested_say_the_same(tree: dict[str, dict[str, int]]) -> None:
    flat = settings.normalise(tree)
    assert settings.normalise(settings.nested(flat)) == flat
