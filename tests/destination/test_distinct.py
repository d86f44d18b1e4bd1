"""A fleet as the few different indices it consists of."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.conflict import Collected, ConflictKind
from proxy.destination.distinct import LARGE, by_mappings, by_settings, is_large
from proxy.destination.era import Era
from proxy.destination.mappings import mapping_conflicts, merge_mappings
from proxy.destination.settings import merge_settings, settings_conflicts
from proxy.errors import Refusal
from proxy.model import SourceIndex
from tests.destination.samples import job

MAPPINGS: tuple[dict[str, Any], ...] = (
    {"properties": {"a": {"type": "long"}}},
    {"properties": {"a": {"type": "ip"}, "b": {"type": "ip"}}},
    {},
)
SETTINGS: tuple[dict[str, Any], ...] = ({"index.number_of_shards": "1"}, {"index.number_of_shards": "3"}, {})


def index(name: str, mapping: int = 0, setting: int = 0, *, shared: bool = True) -> SourceIndex:
    """An index that shares what it has with others, or has equal copies of its own."""
    mappings, settings = MAPPINGS[mapping], SETTINGS[setting]
    return SourceIndex(
        name=name,
        settings=settings if shared else dict(settings),
        mappings=mappings if shared else {key: dict(value) for key, value in mappings.items()},
    )


def test_of_those_that_share_the_first_by_name_stands_for_all() -> None:
    fleet = [index("d", 0, 1), index("c", 1, 0), index("b", 1, 1), index("e", 0, 0), index("a", 0, 0)]
    assert [source.name for source in by_mappings(fleet)] == ["a", "b"]
    assert [source.name for source in by_settings(fleet)] == ["a", "b"]
    assert list(by_mappings([])) == []


def test_equal_ones_that_do_not_share_are_told_apart() -> None:
    fleet = [index("a", shared=False), index("b", shared=False)]
    assert [source.name for source in by_mappings(fleet)] == ["a", "b"]
    assert [source.name for source in by_settings(fleet)] == ["a", "b"]


kinds = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=12)


@given(kinds, st.randoms(use_true_random=False))
def test_sharing_changes_no_result(kinds: list[tuple[int, int]], random: Random) -> None:
    """Whether equal mappings are one object or many, and in whatever order: the same conflicts, the same merge."""
    shared = [index(f"i{number:02}", *kind) for number, kind in enumerate(kinds)]
    copies = [index(f"i{number:02}", *kind, shared=False) for number, kind in enumerate(kinds)]
    random.shuffle(shared)
    conflicts = mapping_conflicts(job(), copies)
    assert mapping_conflicts(job(), shared) == conflicts
    assert settings_conflicts(shared, Era.ALLOW_LIST) == settings_conflicts(copies, Era.ALLOW_LIST)
    assert merge_settings(shared, Era.ALLOW_LIST) == merge_settings(copies, Era.ALLOW_LIST)
    if conflicts:
        with pytest.raises(Refusal) as refused:
            merge_mappings(job(), shared)
        assert refused.value.reason == conflicts[0].text
    else:
        assert merge_mappings(job(), shared) == merge_mappings(job(), copies)


def test_the_merge_looks_at_each_distinct_mapping_once() -> None:
    """Work grows with what is distinct: ten thousand that share one mapping cost ten thousand looks at a name."""
    looked: list[str] = []

    class Watched(dict[str, object]):
        def get(self, key: str, default: object = None) -> object:
            looked.append(key)
            return super().get(key, default)

    mappings = Watched(MAPPINGS[0])
    fleet = [SourceIndex(name=f"i{number:05}", settings={}, mappings=mappings) for number in range(10_000)]
    assert merge_mappings(job(), fleet)["properties"] == {"a": {"type": "long"}}
    assert len(looked) == 2


def test_the_same_object_is_compared_once() -> None:
    """Definitions that are one object are not printed anew for each index; equal ones are the same definition."""
    definition = {"type": "long"}
    collected = Collected(ConflictKind.PROPERTIES)
    for name in ("a", "b"):
        collected.add(name, {"f": definition})
    collected.add("c", {"f": {"type": "long"}})
    assert collected.conflicts() == ()
    collected.add("d", {"f": {"type": "ip"}})
    [conflict] = collected.conflicts()
    assert [found.index for found in conflict.definitions] == ["a", "d"]


FIELD = {"type": "long"}


@pytest.mark.parametrize("over", [0, 1])
def test_what_is_large_are_sources_and_all_keys_of_what_is_distinct(over: int) -> None:
    """A thousand sources of one mapping are a thousand and one mapping."""
    # The key `properties`, the fields, and what each says: 1 + 2 n; and `o` with its own table, 1 + 1 + 2 n.
    fields = {f"f{number}": FIELD for number in range(100)}
    mappings = {"properties": {**fields, "o": {"properties": dict(fields)}}}
    settings = {"index.number_of_shards": "1"}
    keys = (1 + 200) + (1 + 1 + 200) + 1
    count = LARGE - keys + over
    assert is_large([SourceIndex(name=f"i{n}", settings=settings, mappings=mappings) for n in range(count)]) == bool(
        over
    )


@pytest.mark.parametrize(
    ("mappings", "settings"),
    [
        ({"properties": {f"f{number}": FIELD for number in range(LARGE)}}, {}),
        ({}, {f"index.analysis.filter.f{number}.type": "stop" for number in range(LARGE)}),
        ({"_meta": {"deep": {"deeper": {str(number): 1 for number in range(LARGE)}}}}, {}),
    ],
)
def test_one_source_may_be_large(mappings: dict[str, Any], settings: dict[str, Any]) -> None:
    assert is_large([SourceIndex(name="a", settings=settings, mappings=mappings)])
    assert not is_large([SourceIndex(name="a", settings={}, mappings={"properties": {"f": FIELD}})])
    assert not is_large([])


def test_many_that_differ_are_large_and_soon_known_to_be() -> None:
    """What is past the bound is not looked at."""

    class Unseen(dict[str, object]):
        def __len__(self) -> int:
            raise AssertionError

    shared: dict[str, Any] = {}
    over = [SourceIndex(name=f"i{number}", settings=shared, mappings=shared) for number in range(LARGE)]
    assert is_large([SourceIndex(name="first", settings={}, mappings=Unseen()), *over])
