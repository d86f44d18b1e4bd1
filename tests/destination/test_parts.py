"""What of an analysis is needed and not copied by Elasticsearch."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.body import conflicts, destination_body
from proxy.destination.era import Era
from proxy.destination.parts import analysis_parts, parts_conflicts
from proxy.errors import Refusal
from proxy.model import SourceFilter, SourceIndex
from tests.destination.samples import index, job

A = "index.analysis"
TOKENIZER = {f"{A}.tokenizer.t.type": "standard", f"{A}.tokenizer.t.max_token_length": "5"}
CHARS = {f"{A}.char_filter.c.type": "mapping", f"{A}.char_filter.c.mappings": ["a => b"]}
STOP = {f"{A}.filter.s.type": "stop"}
ANALYZER = {
    f"{A}.analyzer.an.type": "custom",
    f"{A}.analyzer.an.tokenizer": "t",
    f"{A}.analyzer.an.char_filter": ["c", "html_strip"],
    f"{A}.analyzer.an.filter": "lowercase, s",
}
NORMALIZER = {f"{A}.normalizer.n.type": "custom", f"{A}.normalizer.n.char_filter": ["c"]}
SIMILARITY = {"index.similarity.sim.type": "BM25", "index.similarity.sim.b": "0.5"}
WHOLE = {**TOKENIZER, **CHARS, **STOP, **ANALYZER, **NORMALIZER, **SIMILARITY}
KEYWORD = {"k": {"type": "keyword", "normalizer": "n"}}
TEXT = {"t": {"type": "text", "analyzer": "an", "similarity": "sim"}}


@pytest.mark.parametrize(
    ("era", "settings", "properties", "expected"),
    [
        (Era.ALLOW_LIST, {}, KEYWORD, {}),
        # An analyzer is copied whether or not a field names it, so what it names must come along.
        (Era.ALLOW_LIST, {**TOKENIZER, **CHARS, **STOP, **ANALYZER}, {}, {**TOKENIZER, **CHARS}),
        (Era.ALLOW_LIST, {**TOKENIZER, **CHARS}, TEXT, {}),
        (Era.ALLOW_LIST, {**CHARS, **NORMALIZER}, {}, {}),
        (Era.ALLOW_LIST, {**CHARS, **NORMALIZER}, KEYWORD, {**CHARS, **NORMALIZER}),
        (Era.ALLOW_LIST, WHOLE, {**KEYWORD, **TEXT}, {**TOKENIZER, **CHARS, **NORMALIZER}),
        # Nothing is copied anyway before 8.6: a field's whole chain must come along, and no other analyzer.
        (Era.SHARDS_ONLY, WHOLE, {}, {}),
        (Era.SHARDS_ONLY, WHOLE, TEXT, {**TOKENIZER, **CHARS, **STOP, **ANALYZER, **SIMILARITY}),
        (Era.SORTED_COPY, WHOLE, KEYWORD, {**CHARS, **NORMALIZER}),
        # Fields below fields, multi-fields, and the other parameters that name analyzers.
        (Era.SHARDS_ONLY, WHOLE, {"o": {"properties": KEYWORD}}, {**CHARS, **NORMALIZER}),
        (Era.SHARDS_ONLY, WHOLE, {"x": {"type": "text", "fields": KEYWORD}}, {**CHARS, **NORMALIZER}),
        (
            Era.SHARDS_ONLY,
            {**STOP, f"{A}.analyzer.q.tokenizer": "standard"},
            {"x": {"type": "text", "search_quote_analyzer": "q"}},
            {f"{A}.analyzer.q.tokenizer": "standard"},
        ),
        (
            Era.SHARDS_ONLY,
            {f"{A}.analyzer.q.type": "stop"},
            {"x": {"search_analyzer": "q"}},
            {f"{A}.analyzer.q.type": "stop"},
        ),
        # Built-in names need nothing.
        (Era.SHARDS_ONLY, WHOLE, {"x": {"type": "text", "analyzer": "standard"}}, {}),
        # What is no definition is somebody else's to complain of.
        (Era.SHARDS_ONLY, WHOLE, {"x": None, "y": {"fields": 1}}, {}),
    ],
)
def test_what_is_named_comes_along(
    era: Era, settings: dict[str, Any], properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    sources = [index("a", properties, settings=settings)]
    assert analysis_parts(job(), sources, era) == expected
    assert parts_conflicts(job(), sources, era) == ()


def test_filters_that_name_filters() -> None:
    settings = {
        f"{A}.analyzer.an.tokenizer": "standard",
        f"{A}.analyzer.an.filter": ["m", "cond"],
        f"{A}.filter.m.type": "multiplexer",
        f"{A}.filter.m.filters": ["lowercase, one", "m"],
        f"{A}.filter.cond.type": "condition",
        f"{A}.filter.cond.filter": ["two"],
        f"{A}.filter.one.type": "stop",
        f"{A}.filter.two.type": "stop",
        f"{A}.filter.three.type": "stop",
    }
    found = analysis_parts(job(), [index("a", {"x": {"analyzer": "an"}}, settings=settings)], Era.SHARDS_ONLY)
    assert found == {key: value for key, value in settings.items() if "three" not in key}


def test_a_field_that_is_not_copied_needs_nothing() -> None:
    sources = [index("a", KEYWORD, settings=WHOLE)]
    excluding = job(source_filter=SourceFilter(excludes=("k",)))
    assert analysis_parts(excluding, sources, Era.SHARDS_ONLY) == {}


def test_a_part_that_is_defined_twice_is_refused_where_both_need_it() -> None:
    other = {**NORMALIZER, **CHARS, f"{A}.char_filter.c.mappings": ["x => y"]}
    sources = [index("a", KEYWORD, settings={**NORMALIZER, **CHARS}), index("b", KEYWORD, settings=other)]
    (conflict,) = parts_conflicts(job(), sources, Era.ALLOW_LIST)
    assert conflict.text == (
        "cannot merge settings because of differences for index.analysis.char_filter.c; specified as "
        '[{"mappings":["a => b"],"type":"mapping"}] in index [a]; specified as '
        '[{"mappings":["x => y"],"type":"mapping"}] in index [b]'
    )
    assert conflicts(job(), sources, Era.ALLOW_LIST) == (conflict,)
    with pytest.raises(Refusal) as caught:
        analysis_parts(job(), sources, Era.ALLOW_LIST)
    assert (caught.value.status, caught.value.type, caught.value.reason) == (400, "status_exception", conflict.text)
    # The second has the part, but no field that needs it.
    alone = [sources[0], index("b", {"x": {"type": "long"}}, settings=other)]
    assert analysis_parts(job(), alone, Era.ALLOW_LIST) == {**NORMALIZER, **CHARS}


def test_parts_are_in_what_is_created_and_not_in_what_elasticsearch_would_make() -> None:
    sources = [index("a", KEYWORD, settings={**NORMALIZER, **CHARS})]
    ours = destination_body(job(), sources, Era.ALLOW_LIST, 0, results=False)
    theirs = destination_body(job(), sources, Era.ALLOW_LIST, 0, results=True)
    assert ours.settings == {**NORMALIZER, **CHARS}
    assert theirs.settings == {}


def test_sources_that_share_everything_are_looked_at_once() -> None:
    one = index("a", KEYWORD, settings={**NORMALIZER, **CHARS})
    fleet = [SourceIndex(name=f"i{n}", settings=one.settings, mappings=one.mappings) for n in range(2000)]
    assert analysis_parts(job(), fleet, Era.ALLOW_LIST) == {**NORMALIZER, **CHARS}


BLOCKS = st.lists(
    st.sampled_from([TOKENIZER, CHARS, STOP, ANALYZER, NORMALIZER, SIMILARITY, {f"{A}.filter.s.type": "x"}]), max_size=5
)
FIELDS = st.sampled_from([{}, KEYWORD, TEXT, {**KEYWORD, **TEXT}])


@given(st.lists(st.tuples(BLOCKS, FIELDS), max_size=4), st.randoms(use_true_random=False), st.sampled_from(list(Era)))
def test_order_never_matters_and_a_source_beside_itself_changes_nothing(
    drawn: list[tuple[list[dict[str, Any]], dict[str, Any]]], random: Any, era: Era
) -> None:
    sources = [
        index(chr(ord("a") + number), fields, settings={key: value for block in blocks for key, value in block.items()})
        for number, (blocks, fields) in enumerate(drawn)
    ]
    shuffled = random.sample(sources, len(sources))
    assert outcome(sources, era) == outcome(shuffled, era) == outcome([*sources, *sources], era)


def outcome(sources: list[SourceIndex], era: Era) -> dict[str, Any] | str:
    """The parts, or why there are none."""
    try:
        return analysis_parts(job(), sources, era)
    except Refusal as refusal:
        return refusal.reason


def test_a_conflict_that_elasticsearch_finds_itself_is_told_once() -> None:
    """From 8.6 on analyzers are its own to merge; before, a field's analyzer is a part as any other."""
    properties = {"f": {"type": "text", "analyzer": "mine"}}
    key = "index.analysis.analyzer.mine"
    sources = [index(name, properties, settings={f"{key}.type": name}) for name in ("standard", "simple")]
    assert parts_conflicts(job(), sources, Era.ALLOW_LIST) == ()
    assert [one.field for one in conflicts(job(), sources, Era.ALLOW_LIST)] == [key]
    assert [one.field for one in conflicts(job(), sources, Era.SHARDS_ONLY)] == [key]


