"""The mapping that the sources have in common."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.conflict import ConflictKind
from proxy.destination.mappings import mapping_conflicts, merge_mappings
from proxy.errors import Refusal
from proxy.model import SourceFilter, SourceIndex
from tests.destination.samples import index, job

LONG, KEYWORD = {"type": "long"}, {"type": "keyword"}
OBJECT = {"properties": {"x": LONG, "y": {"type": "text", "fields": {"raw": KEYWORD}}}}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([], {"dynamic": False}),
        ([index("a")], {"dynamic": False}),
        ([index("a", {})], {"dynamic": False}),
        ([index("a", {"f": LONG}), index("b")], {"dynamic": False, "properties": {"f": LONG}}),
        (
            [index("a", {"f": LONG, "o": OBJECT}), index("b", {"g": KEYWORD, "o": OBJECT})],
            {"dynamic": False, "properties": {"f": LONG, "g": KEYWORD, "o": OBJECT}},
        ),
        (
            [index("a", runtime={"r": LONG}), index("b", runtime={"r": LONG})],
            {"dynamic": False, "runtime": {"r": LONG}},
        ),
        # The root of a source's mapping is dropped, but for fields.
        (
            [
                index(
                    "a", {"f": LONG}, dynamic="strict", _meta={"a": 1}, _source={"enabled": False}, date_detection=False
                )
            ],
            {"dynamic": False, "properties": {"f": LONG}},
        ),
        # A field and a runtime field of one name are two things.
        (
            [index("a", {"f": LONG}, runtime={"f": KEYWORD})],
            {"dynamic": False, "properties": {"f": LONG}, "runtime": {"f": KEYWORD}},
        ),
    ],
)
def test_merges(sources: list[SourceIndex], expected: dict[str, Any]) -> None:
    assert merge_mappings(job(), sources) == expected
    assert mapping_conflicts(job(), sources) == ()


def test_the_source_filter_leaves_out_whole_entries_only() -> None:
    filtered = job(source_filter=SourceFilter(includes=("o*", "r.*"), excludes=("o.x", "off")))
    sources = [index("a", {"o": OBJECT, "off": LONG, "f": LONG}, runtime={"r.a": LONG, "s": LONG})]
    assert merge_mappings(filtered, sources) == {
        "dynamic": False,
        "properties": {"o": OBJECT},
        "runtime": {"r.a": LONG},
    }


def test_what_is_filtered_out_cannot_conflict() -> None:
    sources = [index("a", {"f": LONG}), index("b", {"f": KEYWORD})]
    assert mapping_conflicts(job(source_filter=SourceFilter(excludes=("f",))), sources) == ()
    assert mapping_conflicts(job(source_filter=SourceFilter(includes=("g",))), sources) == ()


def test_all_conflicts_are_found_and_the_first_refuses() -> None:
    sources = [
        index("c", {"f": {"type": "ip"}, "o": OBJECT, "same": LONG}, runtime={"r": LONG}),
        index("b", {"f": LONG, "o": {"properties": {"x": LONG}}, "same": LONG}, runtime={"r": KEYWORD}),
        index("a", {"f": KEYWORD, "only": LONG}),
    ]
    found = mapping_conflicts(job(), sources)
    assert [(one.kind, one.field, [item.index for item in one.definitions]) for one in found] == [
        (ConflictKind.PROPERTIES, "f", ["a", "b", "c"]),
        (ConflictKind.PROPERTIES, "o", ["b", "c"]),
        (ConflictKind.RUNTIME, "r", ["b", "c"]),
    ]
    with pytest.raises(Refusal) as caught:
        merge_mappings(job(), sources)
    assert caught.value.reason == (
        "cannot merge [properties] mappings because of differences for field [f]; "
        "mapped as [{type=long}] in index [b]; mapped as [{type=keyword}] in index [a]"
    )


@pytest.mark.parametrize("key", ["properties", "runtime"])
def test_a_mapping_that_is_not_one_is_refused(key: str) -> None:
    broken = SourceIndex(name="a", settings={}, mappings={key: ["f"]})
    with pytest.raises(Refusal, match=rf"the mapping of index \[a\] cannot be read: bad \[{key}\]") as told:
        merge_mappings(job(), [broken])
    assert (told.value.status, told.value.type) == (400, "status_exception")


FIELDS = st.dictionaries(st.sampled_from(["a", "b", "c", "d.e", "ü", ""]), st.sampled_from([LONG, OBJECT]), max_size=4)
SETS = st.lists(FIELDS, max_size=4)


@given(SETS, st.randoms(use_true_random=False))
def test_order_of_sources_never_matters(fields: list[dict[str, Any]], random: Any) -> None:
    """Same mapping with its fields in the same order, or same refusal, and all conflicts, in any order."""
    sources = [index(f"i{number}", one, runtime=one) for number, one in enumerate(fields)]
    shuffled = random.sample(sources, len(sources))
    assert mapping_conflicts(job(), sources) == mapping_conflicts(job(), shuffled)
    assert json.dumps(outcome(sources)) == json.dumps(outcome(shuffled))


@given(SETS)
def test_merging_again_changes_nothing(fields: list[dict[str, Any]]) -> None:
    """What was merged, merged with its sources, is the same; a source beside itself changes nothing."""
    sources = [index(f"i{number}", one) for number, one in enumerate(fields)]
    once = outcome(sources)
    assert outcome([*sources, *sources]) == once
    if not isinstance(once, str):
        assert outcome([*sources, index("merged", once.get("properties"))]) == once


DEFINITIONS = st.sampled_from([LONG, KEYWORD, OBJECT, {"type": "long", "index": False}])
DIFFERENT = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "ü"]), DEFINITIONS, max_size=4), max_size=4)


@given(DIFFERENT, st.randoms(use_true_random=False))
def test_a_conflict_is_found_in_any_order_and_only_where_there_is_one(
    fields: list[dict[str, Any]], random: Any
) -> None:
    """By a definition of its own: a field conflicts where two indices say different things of it."""
    sources = [index(f"i{number}", one, runtime=one) for number, one in enumerate(fields)]
    said: dict[str, list[Any]] = {}
    for one in fields:
        for name, definition in one.items():
            said.setdefault(name, []).append(definition)
    expected = sorted(name for name, all_ in said.items() if any(one != all_[0] for one in all_))
    for order in (sources, sources[::-1], random.sample(sources, len(sources))):
        found = [(conflict.kind, conflict.field) for conflict in mapping_conflicts(job(), order)]
        assert found == [(kind, name) for kind in ("properties", "runtime") for name in expected]
        made = outcome(order)
        if expected:
            assert isinstance(made, str)
            assert made.startswith(
                f"cannot merge [properties] mappings because of differences for field [{expected[0]}];"
            )
        else:
            assert made == {"dynamic": False} | (
                {"properties": (whole := {name: all_[0] for name, all_ in said.items()}), "runtime": whole}
                if said
                else {}
            )


@given(FIELDS, FIELDS, FIELDS)
def test_grouping_never_matters(one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]) -> None:
    """Two merged first and then the third, or all at once."""
    sources = [index(f"i{number}", fields) for number, fields in enumerate((one, two, three))]
    first = outcome(sources[:2])
    if not isinstance(first, str):
        at_once, in_steps = outcome(sources), outcome([index("i01", first.get("properties")), sources[2]])
        # A refusal names indices, which are others then.
        assert at_once == in_steps or (isinstance(at_once, str) and isinstance(in_steps, str))


def outcome(sources: list[SourceIndex]) -> dict[str, Any] | str:
    """The merged mapping, or why there is none."""
    try:
        return merge_mappings(job(), sources)
    except Refusal as refusal:
        return refusal.reason
