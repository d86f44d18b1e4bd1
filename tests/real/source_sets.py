"""Source indices made by chance, over every field type that a bare node has: definitions, and documents to fit.

A set is the sources of one job. Most sets fit together; in some, one field, runtime field or setting differs between
two indices. The same seed makes the same sets.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.model import SourceFilter

Definition = dict[str, Any]
Make = Callable[[random.Random], tuple[Definition, Any]]

# Not on a bare node, which has the core's types only: those of the modules mapper-extras and parent-join
# (scaled_float, rank_feature, rank_features, search_as_you_type, token_count, match_only_text, join), of the geo module
# (geo_shape) and of x-pack (constant_keyword, wildcard, version, unsigned_long, histogram, shape, …).
SINCE_8 = frozenset({"dense_vector", "sparse_vector", "passthrough"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One index: the body that makes it and the documents in it."""

    body: Mapping[str, Any]
    documents: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSet:
    """The sources of one job. `breaks` says what was made to differ between two of them, empty where nothing was."""

    sources: tuple[Source, ...]
    source_filter: SourceFilter
    runtime_mappings: Mapping[str, Any]
    breaks: str = ""
    types: frozenset[str] = field(default_factory=frozenset)


def _some(chance: random.Random, **values: Any) -> Definition:
    """Each parameter with even odds; of a list one at random."""
    picked = {name: chance.choice(value) if isinstance(value, list) else value for name, value in values.items()}
    return {name: value for name, value in picked.items() if chance.random() < 0.4}


def _text(chance: random.Random) -> tuple[Definition, Any]:
    more = _some(
        chance,
        analyzer=["standard", "simple", "whitespace", "stop", "keyword"],
        norms=False,
        store=True,
        fielddata=True,
        index_options=["docs", "freqs", "positions", "offsets"],
        term_vector=["yes", "with_positions_offsets"],
        similarity=["BM25", "boolean"],
        meta={"unit": "words"},
        position_increment_gap=[0, 50],
        fields={"raw": {"type": "keyword", "ignore_above": 64}, "plain": {"type": "text", "analyzer": "simple"}},
    )
    if more.get("index_options") in ("docs", "freqs"):
        more.pop("position_increment_gap", None)
    return {"type": "text", **more}, chance.choice(["late again", ["two", "texts"], "", None])


def _keyword(chance: random.Random) -> tuple[Definition, Any]:
    more = _some(
        chance,
        ignore_above=[8, 256],
        null_value="none",
        doc_values=False,
        norms=True,
        store=True,
        eager_global_ordinals=True,
        split_queries_on_whitespace=True,
        fields={"words": {"type": "text"}, "count": {"type": "keyword", "index": False}},
    )
    return {"type": "keyword", **more}, chance.choice(["AA", ["AA", "BB"], None, "much longer than eight"])


def _number(kind: str, *values: Any) -> Make:
    def make(chance: random.Random) -> tuple[Definition, Any]:
        more = _some(chance, coerce=False, ignore_malformed=True, null_value=1, index=False, store=True)
        return {"type": kind, **more}, chance.choice([*values, list(values), None])

    return make


def _date(kind: str) -> Make:
    formats = {
        "yyyy/MM/dd HH:mm": "2024/02/29 23:59",
        "epoch_millis": 1700000000000,
        "epoch_second": 1700000000,
        "strict_date_optional_time||epoch_millis": "2024-02-29T12:00:00.123Z",
        "basic_date": "20240229",
    }

    def make(chance: random.Random) -> tuple[Definition, Any]:
        if chance.random() < 0.3:
            return {"type": kind}, chance.choice(["2024-02-29", ["2023-01-01", "2024-01-01T00:00:00Z"], None])
        written = chance.choice(list(formats))
        more = _some(chance, locale="en", doc_values=False, ignore_malformed=True)
        return {"type": kind, "format": written, **more}, formats[written]

    return make


def _range(kind: str, low: Any, high: Any) -> Make:
    def make(chance: random.Random) -> tuple[Definition, Any]:
        more = _some(chance, coerce=False, index=False, store=True)
        return {"type": kind, **more}, chance.choice([{"gte": low, "lt": high}, {"gt": low}, {"lte": high}])

    return make


def _fixed(kind: str, values: list[Any], **more: Any) -> Make:
    return lambda chance: ({"type": kind, **_some(chance, **more)}, chance.choice(values))


def _object(chance: random.Random) -> tuple[Definition, Any]:
    more = _some(chance, dynamic=["true", "false", "strict", "runtime"], type="object")
    value: dict[str, Any] = {"at": "1.2.3.4", "deep": {"n": 1}}
    if more.get("dynamic") != "strict":
        value["unmapped"] = 7
    inner = {"at": {"type": "ip"}, "deep": {"properties": {"n": {"type": "short"}}}}
    return {**more, "properties": inner}, value


