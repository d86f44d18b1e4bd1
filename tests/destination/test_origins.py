"""Where each part of a planned destination comes from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.destination.body import destination_body
from proxy.destination.era import Era
from proxy.destination.origins import ADDED, JOB, Origin, OriginKind, origins
from proxy.model import SourceIndex
from tests.gate.fakes import made

KEYWORD = {"type": "keyword"}
LONG = {"type": "long"}
SHARDS = "index.number_of_shards"
JOB_WITH_RUNTIME = made(source={"index": ["*"], "runtime_mappings": {"speed": {"type": "double"}}})


def source(name: str, settings: dict[str, Any] | None = None, **sections: Any) -> SourceIndex:
    return SourceIndex(name=name, settings=settings or {}, mappings=sections)


def index(name: str) -> Origin:
    return Origin(kind=OriginKind.INDEX, index=name)


def planned(*sources: SourceIndex, era: Era = Era.ALLOW_LIST) -> dict[str, Any]:
    whole = destination_body(JOB_WITH_RUNTIME, sources, era, 0, results=False)
    return {"settings": dict(whole.settings), "mappings": dict(whole.mappings)}


SOURCES = (
    source("c", {SHARDS: "3"}, properties={"x": KEYWORD, "z": LONG}),
    source("a", {SHARDS: "1", "index.number_of_replicas": "0"}, properties={"y": LONG}, runtime={"r": LONG}),
    source("b", {SHARDS: "03", "index.similarity.own.type": "BM25"}, properties={"x": KEYWORD, "y": LONG}),
    source("d", {}, properties={"ml__incremental_id": LONG, "z": LONG}, runtime={"speed": {"type": "double"}}),
)


def test_kinds_are_told_by_these_words() -> None:
    assert [kind.value for kind in OriginKind] == ["index", "override", "job", "added"]


def test_the_first_by_name_that_has_it_so() -> None:
    found = origins(JOB_WITH_RUNTIME, SOURCES, Era.ALLOW_LIST, planned(*SOURCES))
    assert found.settings == {
        SHARDS: index("b"),
        "index.number_of_replicas": index("a"),
        "index.similarity.own.type": index("b"),
    }
    assert found.fields == {"x": index("b"), "y": index("a"), "z": index("c"), "ml__incremental_id": ADDED}
    assert found.runtime == {"r": index("a"), "speed": JOB}
    assert found.root == {"dynamic": ADDED, "_meta": ADDED}


def test_what_no_source_has_is_added() -> None:
    found = origins(JOB_WITH_RUNTIME, SOURCES, Era.SORTED_COPY, planned(*SOURCES, era=Era.SORTED_COPY))
    assert found.settings["index.sort.field"] == ADDED
    assert found.fields["ml__id_copy"] == ADDED
    assert found.fields["ml__incremental_id"] == index("d"), "of this name the old versions know nothing"


def test_overrides_stand_before_the_sources() -> None:
    body = planned(*SOURCES)
    body["settings"] |= {SHARDS: 1, "index.codec": "best_compression"}
    places = {SHARDS: "rules/start.yml:14", "index.codec": "rules/start.yml:15"}
    found = origins(JOB_WITH_RUNTIME, SOURCES, Era.ALLOW_LIST, body, places)
    assert found.settings[SHARDS] == Origin(kind=OriginKind.OVERRIDE, place="rules/start.yml:14")
    assert found.settings["index.codec"].text == "override in rules/start.yml:15"
    assert found.settings["index.number_of_replicas"] == index("a")


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (index("flights-1"), "from index flights-1"),
        (Origin(kind=OriginKind.OVERRIDE, place="a.yml:1"), "override in a.yml:1"),
        (JOB, "from the job's source.runtime_mappings"),
        (ADDED, "added, as Elasticsearch does"),
    ],
)
def test_in_words(origin: Origin, text: str) -> None:
    assert origin.text == text


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sets(st.sampled_from("pqrst"))),
        min_size=1,
        max_size=6,
    ).flatmap(lambda drawn: st.tuples(st.just(drawn), st.permutations(range(len(drawn)))))
)
def test_every_part_has_one_and_order_never_matters(drawn: tuple[list[tuple[int, set[str]]], list[int]]) -> None:
    rows, order = drawn
    sources = [
        source(f"i{at}", {SHARDS: str(shards)}, properties=dict.fromkeys(sorted(names), KEYWORD))
        for at, (shards, names) in enumerate(rows)
    ]
    body = planned(*sources)
    found = origins(JOB_WITH_RUNTIME, sources, Era.ALLOW_LIST, body)
    assert found.settings.keys() == body["settings"].keys()
    assert found.fields.keys() == body["mappings"]["properties"].keys()
    assert origins(JOB_WITH_RUNTIME, [sources[at] for at in order], Era.ALLOW_LIST, body) == found
    most = max(shards for shards, _ in rows)
    assert found.settings[SHARDS] == index(f"i{next(at for at, (shards, _) in enumerate(rows) if shards == most)}")


def test_sections_that_nothing_has_have_no_origins() -> None:
    """A source without fields says nothing of them, and a mapping without runtime fields needs none told."""
    sources = (source("a"), source("b", properties={"x": LONG}))
    whole = destination_body(made(), sources, Era.ALLOW_LIST, 0, results=False)
    found = origins(made(), sources, Era.ALLOW_LIST, {"settings": {}, "mappings": dict(whole.mappings)})
    assert found.fields == {"x": index("b"), "ml__incremental_id": ADDED}
    assert found.runtime == {}
    assert origins(made(), sources, Era.ALLOW_LIST, {"settings": {}, "mappings": {}}).fields == {}


def test_what_no_source_has_was_added() -> None:
    body = {"settings": {}, "mappings": {"properties": {"own": LONG}, "runtime": {"r": LONG}}}
    found = origins(made(), [source("a", properties={"x": LONG})], Era.ALLOW_LIST, body)
    assert (found.fields, found.runtime) == ({"own": ADDED}, {"r": ADDED})


def test_origins_are_counted_by_kind() -> None:
    body = {
        "settings": {SHARDS: "1", "index.codec": "best_compression"},
        "mappings": {"properties": {"x": LONG, "own": LONG}, "runtime": {"r": LONG}},
    }
    found = origins(
        made(), [source("a", {SHARDS: "1"}, properties={"x": LONG})], Era.ALLOW_LIST, body, {"index.codec": "r:1"}
    )
    assert found.counts == {
        "settings": {"index": 1, "override": 1},
        "fields": {"added": 1, "index": 1},
        "runtime": {"added": 1},
    }
    assert origins(made(), [source("a")], Era.ALLOW_LIST, {"settings": {}, "mappings": {}}).counts == {}
