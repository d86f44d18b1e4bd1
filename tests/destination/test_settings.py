"""The settings that are copied from the sources."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.era import Era
from proxy.destination.settings import merge_settings, settings_conflicts
from proxy.errors import Refusal
from proxy.model import SourceIndex
from tests.destination.samples import index

SHARDS, REPLICAS, FIELDS = "index.number_of_shards", "index.number_of_replicas", "index.mapping.total_fields.limit"
SORT = {"index.sort.field": "ml__id_copy", "index.sort.order": "asc"}
ANALYZER = {"index.analysis.analyzer.my.type": "custom", "index.analysis.analyzer.my.filter": ["lowercase", "en"]}
FILTER = {"index.analysis.filter.en.type": "stemmer"}


def settings(*each: dict[str, Any]) -> list[SourceIndex]:
    """Sources with these settings, named a, b, …"""
    return [index(chr(ord("a") + number), settings=one) for number, one in enumerate(each)]


@pytest.mark.parametrize(
    ("era", "sources", "expected"),
    [
        (Era.ALLOW_LIST, settings(), {}),
        (Era.ALLOW_LIST, settings({}), {}),
        (
            Era.ALLOW_LIST,
            settings({SHARDS: "2", REPLICAS: "0"}, {SHARDS: "10", REPLICAS: "1"}),
            {SHARDS: 10, REPLICAS: 1},
        ),
        # Only what is set counts: 200 beats the default of 1,000 of the other.
        (Era.ALLOW_LIST, settings({FIELDS: "200"}, {}), {FIELDS: 200}),
        (Era.ALLOW_LIST, settings({FIELDS: "200"}, {FIELDS: 300}), {FIELDS: 300}),
        (Era.SHARDS_ONLY, settings({SHARDS: "2", FIELDS: "200", **ANALYZER}), {SHARDS: 2}),
        (Era.SORTED_COPY, settings({SHARDS: "2", FIELDS: "200"}), {SHARDS: 2, **SORT}),
        (Era.SORTED_COPY, settings(), SORT),
        (Era.ALLOW_LIST, settings(ANALYZER, FILTER), {**FILTER, **ANALYZER}),
        (Era.ALLOW_LIST, settings(ANALYZER, ANALYZER), ANALYZER),
        (
            Era.ALLOW_LIST,
            settings({"index.similarity.default.type": "BM25", "index.similarity.s.b": 0.5}, {}),
            {"index.similarity.default.type": "BM25", "index.similarity.s.b": "0.5"},
        ),
        (Era.ALLOW_LIST, settings({"index.similarity.default": "boolean"}), {"index.similarity.default": "boolean"}),
        # A name of its own is kept, too.
        (Era.ALLOW_LIST, settings({"index.analysis.filter.en": "x"}), {"index.analysis.filter.en": "x"}),
        # None of these is copied.
        (
            Era.ALLOW_LIST,
            settings(
                {
                    "index.analysis.tokenizer.t.type": "ngram",
                    "index.analysis.char_filter.c.type": "x",
                    "index.analysis.normalizer.n.type": "custom",
                    "index.analysis.filterx.a.type": "x",
                    "index.mapping.ignore_malformed": "true",
                    "index.auto_expand_replicas": "0-1",
                    "index.codec": "best_compression",
                    "index.lifecycle.name": "p",
                    "index.sort.field": "a",
                }
            ),
            {},
        ),
    ],
)
def test_merges(era: Era, sources: list[SourceIndex], expected: dict[str, Any]) -> None:
    assert merge_settings(sources, era) == expected
    assert settings_conflicts(sources, era) == ()


def test_values_are_compared_as_settings_keep_them() -> None:
    one = {"index.similarity.s.discount": True, "index.similarity.s.n": 1}
    other = {"index.similarity.s.discount": "true", "index.similarity.s.n": "1"}
    assert merge_settings(settings(one, other), Era.ALLOW_LIST) == other


def test_similarity_must_be_equal_as_a_whole() -> None:
    sources = settings(
        {"index.similarity.default": "bm25"}, {}, {"index.similarity.default": "bm25", "index.similarity.x": "y"}
    )
    (conflict,) = settings_conflicts(sources, Era.ALLOW_LIST)
    assert conflict.text == (
        "cannot merge settings because of differences for index.similarity; "
        'specified as [{"default":"bm25"}] in index [a]; specified as [{"default":"bm25","x":"y"}] in index [c]'
    )
    with pytest.raises(Refusal) as caught:
        merge_settings(sources, Era.ALLOW_LIST)
    assert caught.value.reason == conflict.text
    assert settings_conflicts(sources, Era.SHARDS_ONLY) == ()


def test_all_conflicts_by_name() -> None:
    sources = settings(
        {**ANALYZER, **FILTER},
        {**ANALYZER, "index.analysis.analyzer.my.filter": ["en", "lowercase"], "index.analysis.filter.en.type": "stop"},
    )
    found = settings_conflicts(sources, Era.ALLOW_LIST)
    assert [one.field for one in found] == ["index.analysis.analyzer.my", "index.analysis.filter.en"]
    assert [[item.index for item in one.definitions] for one in found] == [["a", "b"]] * 2


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(
        Refusal, match=r"Failed to parse long setting \[index.number_of_shards\] with value \[two\]"
    ) as told:
        merge_settings(settings({SHARDS: "two"}), Era.SHARDS_ONLY)
    assert (told.value.status, told.value.type) == (400, "status_exception")


BLOCKS = st.dictionaries(
    st.sampled_from(
        [SHARDS, REPLICAS, FIELDS, "index.similarity.default.type", "index.analysis.filter.f.type", "index.x"]
    ),
    st.sampled_from(["1", "2", "30"]),
    max_size=4,
)


@given(st.lists(BLOCKS, max_size=4), st.randoms(use_true_random=False), st.sampled_from(list(Era)))
def test_order_never_matters_and_a_source_beside_itself_changes_nothing(
    blocks: list[dict[str, Any]],
    random: Any,
    era: Era,
) -> None:
    sources = settings(*blocks)
    shuffled = random.sample(sources, len(sources))
    assert outcome(sources, era) == outcome(shuffled, era) == outcome([*sources, *sources], era)
    assert settings_conflicts(sources, era) == settings_conflicts(shuffled, era)


NUMBERS = st.dictionaries(st.sampled_from([SHARDS, REPLICAS, FIELDS]), st.integers(0, 2000).map(str), max_size=3)


@given(st.lists(NUMBERS, max_size=5), st.randoms(use_true_random=False))
def test_maxima_are_those_of_the_explicit_values_in_any_order(blocks: list[dict[str, str]], random: Any) -> None:
    sources = settings(*blocks)
    expected = {
        key: max(int(block[key]) for block in blocks if key in block)
        for key in {key for block in blocks for key in block}
    }
    assert merge_settings(sources, Era.ALLOW_LIST) == expected
    assert merge_settings(random.sample(sources, len(sources)), Era.ALLOW_LIST) == expected


@given(st.lists(st.sampled_from([None, "BM25", "boolean", "DFR"]), max_size=5), st.randoms(use_true_random=False))
def test_a_conflict_of_settings_is_found_in_any_order(kinds: list[str | None], random: Any) -> None:
    """None sets no similarity, and has no part in a conflict."""
    sources = settings(*({} if kind is None else {"index.similarity.default.type": kind} for kind in kinds))
    for order in (sources, sources[::-1], random.sample(sources, len(sources))):
        conflicts_ = settings_conflicts(order, Era.ALLOW_LIST)
        assert [one.field for one in conflicts_] == (["index.similarity"] if len(set(kinds) - {None}) > 1 else [])


def outcome(sources: list[SourceIndex], era: Era) -> dict[str, Any] | str:
    """The merged settings, or why there are none."""
    try:
        return merge_settings(sources, era)
    except Refusal as refusal:
        return refusal.reason