def _nested(chance: random.Random) -> tuple[Definition, Any]:
    # One of the two: 7.17 drops the second, which says nothing new, at the next change of the mapping.
    more = _some(chance, dynamic=["false", "strict"])
    more[chance.choice(["include_in_parent", "include_in_root"])] = True
    inner: Definition = {"miles": {"type": "float"}, "via": {"type": "keyword", "fields": {"text": {"type": "text"}}}}
    return {"type": "nested", **more, "properties": inner}, [{"miles": 1.5, "via": "AA"}, {"miles": 2}]


def _vector(chance: random.Random) -> tuple[Definition, Any]:
    more: Definition = chance.choice(
        [{}, {"index": False}, {"index": True, "similarity": "cosine"}, {"element_type": "byte"}]
    )
    return {"type": "dense_vector", "dims": 3, **more}, [1, 2, 3]


MAKERS: Mapping[str, Make] = {
    "text": _text,
    "keyword": _keyword,
    "long": _number("long", 2**62, -1),
    "integer": _number("integer", 2**31 - 1, 0),
    "short": _number("short", -32768, 5),
    "byte": _number("byte", 127, -128),
    "double": _number("double", 1.5e300, -0.1),
    "float": _number("float", 3.25, 1e-3),
    "half_float": _number("half_float", 1.5, 2),
    "date": _date("date"),
    "date_nanos": _date("date_nanos"),
    "boolean": _fixed("boolean", [True, "false", [True, False], None], null_value=False, doc_values=False, store=True),
    "ip": _fixed("ip", ["10.0.0.1", "::1", ["1.1.1.1", "2.2.2.2"]], null_value="0.0.0.0", ignore_malformed=True),
    "integer_range": _range("integer_range", 1, 5),
    "long_range": _range("long_range", 1, 2**50),
    "float_range": _range("float_range", 0.5, 1.5),
    "double_range": _range("double_range", 0.5, 1e100),
    "date_range": _range("date_range", "2023-01-01", "2024-01-01"),
    "ip_range": _range("ip_range", "10.0.0.0", "10.0.0.255"),
    "geo_point": _fixed(
        "geo_point",
        [{"lat": 47.4, "lon": 8.5}, "47.4,8.5", [8.5, 47.4], "POINT (8.5 47.4)", "u0qj"],
        ignore_z_value=False,
        null_value={"lat": 0, "lon": 0},
    ),
    "binary": _fixed("binary", ["U29tZQ==", ["AA==", "AQ=="]], doc_values=True, store=True),
    "flattened": _fixed(
        "flattened", [{"a": {"b": "c"}, "n": 1}, {"k": ["x", "y"]}], depth_limit=5, ignore_above=99, index=False
    ),
    "completion": _fixed(
        "completion",
        ["Zurich", {"input": ["Rome", "Roma"], "weight": 3}],
        analyzer=["simple", "keyword"],
        max_input_length=20,
        preserve_separators=False,
    ),
    "object": _object,
    "nested": _nested,
    "dense_vector": _vector,
    "sparse_vector": _fixed("sparse_vector", [{"token": 0.5}, {"a": 1.0, "b": 2.0}]),
    "passthrough": lambda _: ({"type": "passthrough", "priority": 9, "dynamic": "true"}, {"tag": "x"}),
}
RUNTIME = ("boolean", "date", "double", "geo_point", "ip", "keyword", "long")

ANALYSIS: Definition = {
    "tokenizer": {"cut": {"type": "standard", "max_token_length": 9}, "never_used": {"type": "standard"}},
    "filter": {"short": {"type": "stop", "stopwords": ["a", "the"]}},
    "analyzer": {"mine": {"type": "custom", "tokenizer": "cut", "filter": ["lowercase", "short"]}},
    "normalizer": {"lower": {"type": "custom", "filter": ["lowercase"]}},
}
OWN: Definition = {
    "type": "text",
    "analyzer": "mine",
    "similarity": "flat",
    "fields": {"raw": {"type": "keyword", "normalizer": "lower"}},
}


def known_types(major: int) -> tuple[str, ...]:
    """The field types of a bare node of this major release, but for `alias`, which has no values of its own."""
    return tuple(kind for kind in MAKERS if major >= 8 or kind not in SINCE_8)