def test_sources_and_fields_that_need_nothing_hide_none_that_do() -> None:
    """In any place: the first index, or the first field, may be the plain one."""
    own = {"index.analysis.analyzer.mine.type": "custom", "index.analysis.analyzer.mine.tokenizer": "cut"}
    own |= {"index.analysis.tokenizer.cut.type": "standard", "index.analysis.normalizer.low.type": "custom"}
    fields = {
        "a": None,
        "b": {"type": "text", "analyzer": "mine"},
        "c": {"type": "keyword", "normalizer": "low"},
        "d": 1,
    }
    sources = [index("a", {"z": {"type": "long"}}), index("b", settings=own), index("c", fields, settings=own)]
    found = analysis_parts(job(), sources, Era.SHARDS_ONLY)
    assert found == own
    assert analysis_parts(job(), sources[:2], Era.SHARDS_ONLY) == {}
    body = destination_body(job(), [index("b", {"b": fields["b"]}, settings=own)], Era.ALLOW_LIST, 0, results=False)
    assert body.settings == {key: value for key, value in own.items() if "normalizer" not in key}


def test_a_text_with_commas_names_each() -> None:
    """`filters` of a multiplexer, before 8.6 copied as a part of the analyzer."""
    key = "index.analysis.filter"
    own = {f"{key}.many.filters": ["one,two , three"], f"{key}.one.type": "x", f"{key}.two.type": "x"}
    own |= {f"{key}.three.type": "x", "index.analysis.analyzer.mine.filter": "many"}
    sources = [index("a", {"f": {"type": "text", "analyzer": "mine"}}, settings=own)]
    assert analysis_parts(job(), sources, Era.SHARDS_ONLY) == own