def source_set(chance: random.Random, major: int) -> SourceSet:
    """One set. Analyzers differ only where the cluster itself copies them (from 8.6 on)."""
    kinds = chance.sample(known_types(major), chance.randint(1, 12))
    fields = {f"{kind}_{chance.choice('abü')}": MAKERS[kind](chance) for kind in kinds}
    runtime = {f"run_{kind}": {"type": kind} for kind in chance.sample(RUNTIME, chance.randint(0, 2))}
    if chance.random() < 0.3:
        fields["target"] = ({"type": "long"}, 5)
        fields["other_name"] = ({"type": "alias", "path": "target"}, None)
    settings = _settings(chance)
    breaks = chance.choice(["field", "runtime", "inner", "settings"][: 3 + (major >= 8)]) * (chance.random() < 0.25)
    if breaks == "settings" or chance.random() < 0.3:
        settings |= {"analysis": ANALYSIS, "similarity": {"flat": {"type": "BM25", "b": 0}}}
        fields["own"] = (OWN, "the late one")
    count = chance.choice([2, 3] if breaks else [1, 2, 2, 3])
    sources = [_source(chance, fields, runtime, settings) for _ in range(count)]
    if breaks:
        sources[0], sources[-1] = (_broken(breaks, sources[end], end) for end in (0, -1))
    return SourceSet(
        sources=tuple(sources),
        source_filter=_filter(chance, list(fields)) if not breaks else SourceFilter(),
        runtime_mappings={"run_job": {"type": "keyword"}} if chance.random() < 0.2 else {},
        breaks=breaks,
        types=frozenset(definition.get("type", "object") for definition, _ in fields.values()),
    )


def _settings(chance: random.Random) -> dict[str, Any]:
    limits = {
        "index.mapping.total_fields.limit": [200, 1500],
        "index.mapping.depth.limit": 12,
        "index.mapping.nested_fields.limit": 20,
        "index.mapping.nested_objects.limit": 500,
        "index.mapping.field_name_length.limit": 100,
        "index.refresh_interval": "30s",
        "index.max_result_window": 20000,
    }
    return _some(chance, **limits)


def _source(
    chance: random.Random, fields: Mapping[str, tuple[Definition, Any]], runtime: Definition, settings: Definition
) -> Source:
    """An index with some of the fields; what may grow by its documents has them all in its first one."""
    own = {name: made for name, made in fields.items() if chance.random() < 0.8 or name in ("target", "own")}
    objects = [definition for definition, _ in own.values() if definition.get("type", "object") == "object"]
    root = _some(
        chance,
        # What an object without a word of its own inherits must let its documents in.
        dynamic=["false", "true", "strict" if all("dynamic" in one for one in objects) else "runtime"],
        date_detection=False,
        numeric_detection=True,
        _meta={"owner": "ops"},
        dynamic_templates=[[{"texts": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}]],
    )
    mappings = {**root, "properties": {name: definition for name, (definition, _) in own.items()}}
    if runtime:
        mappings["runtime"] = runtime
    whole = {name: value for name, (definition, value) in own.items() if definition.get("type") != "alias"}
    some = {name: value for name, value in whole.items() if chance.random() < 0.5}
    # So many small writes are not worth waiting for the disk.
    settings = {"index.translog.durability": "async", **settings}
    numbers = {"index.number_of_shards": chance.choice([1, 1, 1, 2]), "index.number_of_replicas": chance.randint(0, 1)}
    return Source(body={"settings": {**numbers, **settings}, "mappings": mappings}, documents=(whole, some, {}))


def _broken(breaks: str, source: Source, end: int) -> Source:
    """The source with one definition that is another in the first and in the last index of a set."""
    kind = "keyword" if end == 0 else "long"
    mappings = dict(source.body["mappings"])
    if breaks == "settings":
        if end == 0:
            return source
        analysis = {**ANALYSIS, "filter": {"short": {"type": "stop", "stopwords": ["an"]}}}
        return Source(body={**source.body, "settings": {**source.body["settings"], "analysis": analysis}}, documents=())
    if breaks == "runtime":
        mappings["runtime"] = {**mappings.get("runtime", {}), "differs": {"type": kind}}
    else:
        one = {"type": kind} if breaks == "field" else {"properties": {"same": {"type": "ip"}, "n": {"type": kind}}}
        mappings["properties"] = {**mappings["properties"], "differs": one}
    return Source(body={**source.body, "mappings": mappings}, documents=source.documents)


def _filter(chance: random.Random, names: list[str]) -> SourceFilter:
    """A `_source` filter. Never without what an alias stands for: no cluster takes an alias of nothing."""
    if chance.random() < 0.6:
        return SourceFilter()
    free = [name for name in names if name not in ("target", "own")]
    picked = chance.sample(free, min(len(free), chance.randint(0, 3)))
    if chance.random() < 0.5:
        return SourceFilter(excludes=(*picked, "object*.at", "nowhere"))
    return SourceFilter(includes=(*picked, "target", "k*", "nested_*", "object_a.*"))
