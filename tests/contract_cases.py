"""Calls that the embedded cluster and genuine nodes must answer alike, as one table.

`CONTRACT` holds cases; a case is a few steps in order on indices that only it uses (`uses`, deleted before and after).
`comparable` makes an answer comparable: status, the headers that matter, and the body without what differs in every run
(uuids, times, generated ids, scores). A step's `compare` says how much of it must be equal:

- `all`: status, headers and whole body
- `error`: status, and of the body only the error's type and reason
- `type`: status, and of the body only the error's type
- `status`: status alone

Used by the embedded cluster's own tests (against answers recorded from an 8.15.3 node) and against running nodes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any  # one decoded JSON value

JSON_TYPE = ("content-type", "application/json")
NDJSON_TYPE = ("content-type", "application/x-ndjson")
# Keys whose values differ in every run or mean nothing here. Scores: the embedded cluster has no relevance.
_VOLATILE_LISTED = """
took uuid index_uuid creation_date created node _score max_score epoch timestamp store.size pri.store.size dataset.size
total_size_in_bytes cluster_name number_of_pending_tasks index.uuid index.creation_date index.version.created
"""
_VOLATILE = frozenset(_VOLATILE_LISTED.split())
_TEXTS = (
    # A Java set: each run of a node lists it in another order.
    (re.compile(r"the following characters \[.*\]$"), "the following characters <set>"),
    (re.compile(r"\[([^\]\[/]+)/[\w-]{22}\]"), r"[\1/<uuid>]"),
    (re.compile(r"with id '[\w-]{20}'"), "with id '<id>'"),
    (re.compile(r"/_doc/[\w-]{20}(?=$|\?)"), "/_doc/<id>"),
)
_GENERATED_ID = re.compile(r"[\w-]{20}")
_HEADERS = ("allow", "location", "content-type", "x-elastic-product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call. `body` is a JSON value, a text sent as it is, or None; `headers` default to the body's JSON type."""

    method: str
    target: str
    body: Json = None
    headers: tuple[tuple[str, str], ...] | None = None
    compare: str = "all"

    def content(self) -> bytes:
        """The bytes of the body."""
        if self.body is None:
            return b""
        text = self.body if isinstance(self.body, str) else json.dumps(self.body, separators=(",", ":"))
        return text.encode()

    def sent_headers(self) -> tuple[tuple[str, str], ...]:
        """The headers to send."""
        if self.headers is not None:
            return self.headers
        return (JSON_TYPE,) if self.body is not None else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Steps in order; `uses` names the indices that they touch."""

    name: str
    uses: tuple[str, ...] = ()
    steps: tuple[Step, ...] = field(repr=False)


def comparable(step: Step, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """What of an answer must be equal everywhere; `headers` by lower-case name."""
    found: dict[str, Any] = {"status": status}
    if step.compare == "status":
        return found
    value = _value(body)
    if step.compare in ("type", "error"):
        error = value.get("error", value) if isinstance(value, dict) else value
        keys = ("type",) if step.compare == "type" else ("type", "reason")
        found["error"] = {key: _plain(error.get(key)) for key in keys} if isinstance(error, dict) else error
        return found
    found["headers"] = {name: _plain(headers[name]) for name in _HEADERS if name in headers}
    if step.method == "HEAD":
        found["headers"].pop("content-type", None)
        return found
    found["body"] = _plain(value)
    return found


def _value(body: bytes) -> Json:
    text = body.decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {_text(key): _member(key, inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return _text(value) if isinstance(value, str) else value


def _member(key: str, value: Json) -> Json:
    if key in _VOLATILE:
        return "<any>"
    if key == "_id" and isinstance(value, str) and _GENERATED_ID.fullmatch(value):
        return "<id>"
    return _plain(value)


def _text(value: str) -> str:
    for pattern, plain in _TEXTS:
        value = pattern.sub(plain, value)
    return value


def _get(target: str, body: Json = None, compare: str = "all") -> Step:
    return Step(method="GET", target=target, body=body, compare=compare)


def _put(target: str, body: Json = None, compare: str = "all") -> Step:
    return Step(method="PUT", target=target, body=body, compare=compare)


def _post(target: str, body: Json = None, compare: str = "all") -> Step:
    return Step(method="POST", target=target, body=body, compare=compare)


def _delete(target: str, compare: str = "all") -> Step:
    return Step(method="DELETE", target=target, compare=compare)


def _head(target: str) -> Step:
    return Step(method="HEAD", target=target)


def _with(method: str, target: str, body: Json, *headers: tuple[str, str], compare: str = "all") -> Step:
    return Step(method=method, target=target, body=body, headers=headers, compare=compare)


def _bulk(target: str, *lines: Json, compare: str = "all") -> Step:
    text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)
    return Step(method="POST", target=target, body=text, headers=(NDJSON_TYPE,), compare=compare)


def _case(name: str, uses: str, *steps: Step) -> Case:
    return Case(name=name, uses=tuple(uses.split()), steps=steps)


def _props(**properties: Json) -> dict[str, Any]:
    return {"mappings": {"properties": properties}}


_IP = {"type": "ip"}
_LONG = {"type": "long"}
_VENDOR_8 = "application/vnd.elasticsearch+json; compatible-with=8"
# What a removal looks at.
_NUMBERS = (
    "/ct-seq/_stats/docs?level=shards&filter_path=indices.*.shards.*.routing.primary,"
    "indices.*.shards.*.routing.state,indices.*.shards.*.seq_no"
)

_INDICES = (
    _case(
        "create with settings, mappings and aliases, then read all back",
        "ct-full",
        _put(
            "/ct-full",
            {
                "settings": {"number_of_shards": 2, "index": {"refresh_interval": "1s"}, "index.codec": "default"},
                "mappings": {
                    "_meta": {"created_by": "somebody", "version": {"created": "1"}},
                    "dynamic": False,
                    "properties": {
                        "n": {"type": "long"},
                        "ml.outlier_score": {"type": "double"},
                        "ml.feature_influence": {
                            "dynamic": False,
                            "type": "nested",
                            "properties": {"feature_name": {"type": "keyword"}, "influence": {"type": "double"}},
                        },
                        "t": {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}},
                        "d": {"type": "date", "format": "yyyy/MM/dd HH:mm"},
                        "al": {"type": "alias", "path": "n"},
                        "o": {"properties": {"x": {"type": "ip"}}},
                        "e": {"type": "object"},
                    },
                    "runtime": {"r": {"type": "long"}},
                },
                "aliases": {"ct-full-a": {}, "ct-full-b": {"filter": {"term": {"n": 1}}, "routing": "3"}},
            },
        ),
        _get("/ct-full"),
        _get("/ct-full/_mapping"),
        _get("/ct-full/_settings?flat_settings=true"),
        _get("/ct-full/_settings/index.number_of_shards"),
        _get("/ct-full/_alias"),
        _head("/ct-full"),
    ),
    _case(
        "create without a body", "ct-bare", _put("/ct-bare"), _get("/ct-bare"), _delete("/ct-bare"), _get("/ct-bare")
    ),
    _case("create what exists", "ct-twice", _put("/ct-twice"), _put("/ct-twice")),
    _case(
        "names that no index may have",
        "",
        _put("/CT"),
        _put("/_ct"),
        _put("/ct%20x"),
        _put("/ct,x"),
        _put("/ct*"),
        _put("/ct%23"),
        _put("/ct:x"),
        _put("/-ct"),
        _put(f"/{'x' * 256}"),
    ),
    _case(
        "settings that do not exist",
        "ct-set",
        _put("/ct-set", {"settings": {"foo": 1}}),
        _put("/ct-set", {"settings": {"index.numbr_of_shards": 1}}),
        _put("/ct-set", {"settings": {"index.uuid": "x"}}, compare="error"),
    ),
    _case(
        "settings out of their kind",
        "ct-kind",
        _put("/ct-kind", {"settings": {"number_of_shards": 0}}),
        _put("/ct-kind", {"settings": {"number_of_shards": "x"}}),
        _put("/ct-kind", {"settings": {"number_of_shards": 1025}}),
        _put("/ct-kind", {"settings": {"number_of_replicas": -1}}),
        _put("/ct-kind", {"settings": {"refresh_interval": "1"}}),
        _put("/ct-kind", {"settings": {"index.blocks.write": "maybe"}}),
    ),
    _case(
        "bodies that are no create request",
        "ct-body",
        _put("/ct-body", {"foo": {}}),
        _put("/ct-body", '{"mappings":', compare="type"),
        _put("/ct-body", "[]", compare="type"),
        _put("/ct-body", {"mappings": {"_doc": {"properties": {}}}}),
    ),
    _case(
        "delete",
        "ct-del",
        _put("/ct-del"),
        _delete("/ct-del*"),
        _delete("/_all"),
        _delete("/ct-nope"),
        _delete("/ct-nope?ignore_unavailable=true"),
        _delete("/ct-del,ct-nope"),
        _head("/ct-del"),
        _delete("/ct-del"),
        _head("/ct-del"),
    ),
    _case(
        "resolve names",
        "ct-res-1 ct-res-2",
        _put("/ct-res-1", {"aliases": {"ct-ra": {}}}),
        _put("/ct-res-2", {"aliases": {"ct-ra": {}}}),
        _get("/_resolve/index/ct-res-1"),
        _get("/_resolve/index/ct-res*"),
        _get("/_resolve/index/ct-ra"),
        _get("/_resolve/index/ct-nope"),
        _get("/_resolve/index/ct-nope*"),
        _get("/_resolve/index/ct-res-1,ct-nope?ignore_unavailable=true"),
    ),
    _case(
        "missing indices",
        "ct-there",
        _put("/ct-there"),
        _get("/ct-nope"),
        _get("/ct-nope*"),
        _get("/ct-nope,ct-there?ignore_unavailable=true&filter_path=*.aliases"),
        _get("/ct-nope*?allow_no_indices=false"),
        _get("/ct-nope/_mapping"),
        _get("/ct-nope/_settings"),
        _get("/ct-nope/_search"),
        _get("/ct-nope*/_search"),
        _get("/ct-nope/_count"),
        _get("/ct-nope/_alias"),
        _get("/ct-nope/_field_caps?fields=*"),
        _post("/ct-nope/_refresh"),
        _put("/ct-nope/_mapping", {"properties": {}}),
        _put("/ct-nope/_settings", {"index.number_of_replicas": 0}),
        _put("/ct-nope/_block/write"),
        _get("/ct-nope/_doc/1"),
        _delete("/ct-nope/_doc/1"),
    ),
    _case(
        "index expressions",
        "ct-ex-1 ct-ex-2 ct-ex-h .ct-ex-dot",
        _put("/ct-ex-1/_doc/1?refresh=true", {"a": 1}),
        _put("/ct-ex-2/_doc/1?refresh=true", {"a": 1}),
        _put("/ct-ex-h", {"settings": {"index.hidden": True}}),
        _put("/.ct-ex-dot", {"settings": {"index.hidden": True}}, compare="status"),
        _get("/ct-ex-*/_count"),
        _get("/ct-ex-*,-ct-ex-1/_count"),
        _get("/-ct-ex-1/_count"),
        _get("/ct-ex-1,-ct-ex-1/_count"),
        _get("/ct-ex-*?filter_path=*.settings.index.provided_name"),
        _get("/ct-ex-*?expand_wildcards=all&filter_path=*.settings.index.provided_name"),
        _get("/ct-ex-*?expand_wildcards=none"),
        _get("/ct-ex-h?filter_path=*.settings.index.provided_name"),
        _get("/.ct-*?filter_path=*.settings.index.provided_name"),
        _get("/ct-ex-*?expand_wildcards=foo"),
        _get("/remote:ct-ex-1/_count"),
        _get("/_nosuch"),
    ),
    _case(
        "closed indices",
        "ct-closed ct-open",
        _put("/ct-closed"),
        _put("/ct-open"),
        _post("/ct-closed/_close"),
        _get("/ct-closed/_search"),
        _get("/ct-closed,ct-open/_search?ignore_unavailable=true&size=0"),
        _get("/ct-closed*,ct-open*/_count"),
        _get("/ct-closed/_mapping"),
        _get("/_resolve/index/ct-closed"),
        _put("/ct-closed/_doc/1", {}),
        _post("/ct-closed/_open"),
        _put("/ct-closed/_doc/1", {}, compare="status"),
    ),
    _case(
        "write block",
        "ct-block",
        _put("/ct-block/_doc/1", {"a": 1}),
        _put("/ct-block/_block/write"),
        _get("/ct-block/_settings?filter_path=**.blocks"),
        _put("/ct-block/_doc/2", {"a": 1}),
        _delete("/ct-block/_doc/1"),
        _bulk("/_bulk", {"index": {"_index": "ct-block", "_id": "3"}}, {"a": 1}),
        _get("/ct-block/_doc/1"),
        _put("/ct-block/_settings", {"index.blocks.write": None}),
        _put("/ct-block/_doc/2", {"a": 1}),
        _put("/ct-block/_block/foo"),
        _put("/ct-block/_settings", {"index": {"blocks": {"write": "true"}}}),
        _put("/ct-block/_doc/3", {"a": 1}),
        _delete("/ct-block"),
    ),
    _case(
        "settings that change and settings that do not",
        "ct-dyn",
        _put("/ct-dyn"),
        _put("/ct-dyn/_settings", {"index": {"number_of_replicas": 0}}),
        _put("/ct-dyn/_settings", {"index": {"number_of_shards": 3}}),
        _put("/ct-dyn/_settings", {"index.codec": "best_compression"}),
        _put("/ct-dyn/_settings", {"foo": 0}),
        _put("/ct-dyn/_settings", {}),
        _put("/ct-dyn/_settings", {"settings": {"index.refresh_interval": "5s"}}),
        _get("/ct-dyn/_settings"),
        _put("/ct-dyn/_settings", {"index.refresh_interval": None}),
        _get("/ct-dyn/_settings?flat_settings"),
    ),
    _case(
        "refresh",
        "ct-ref",
        _put("/ct-ref"),
        _post("/ct-ref/_refresh"),
        _get("/ct-ref/_refresh"),
        _post("/ct-ref/_flush"),
    ),
    _case(
        "index statistics of documents",
        "ct-stats",
        _put("/ct-stats/_doc/1?refresh=true", {"a": 1}),
        _get("/ct-stats/_stats/docs?filter_path=_shards,indices.*.primaries.docs.count"),
    ),
    _case(
        "sequence numbers of shards",
        "ct-seq",
        _put("/ct-seq", {"settings": {"number_of_shards": 2}, "mappings": {"properties": {"n": {"type": "long"}}}}),
        _get(_NUMBERS),
        _put("/ct-seq/_doc/1", {"n": "no number"}),
        _get(_NUMBERS),
        _put("/ct-seq/_block/write"),
        _put("/ct-seq/_block/write"),
        _put("/ct-seq/_doc/1", {"n": 1}),
        _get(_NUMBERS),
    ),
    _case(
        "the sequence number of a shard that was written to",
        "ct-seq-one",
        _put("/ct-seq-one"),
        _put("/ct-seq-one/_doc/1", {"a": 1}),
        _get(_NUMBERS.replace("ct-seq", "ct-seq-one")),
        _delete("/ct-seq-one/_doc/1"),
        _get(_NUMBERS.replace("ct-seq", "ct-seq-one")),
        _delete("/ct-seq-one/_doc/2"),
        _get(_NUMBERS.replace("ct-seq", "ct-seq-one")),
    ),
)

_MAPPINGS = (
    _case(
        "types and parameters that do not exist",
        "ct-type",
        _put("/ct-type", _props(x={"type": "nope"})),
        _put("/ct-type", _props(x={"type": "long", "foo": 1})),
        _put("/ct-type", _props(x={})),
        _put("/ct-type", _props(x=1)),
        _put("/ct-type", {"mappings": {"foo": 1}}),
        _put("/ct-type", {"mappings": {"foo": {}}}),
        _put("/ct-type", {"mappings": {"dynamic": "maybe"}}),
        _put("/ct-type", {"mappings": {"runtime": {"r": {"type": "nope"}}}}),
        _put("/ct-type", {"mappings": {"runtime": {"r": {}}}}),
        _put("/ct-type", _props(o={"type": "object", "foo": 1})),
        _put("/ct-type", _props(x={"type": "long", "meta": {"a": 1}})),
    ),
    _case(
        "field names",
        "ct-fname ct-fname-ok",
        _put("/ct-fname", _props(**{"": {"type": "long"}})),
        _put("/ct-fname", _props(**{"a..b": {"type": "long"}})),
        _put("/ct-fname-ok", _props(**{"a.": {"type": "long"}, "b.c": {"type": "long"}, "b.d.e": {"type": "ip"}})),
        _get("/ct-fname-ok/_mapping"),
    ),
    _case(
        "analyzers, normalizers and similarities that are not defined",
        "ct-an",
        _put("/ct-an", _props(x={"type": "text", "analyzer": "foo"})),
        _put("/ct-an", _props(x={"type": "text", "search_analyzer": "foo"})),
        _put("/ct-an", _props(x={"type": "keyword", "normalizer": "foo"})),
        _put("/ct-an", _props(x={"type": "text", "similarity": "foo"})),
    ),
    _case(
        "analysis settings",
        "ct-ana",
        _put("/ct-ana", {"settings": {"index.analysis.analyzer.a": {"tokenizer": "standard", "filter": ["nope"]}}}),
        _put("/ct-ana", {"settings": {"index.analysis.analyzer.a": {"type": "custom", "tokenizer": "nope"}}}),
        _put("/ct-ana", {"settings": {"index.analysis.analyzer.a": {"filter": ["lowercase"]}}}),
        _put(
            "/ct-ana",
            {
                "settings": {
                    "index.analysis.normalizer.n": {"type": "custom", "filter": ["lowercase"]},
                    "analysis": {
                        "filter": {"f": {"type": "stop", "stopwords": ["a", "b"]}},
                        "analyzer": {"a": {"tokenizer": "standard", "filter": ["lowercase", "f"]}},
                    },
                    "index.similarity.s": {"type": "BM25", "k1": 1.5},
                },
                **_props(
                    k={"type": "keyword", "normalizer": "n"},
                    t={"type": "text", "analyzer": "a", "similarity": "s"},
                ),
            },
        ),
        _get("/ct-ana"),
        _get("/ct-ana/_settings?flat_settings=true"),
    ),
    _case(
        "aliases of fields",
        "ct-fal ct-fal-ok",
        _put("/ct-fal", _props(al={"type": "alias"})),
        _put("/ct-fal", _props(al={"type": "alias", "path": "zz"})),
        _put("/ct-fal", _props(al={"type": "alias", "path": "al"})),
        _put("/ct-fal-ok", _props(al={"type": "alias", "path": "x"}, x={"type": "long"})),
        _put("/ct-fal-ok/_doc/1?refresh=true", {"x": 3}),
        _get("/ct-fal-ok/_search", {"query": {"term": {"al": 3}}}),
        _put("/ct-fal-ok/_doc/2", {"al": 3}),
    ),
    _case(
        "date formats that do not exist",
        "ct-fmt",
        _put("/ct-fmt", _props(d={"type": "date", "format": "zzzbad["})),
    ),
    _case(
        "parameters read back",
        "ct-params",
        _put(
            "/ct-params",
            {
                "mappings": {
                    "dynamic": "strict",
                    "properties": {
                        "k": {
                            "type": "keyword",
                            "doc_values": True,
                            "ignore_above": "10",
                            "index": "false",
                            "meta": {"a": "b"},
                            "copy_to": "x",
                        },
                        "x": {"type": "text"},
                        "o": {"type": "object", "dynamic": "strict", "enabled": False},
                        "l": {"type": "long", "coerce": True, "null_value": "3"},
                        "b": {"type": "boolean", "null_value": "true"},
                        "f": {"type": "float", "ignore_malformed": False},
                        "n": {"type": "nested", "include_in_parent": True},
                        "p": {"type": "object", "enabled": True},
                        "i": {"type": "ip", "store": True},
                        "dn": {"type": "date_nanos", "doc_values": False},
                    },
                    "date_detection": False,
                    "numeric_detection": True,
                    "dynamic_date_formats": ["yyyy"],
                    "dynamic_templates": [{"s": {"match_mapping_type": "string", "mapping": {"type": "keyword"}}}],
                    "_source": {"excludes": ["x"]},
                    "_routing": {"required": True},
                }
            },
        ),
        _get("/ct-params/_mapping"),
        _get("/ct-params/_mapping/field/k,l"),
    ),
    _case(
        "fields put later",
        "ct-put",
        _put("/ct-put", _props(n={"type": "long"}, t={"type": "text"}, k={"type": "keyword", "ignore_above": 5})),
        _put("/ct-put/_mapping", {"properties": {"n": {"type": "long"}, "m": {"type": "double"}}}),
        _put("/ct-put/_mapping", {"properties": {"o": {"properties": {"x": {"type": "long"}}}}}),
        _put("/ct-put/_mapping", {"properties": {"o.y": {"type": "long"}}}),
        _put("/ct-put/_mapping", {"properties": {"k": {"type": "keyword"}}}),
        _put("/ct-put/_mapping", {"properties": {"t": {"type": "text", "fields": {"k": {"type": "keyword"}}}}}),
        _put("/ct-put/_mapping", {"dynamic": "strict", "_meta": {"x": 1}}),
        _put("/ct-put/_mapping", {"_meta": {"y": 1}, "runtime": {"r": {"type": "date"}}}),
        _get("/ct-put/_mapping"),
        _put("/ct-put/_mapping", {"runtime": {"r": None}}),
        _get("/ct-put/_mapping"),
        _put("/ct-put/_mapping", {}),
        _put("/ct-put/_mapping"),
    ),
    _case(
        "fields that cannot change",
        "ct-conf",
        _put(
            "/ct-conf",
            _props(
                n={"type": "long"},
                t={"type": "text"},
                k={"type": "keyword", "index": False},
                o={"properties": {"x": {"type": "long"}}},
                z={"type": "object", "enabled": False},
                d={"type": "date", "format": "yyyy"},
                s={"type": "nested"},
            ),
        ),
        _put("/ct-conf/_mapping", {"properties": {"n": {"type": "keyword"}}}),
        _put("/ct-conf/_mapping", {"properties": {"t": {"type": "text", "index": False}}}),
        _put("/ct-conf/_mapping", {"properties": {"k": {"type": "keyword"}}}),
        _put("/ct-conf/_mapping", {"properties": {"n": {"properties": {"x": {"type": "long"}}}}}),
        _put("/ct-conf/_mapping", {"properties": {"o": {"type": "long"}}}),
        _put("/ct-conf/_mapping", {"properties": {"o": {"type": "nested"}}}),
        _put("/ct-conf/_mapping", {"properties": {"s": {"type": "object"}}}),
        _put("/ct-conf/_mapping", {"properties": {"k.z": {"type": "keyword"}}}),
        _put("/ct-conf/_mapping", {"properties": {"z": {"type": "object", "enabled": True}}}),
        _put("/ct-conf/_mapping", {"properties": {"o": {"properties": {"x": {"type": "ip"}}}}}),
        _put("/ct-conf/_mapping", {"properties": {"d": {"type": "date"}}}),
        _put("/ct-conf/_mapping", {"properties": {"n": {"type": "nope"}}}),
        _put("/ct-conf/_mapping", {"foo": {}}),
    ),
    _case(
        "limits of mappings",
        "ct-lim ct-lim-d ct-lim-n",
        _put(
            "/ct-lim",
            {
                "settings": {"index.mapping.total_fields.limit": 3},
                **_props(
                    a={"type": "long"}, b={"type": "text", "fields": {"k": {"type": "keyword"}}}, c={"type": "long"}
                ),
            },
        ),
        _put(
            "/ct-lim",
            {
                "settings": {"index.mapping.total_fields.limit": 3},
                **_props(a={"type": "long"}, o={"properties": {"c": {"type": "long"}}}),
            },
        ),
        _put("/ct-lim/_mapping", {"properties": {"z": {"type": "long"}}}),
        _put("/ct-lim/_doc/1", {"zz": 1}),
        _put(
            "/ct-lim-d",
            {
                "settings": {"index.mapping.depth.limit": 2},
                **_props(a={"properties": {"o": {"properties": {"c": {"type": "long"}}}}}),
            },
        ),
        _put(
            "/ct-lim-n",
            {
                "settings": {"index.mapping.nested_fields.limit": 1},
                **_props(a={"type": "nested"}, b={"type": "nested"}),
            },
        ),
    ),
    _case(
        "dynamic mapping",
        "ct-dm",
        _put(
            "/ct-dm/_doc/1",
            {
                "s": "hello",
                "l": 1,
                "f": 1.5,
                "b": True,
                "d": "2024-01-01",
                "d2": "2024/01/01 10:00:00",
                "d3": "2024-01-01T10:00:00.000Z",
                "d4": "2024",
                "d5": "2024-01-01 10:00:00",
                "d6": "2024/01/01",
                "d7": "10:00",
                "d8": "2024-01",
                "d9": "2024-01-01T10:00",
                "da": "2024-01-01T10:00:00+01:00",
                "db": "20240101",
                "o": {"a": 1},
                "arr": [1, 2],
                "n": None,
                "e": [],
                "eo": {},
                "a.b": 3,
                "num": "12",
                "ao": [{"z": 1}, {"y": "q"}],
                "mixed": [None, "x"],
                "aa": [[1, 2], [3]],
                "p": {"q": {"r": {}}},
            },
        ),
        _get("/ct-dm/_mapping"),
        _put("/ct-dm/_doc/2", {"o": {"b": {"c": [{"d": 1}]}}, "p.q.s": "x"}),
        _get("/ct-dm/_mapping"),
        _put("/ct-dm/_doc/3", {"s": {"x": 1}}),
        _put("/ct-dm/_doc/3", {"o": 1}),
        _put("/ct-dm/_doc/3", {"l.x": 1}, compare="type"),
    ),
    _case(
        "dynamic false and strict",
        "ct-dynf ct-dyns",
        _put("/ct-dynf", {"mappings": {"dynamic": False, "properties": {"a": {"type": "long"}}}}),
        _put("/ct-dynf/_doc/1", {"a": 1, "b": 2, "c": {"d": 1}, "e.f": 1}),
        _get("/ct-dynf/_mapping"),
        _get("/ct-dynf/_doc/1"),
        _put("/ct-dyns", {"mappings": {"dynamic": "strict", "properties": {"a": {"properties": {}}}}}),
        _put("/ct-dyns/_doc/1", {"zz": "a"}),
        _put("/ct-dyns/_doc/1", {"a": {"b": 1}}),
        _put("/ct-dyns/_doc/1", {"a": {}, "c": None}),
    ),
    _case(
        "dynamic runtime, templates and numeric detection",
        "ct-dynr",
        _put(
            "/ct-dynr",
            {
                "mappings": {
                    "dynamic": "runtime",
                    "numeric_detection": True,
                    "dynamic_templates": [
                        {"k": {"match": "k_*", "match_mapping_type": "string", "mapping": {"type": "keyword"}}},
                    ],
                }
            },
        ),
        _put("/ct-dynr/_doc/1", {"n": 1, "k_x": "v", "t": "text", "f": 1.5, "s": "12", "b": True}),
        _get("/ct-dynr/_mapping"),
    ),
    _case(
        "values that do not fit",
        "ct-val",
        _put(
            "/ct-val",
            _props(
                dt={"type": "date"},
                ip={"type": "ip"},
                kw={"type": "keyword"},
                by={"type": "byte"},
                i={"type": "integer"},
                l={"type": "long"},
                db={"type": "double"},
                b={"type": "boolean"},
                n={"type": "nested", "properties": {"a": {"type": "long"}}},
                ob={"properties": {"a": {"type": "long"}}},
                al={"type": "alias", "path": "i"},
                df={"type": "date", "format": "yyyy/MM/dd"},
                im={"type": "integer", "ignore_malformed": True},
                nc={"type": "integer", "coerce": False},
            ),
        ),
        *(
            _put("/ct-val/_doc/1", document)
            for document in (
                {"dt": "foo"},
                {"dt": True},
                {"dt": {"a": 1}},
                {"df": "2024-01-01"},
                {"ip": "1.2"},
                {"kw": {"a": 1}},
                {"by": 300},
                {"i": 99999999999},
                {"i": True},
                {"i": "z"},
                {"i": [1, "z"]},
                {"l": "x"},
                {"l": {"x": 1}},
                {"db": "x"},
                {"db": "NaN"},
                {"b": "yes"},
                {"n": 1},
                {"n": [{"a": 1}, {"a": "x"}]},
                {"ob": 1},
                {"ob.a": "x"},
                {"al": 1},
                {"nc": "5"},
                {"_id": "x"},
                {"": 1},
            )
        ),
        _put(
            "/ct-val/_doc/1?refresh=true",
            {"i": "3", "l": 1.7, "db": "2", "b": "", "im": "x", "kw": [["a"], 5, True], "dt": 0},
        ),
        _get("/ct-val/_doc/1"),
        _get("/ct-val/_count"),
    ),
)

_DOCUMENTS = (
    _case(
        "one document's life",
        "ct-doc",
        _put("/ct-doc/_doc/1", {"s": "hello", "l": 2}),
        _put("/ct-doc/_doc/1", {"s": "hello", "l": 3}),
        _get("/ct-doc/_doc/1"),
        _get("/ct-doc/_doc/1?_source=s"),
        _get("/ct-doc/_doc/1?_source=false"),
        _get("/ct-doc/_doc/1?_source_excludes=s"),
        _get("/ct-doc/_source/1"),
        _head("/ct-doc/_doc/1"),
        _put("/ct-doc/_create/1", {"l": 1}),
        _put("/ct-doc/_doc/1?op_type=create", {}),
        _delete("/ct-doc/_doc/1"),
        _delete("/ct-doc/_doc/1"),
        _get("/ct-doc/_doc/1"),
        _head("/ct-doc/_doc/1"),
        _put("/ct-doc/_doc/1", {"l": 1}),
        _post("/ct-doc/_doc?refresh=true", {"l": 1}),
        _get("/ct-doc/_count"),
    ),
    _case(
        "bodies that are no document",
        "ct-dbody",
        _put("/ct-dbody"),
        _post("/ct-dbody/_doc", "[1]", compare="type"),
        _post("/ct-dbody/_doc", '{"x":', compare="type"),
        _post("/ct-dbody/_doc", '{"x":1,"x":2}', compare="type"),
        _post("/ct-dbody/_doc"),
    ),
    _case(
        "sequence numbers and versions as guards",
        "ct-occ",
        _put("/ct-occ/_doc/9", {"l": 1}),
        _put("/ct-occ/_doc/9?version=1", {"l": 1}),
        _put("/ct-occ/_doc/9?if_seq_no=5&if_primary_term=1", {"l": 1}),
        _put("/ct-occ/_doc/9?if_seq_no=0&if_primary_term=1", {"l": 1}),
        _put("/ct-occ/_doc/8?if_seq_no=0&if_primary_term=1", {"l": 1}),
        _put("/ct-occ/_doc/7?version=7&version_type=external", {"l": 1}),
        _put("/ct-occ/_doc/7?version=7&version_type=external", {"l": 1}),
        _get("/ct-occ/_doc/7"),
    ),
    _case(
        "updates",
        "ct-upd",
        _put("/ct-upd/_doc/9", {"l": 1, "o": {"a": 1}}),
        _post("/ct-upd/_update/9", {"doc": {"l": 5, "o": {"b": 2}}}),
        _post("/ct-upd/_update/9", {"doc": {"l": 5}}),
        _get("/ct-upd/_doc/9"),
        _post("/ct-upd/_update/90", {"doc": {"l": 5}}),
        _post("/ct-upd/_update/91", {"doc": {"l": 5}, "doc_as_upsert": True}),
        _post("/ct-upd/_update/92", {"doc": {"l": 5}, "upsert": {"l": 0}}),
    ),
    _case(
        "routing",
        "ct-rout",
        _put("/ct-rout", {"mappings": {"_routing": {"required": True}}}),
        _put("/ct-rout/_doc/1", {"n": 1}),
        _put("/ct-rout/_doc/1?routing=2", {"n": 1}),
        _get("/ct-rout/_doc/1?routing=2"),
    ),
    _case(
        "bulk with faults of items",
        "ct-bulk",
        _put("/ct-bulk", _props(l={"type": "long"})),
        _bulk(
            "/_bulk",
            {"index": {"_index": "ct-bulk", "_id": "1"}},
            {"l": 1},
            {"create": {"_index": "ct-bulk", "_id": "1"}},
            {"l": 1},
            {"delete": {"_index": "ct-bulk", "_id": "zz"}},
            {"update": {"_index": "ct-bulk", "_id": "1"}},
            {"doc": {"l": 7}},
            {"update": {"_index": "ct-bulk", "_id": "nope"}},
            {"doc": {"l": 7}},
            {"index": {"_index": "ct-bulk", "_id": "3"}},
            {"l": "bad"},
            {"index": {"_index": "CT-BAD", "_id": "3"}},
            {"l": 1},
            {"index": {"_index": "ct-bulk"}},
            {"l": 1},
        ),
        _bulk("/ct-bulk/_bulk?refresh=true&filter_path=errors,items.*.status", {"index": {"_id": "4"}}, {"l": 4}),
        _get("/ct-bulk/_count"),
    ),
    _case(
        "bulk that cannot be read",
        "ct-bulkb",
        _with("POST", "/_bulk", '{"index":{"_index":"ct-bulkb"}}\n{"l":1}', NDJSON_TYPE),
        _bulk("/_bulk", {"foo": {"_index": "ct-bulkb"}}, {"l": 1}),
        _bulk("/_bulk", {"index": {}}, {"l": 1}),
        _bulk("/_bulk", {"index": {"_index": "ct-bulkb", "foo": 1}}, {"l": 1}),
        _bulk("/_bulk", {}),
        _with("POST", "/_bulk", " ", NDJSON_TYPE),
        _post("/_bulk"),
    ),
    _case(
        "multi get",
        "ct-mget",
        _put("/ct-mget/_doc/4", {"l": 4, "s": "x"}),
        _post(
            "/_mget",
            {
                "docs": [
                    {"_index": "ct-mget", "_id": "4", "_source": ["l"]},
                    {"_index": "ct-mget", "_id": "nope"},
                    {"_index": "ct-nope", "_id": "4"},
                ]
            },
        ),
        _post("/ct-mget/_mget", {"ids": ["4"]}),
        _post("/_mget", {"docs": []}),
    ),
)

_MORE = (
    _case(
        "copies and normalizers",
        "ct-copy",
        _put(
            "/ct-copy",
            {
                "settings": {"index.analysis.normalizer.low": {"type": "custom", "filter": ["lowercase"]}},
                **_props(
                    k={"type": "keyword", "normalizer": "low", "copy_to": "all"},
                    all={"type": "keyword"},
                    i={"type": "keyword", "ignore_above": 3},
                    v={"type": "keyword", "null_value": "none"},
                ),
            },
        ),
        _put("/ct-copy/_doc/1?refresh=true", {"k": "MiX", "i": "long text", "v": None}),
        _get("/ct-copy/_count", {"query": {"term": {"k": "MIX"}}}),
        _get("/ct-copy/_count", {"query": {"term": {"all": "MiX"}}}),
        _get("/ct-copy/_count", {"query": {"exists": {"field": "i"}}}),
        _get("/ct-copy/_count", {"query": {"term": {"v": "none"}}}),
        _get("/ct-copy/_search", {"_source": False, "fields": ["k", "v", "i"]}),
    ),
    _case(
        "runtime fields",
        "ct-run",
        _put("/ct-run", {"mappings": {"runtime": {"r": {"type": "long"}}, "properties": {"k": {"type": "keyword"}}}}),
        _put("/ct-run/_doc/1?refresh=true", {"r": "7", "k": "a", "o": {"n": 3}}),
        _get("/ct-run/_mapping"),
        _get("/ct-run/_count", {"query": {"range": {"r": {"gte": 7}}}}),
        _get("/ct-run/_search", {"runtime_mappings": {"k": {"type": "date"}}, "query": {"exists": {"field": "k"}}}),
        _get("/ct-run/_search?size=0", {"runtime_mappings": {"x": {"type": "nope"}}}),
        _get("/ct-run/_search?filter_path=hits.hits.fields", {"fields": ["r", "o.n"]}),
    ),
    _case(
        "dates by their formats",
        "ct-date",
        _put("/ct-date", _props(d={"type": "date", "format": "yyyy/MM/dd HH:mm"}, e={"type": "date"})),
        _put("/ct-date/_doc/1?refresh=true", {"d": "2001/01/01 06:55", "e": "2024-02-29T10:00:00.123+02:00"}),
        _put("/ct-date/_doc/2", {"d": "2001/01/01"}),
        _get("/ct-date/_search?filter_path=hits.hits.fields", {"fields": ["d", "e", {"field": "e", "format": "yyyy"}]}),
        _get("/ct-date/_search?filter_path=hits.hits.sort", {"sort": [{"d": "asc"}, {"e": "desc"}]}),
        _get("/ct-date/_count", {"query": {"range": {"d": {"gte": "2001/01/01 06:55"}}}}),
        _get("/ct-date/_count", {"query": {"range": {"e": {"gte": "2024-02-29", "lt": "2024-02-29||+1d"}}}}),
        _get("/ct-date/_count", {"query": {"term": {"e": "2024-02-29"}}}),
    ),
    _case(
        "documents that clash with themselves or their mapping",
        "ct-clash",
        _put("/ct-clash", _props(leaf={"type": "boolean"}, o={"properties": {"p": {"type": "long"}}})),
        _put("/ct-clash/_doc/1", {"leaf.x": 1}, compare="error"),
        _put("/ct-clash/_doc/1", {"o.p.q": 1}, compare="type"),
        _put("/ct-clash/_doc/1", {"o": [1, 2]}),
        _put("/ct-clash/_doc/1", {"n.m": "x", "n.m.o": 1}),
        _put("/ct-clash/_doc/1", {"n.m": None}),
        _get("/ct-clash/_mapping"),
    ),
    _case(
        "mappings that clash with themselves",
        "ct-self",
        _put("/ct-self", _props(**{"o.p": {"type": "long"}, "o": {"type": "long"}}), compare="type"),
        _put("/ct-self", _props(**{"o": {"dynamic": False, "properties": {"a": _IP}}, "o.b": _IP})),
        _get("/ct-self/_mapping"),
        _put("/ct-self/_mapping", _props(x={"type": "ip", "copy_to": "o"})["mappings"]),
        _put("/ct-self/_mapping", _props(**{"o.a": {"type": "alias", "path": "o.b"}})["mappings"]),
    ),
    _case(
        "aliases with filters",
        "ct-filt",
        _put("/ct-filt", {"aliases": {"ct-low": {"filter": {"range": {"n": {"lt": 2}}}}}, **_props(n=_LONG)}),
        _bulk("/ct-filt/_bulk?refresh=true", *({"index": {}} if odd else {"n": 1} for odd in (1, 0)), compare="status"),
        _bulk("/ct-filt/_bulk?refresh=true", {"index": {}}, {"n": 5}, compare="status"),
        _get("/ct-low/_count"),
        _get("/ct-low,ct-filt/_count"),
        _get("/ct-low/_search?size=0"),
        _get("/ct-l*/_count"),
    ),
    _case(
        "several indices of different mappings",
        "ct-mix-1 ct-mix-2",
        _put("/ct-mix-1", _props(n={"type": "long"})),
        _put("/ct-mix-2", _props(n={"type": "keyword"}, m={"type": "long"})),
        _put("/ct-mix-1/_doc/1?refresh=true", {"n": 1}),
        _put("/ct-mix-2/_doc/1?refresh=true", {"n": "1", "m": 2}),
        _get("/ct-mix-*/_mapping"),
        _get("/ct-mix-*/_count", {"query": {"term": {"n": "1"}}}),
        _get("/ct-mix-*/_search", {"sort": [{"m": {"order": "asc", "unmapped_type": "long"}}], "_source": False}),
        _get("/ct-mix-*/_field_caps?fields=n,m"),
    ),
)

_FLEET = (
    _put(
        "/ct-q",
        _props(
            n={"type": "long"},
            f={"type": "double"},
            k={"type": "keyword"},
            t={"type": "text"},
            d={"type": "date"},
            b={"type": "boolean"},
            i={"type": "ip"},
            o={"properties": {"x": {"type": "integer"}}},
        ),
    ),
    _bulk(
        "/ct-q/_bulk?refresh=true",
        {"index": {"_id": "1"}},
        {"n": 1, "f": 0.5, "k": "a", "t": "The quick brown fox", "d": "2024-01-01", "b": True, "i": "10.0.0.1"},
        {"index": {"_id": "2"}},
        {"n": 2, "f": 1.5, "k": "b", "t": "the lazy dog", "d": "2024-02-01T12:00:00Z", "b": False, "i": "10.0.1.1"},
        {"index": {"_id": "3"}},
        {"n": 3, "f": 2.5, "k": ["a", "c"], "t": "quick", "d": "2024-02-15", "o": {"x": 7}},
        {"index": {"_id": "4"}},
        {"n": [4, 40]},
        compare="status",
    ),
)


def _found(name: str, *queries: dict[str, Any]) -> Case:
    """Queries over four documents, each sorted by id's number so that answers are in one order."""
    asked = (
        _get("/ct-q/_search?filter_path=hits.hits._id,hits.total,error,status", {"query": one, "sort": ["n"]})
        for one in queries
    )
    return _case(name, "ct-q", *_FLEET, *asked)


_NO_QUERIES: tuple[dict[str, Any], ...] = (
    {"trm": {"n": 1}},
    {"zzzzz": {"n": 1}},
    {},
    {"range": {"n": {"gtee": 1}}},
    {"term": {"n": 1, "k": "a"}},
    {"bool": {"mst": []}},
    {"bool": {"must": [{"tern": {"n": 1}}]}},
    {"term": {"n": "x"}},
    {"range": {"n": {"gte": "x"}}},
    {"term": {"i": "x"}},
    {"exists": {}},
)

_SEARCHES = (
    _found(
        "term and terms",
        {"term": {"n": 2}},
        {"term": {"n": "2"}},
        {"term": {"n": 2.5}},
        {"term": {"k": {"value": "a"}}},
        {"term": {"k": "A"}},
        {"term": {"k": {"value": "A", "case_insensitive": True}}},
        {"term": {"t": "quick"}},
        {"term": {"t": "Quick"}},
        {"term": {"b": True}},
        {"term": {"b": "false"}},
        {"term": {"d": "2024-01-01"}},
        {"term": {"i": "10.0.0.0/24"}},
        {"term": {"o.x": 7}},
        {"term": {"nope": 7}},
        {"terms": {"k": ["b", "c"]}},
        {"terms": {"n": [1, 40]}},
    ),
    _found(
        "range",
        {"range": {"n": {"gte": 2, "lt": 4}}},
        {"range": {"n": {"gt": 3}}},
        {"range": {"f": {"lte": 1.5}}},
        {"range": {"d": {"gte": "2024-02-01", "lte": "2024-02-15"}}},
        {"range": {"d": {"gt": "2024-02-01"}}},
        {"range": {"d": {"gte": "2024-01-31||+1d/d"}}},
        {"range": {"d": {"lt": "now"}}},
        {"range": {"d": {"gte": "01/02/2024", "format": "dd/MM/yyyy"}}},
        {"range": {"k": {"gte": "b"}}},
        {"range": {"i": {"gte": "10.0.1.0"}}},
    ),
    _found(
        "exists, ids, match, prefix, wildcard",
        {"exists": {"field": "k"}},
        {"exists": {"field": "o"}},
        {"exists": {"field": "nope"}},
        {"ids": {"values": ["1", "4", "x"]}},
        {"match": {"t": "quick dog"}},
        {"match": {"t": {"query": "quick fox", "operator": "and"}}},
        {"match_phrase": {"t": "quick brown"}},
        {"match": {"n": 2}},
        {"prefix": {"k": "a"}},
        {"wildcard": {"k": {"value": "?"}}},
        {"match_none": {}},
        {"match_all": {}},
        {"constant_score": {"filter": {"term": {"n": 1}}}},
        {"query_string": {"query": "k:a"}},
    ),
    _found(
        "bool",
        {"bool": {"must": [{"term": {"k": "a"}}], "must_not": {"term": {"n": 1}}}},
        {"bool": {"filter": [{"exists": {"field": "k"}}], "should": [{"term": {"n": 99}}]}},
        {"bool": {"should": [{"term": {"n": 1}}, {"term": {"n": 2}}]}},
        {"bool": {"should": [{"term": {"n": 1}}, {"term": {"k": "a"}}], "minimum_should_match": 2}},
        {"bool": {}},
    ),
    _case(
        "queries that are none",
        "ct-q",
        *_FLEET,
        *(_get("/ct-q/_search", {"query": one}) for one in _NO_QUERIES),
        _get("/ct-q/_search", {"query": []}, compare="type"),
        _get("/ct-q/_search", {"query": {"term": []}}, compare="type"),
        _get("/ct-q/_search", {"query": {"range": {"d": {"gte": "xx"}}}}, compare="type"),
        _get("/ct-q/_search", {"quer": {}}),
        _get("/ct-q/_search", {"size": -1}),
        _get("/ct-q/_search?from=-1"),
        _get("/ct-q/_search", {"size": 10001}),
        _get("/ct-q/_count", {"size": 1}),
    ),
    _case(
        "sorting and paging",
        "ct-q",
        *_FLEET,
        _get("/ct-q/_search?size=2", {"sort": [{"n": "desc"}]}),
        _get("/ct-q/_search?size=2&from=1&sort=n:asc&_source=n"),
        _get(
            "/ct-q/_search", {"sort": [{"k": {"order": "asc", "missing": "_first"}}, {"n": "desc"}], "_source": False}
        ),
        _get("/ct-q/_search", {"sort": [{"f": "asc"}, "n"], "_source": False}),
        _get("/ct-q/_search", {"sort": [{"d": "desc"}, "n"], "_source": False}),
        _get("/ct-q/_search", {"sort": ["n"], "search_after": [2], "_source": False}),
        _get("/ct-q/_search", {"sort": ["nope"]}),
        _get("/ct-q/_search", {"sort": [{"nope": {"unmapped_type": "long"}}, "n"], "size": 1, "_source": False}),
        _get("/ct-q/_search", {"sort": ["t"]}),
    ),
    _case(
        "what hits show",
        "ct-q",
        *_FLEET,
        _get("/ct-q/_search", {"query": {"term": {"n": 2}}}),
        _get("/ct-q/_search", {"query": {"term": {"n": 3}}, "_source": ["o.*", "n"]}),
        _get("/ct-q/_search", {"query": {"term": {"n": 3}}, "_source": {"includes": ["*"], "excludes": ["k", "t"]}}),
        _get(
            "/ct-q/_search",
            {
                "query": {"ids": {"values": ["2"]}},
                "_source": False,
                "fields": ["n", "d", "b"],
                "version": True,
                "seq_no_primary_term": True,
            },
        ),
        _get("/ct-q/_search", {"query": {"ids": {"values": ["3"]}}, "_source": False, "docvalue_fields": ["k", "d"]}),
        _get("/ct-q/_search", {"size": 0, "track_total_hits": False}),
        _get("/ct-q/_search", {"size": 0, "track_total_hits": 2}),
        _get("/ct-q/_search?size=1&filter_path=hits.total&rest_total_hits_as_int=true&track_total_hits=true"),
        _get("/ct-q/_count", {"query": {"exists": {"field": "k"}}}),
        _get("/ct-q/_count?q=k:a"),
    ),
    _case(
        "aggregations",
        "ct-q",
        *_FLEET,
        _get(
            "/ct-q/_search",
            {
                "size": 0,
                "aggs": {
                    "c": {"cardinality": {"field": "n"}},
                    "k": {"terms": {"field": "k"}, "aggs": {"m": {"max": {"field": "n"}}}},
                    "n": {"terms": {"field": "n", "size": 2}},
                    "b": {"terms": {"field": "b"}},
                    "min": {"min": {"field": "f"}},
                    "avg": {"avg": {"field": "f"}},
                    "sum": {"sum": {"field": "n"}},
                    "v": {"value_count": {"field": "k"}},
                    "s": {"stats": {"field": "f"}},
                    "none": {"max": {"field": "nope"}},
                },
            },
        ),
        _get("/ct-q/_search", {"size": 0, "aggs": {"c": {"cardnality": {"field": "n"}}}}),
        _get("/ct-q/_search", {"size": 0, "aggs": {"c": {"terms": {"field": "t"}}}}),
    ),
    _case(
        "multi search",
        "ct-q",
        *_FLEET,
        _bulk("/_msearch", {"index": "ct-q"}, {"size": 0}, {"index": "ct-nope"}, {"size": 0}),
        _bulk("/ct-q/_msearch", {}, {"query": {"term": {"n": 1}}, "_source": False}),
        _post("/_msearch"),
    ),
)

_CAPABILITIES = (
    _case(
        "field capabilities",
        "ct-fc-1 ct-fc-2",
        _put("/ct-fc-1/_doc/1?refresh=true", {"s": "x", "l": 1, "f": 1.5, "b": True, "d": "2024-01-01", "o": {"a": 1}}),
        _put(
            "/ct-fc-2",
            {
                "mappings": {
                    "properties": {
                        "l": {"type": "keyword"},
                        "al": {"type": "alias", "path": "l"},
                        "f": {"type": "double", "doc_values": False},
                        "n": {"type": "nested", "properties": {"x": {"type": "long"}}},
                        "bin": {"type": "binary"},
                        "ip": {"type": "ip", "index": False},
                        "tx": {"type": "text", "index": False},
                        "tf": {"type": "text", "fielddata": True},
                        "dv": {"type": "dense_vector", "dims": 3},
                        "gp": {"type": "geo_point"},
                        "lr": {"type": "long_range"},
                        "fl": {"type": "flattened"},
                        "df": {"type": "date", "meta": {"unit": "x"}},
                        "kn": {"type": "keyword", "index": False, "doc_values": False},
                    },
                    "runtime": {"r": {"type": "long"}, "rd": {"type": "date"}},
                }
            },
        ),
        _get("/ct-fc-1/_field_caps?fields=*"),
        _get("/ct-fc-2/_field_caps?fields=*&filters=-metadata"),
        _get("/ct-fc-1,ct-fc-2/_field_caps?fields=l,al,f,n*,o.*,r,ip"),
        _get("/ct-fc-*/_field_caps?fields=l,s,zz&include_unmapped=true"),
        _get("/ct-fc-*/_field_caps?fields=*&types=long&filters=-metadata"),
        _post(
            "/ct-fc-1/_field_caps?fields=rr,l", {"runtime_mappings": {"rr": {"type": "keyword"}, "l": {"type": "ip"}}}
        ),
        _post("/ct-fc-*/_field_caps?fields=l", {"index_filter": {"match_none": {}}}),
        _post("/ct-fc-1/_field_caps", {"fields": ["l", "s"]}),
        _get("/ct-fc-1/_field_caps"),
        _get("/ct-nope*/_field_caps?fields=*"),
    ),
    _case(
        "aliases",
        "ct-al-1 ct-al-2",
        _put("/ct-al-1"),
        _put("/ct-al-2"),
        _put("/ct-al-1/_alias/ct-x1"),
        _post(
            "/_aliases",
            {
                "actions": [
                    {"add": {"index": "ct-al-2", "alias": "ct-x1", "is_write_index": True}},
                    {"add": {"indices": ["ct-al-1"], "aliases": ["ct-x2", "ct-x4"], "is_hidden": True}},
                    {"add": {"index": "ct-al-1", "alias": "ct-x5", "filter": {"term": {"a": 1}}, "routing": 7}},
                    {"remove": {"index": "ct-al-1", "alias": "ct-x4"}},
                ]
            },
            compare="status",
        ),
        _get("/_alias/ct-x1"),
        _get("/ct-al-1/_alias/ct-x1,ct-x5"),
        _get("/ct-al-1/_alias/ct-nope"),
        _get("/ct-al-1/_alias/ct-nope,ct-x1"),
        _get("/ct-al-1/_alias/ct-nope*"),
        _head("/_alias/ct-nope"),
        _head("/_alias/ct-x1"),
        _post("/ct-x1/_doc?refresh=true", {"l": 1}),
        _get("/ct-x1/_count"),
        _get("/ct-x1/_doc/1"),
        _put("/ct-x1"),
        _delete("/ct-x1"),
        _post("/_aliases", {"actions": [{"add": {"index": "ct-al-2", "alias": "ct-x1", "is_write_index": False}}]}),
        _post("/ct-x1/_doc", {"l": 1}),
        _delete("/ct-al-1/_alias/ct-x2"),
        _delete("/ct-al-1/_alias/ct-nope"),
    ),
    _case(
        "alias actions that fail",
        "ct-af-1 ct-af-2",
        _put("/ct-af-1"),
        _put("/ct-af-2"),
        _post("/_aliases", {"actions": [{"remove": {"index": "ct-af-1", "alias": "ct-x99"}}]}),
        _post("/_aliases", {"actions": [{"remove": {"index": "ct-nope", "alias": "ct-x99"}}]}),
        _post("/_aliases", {"actions": [{"add": {"index": "ct-af-1", "alias": "ct-af-2"}}]}),
        _post("/_aliases", {"actions": [{"foo": {"index": "ct-af-1", "alias": "x"}}]}),
        _post("/_aliases", {"actions": []}),
        _put("/ct-af-1/_alias/a*b"),
        _put("/ct-nope/_alias/x"),
    ),
)

_REST = (
    _case(
        "routes and methods that do not exist",
        "",
        _post("/ct-nosuch", {}),
        _post("/ct-nosuch/x/y/z", {}),
        _post("/_nosuch?x=1"),
        _delete("/_bulk"),
        _put("/ct-x/_search"),
        _with("OPTIONS", "/ct-x/_mapping", None),
        _get("/ct-x//_mapping"),
        _get("//_cluster/settings"),
        _get("/_cluster/settings///"),
        _get("/%5fcluster/settings", compare="status"),
    ),
    _case(
        "parameters",
        "ct-par",
        _put("/ct-par"),
        _get("/ct-par?foo=1"),
        _get("/ct-par?foo=1&bar=2"),
        _get("/ct-par?ignore_unavailabl=1"),
        _get("/ct-par?prety"),
        _get("/ct-par?ignore_unavailable=maybe"),
        _get("/ct-par?pretty=maybe"),
        _get("/ct-par/_count?q=%zz"),
        _get("/%zz/_count"),
        _get("/ct%2Dpar/_count;"),
        _get("/ct%2Dpar/_count"),
        _get("/ct-par/_count?human;error_trace=false#x=1"),
        _get("/ct-par/_search?size=x", compare="error"),
        _post("/ct-par/_refresh?foo"),
    ),
    _case(
        "forms of answers",
        "ct-form",
        _put("/ct-form", {"aliases": {"ct-fa": {"is_hidden": True}}, **_props(a={"type": "long"}, b={"type": "ip"})}),
        _get("/ct-form/_mapping?pretty"),
        _get("/ct-form/_alias?format=yaml"),
        _get("/ct-form/_alias?format=foo"),
        _get("/ct-form?filter_path=*.mappings.properties.a,*.aliases"),
        _get("/ct-form?filter_path=-**.uuid,-*.settings,-**.b"),
        _get("/ct-form?filter_path=nope"),
        _get("/ct-form/_mapping?filter_path=**.type"),
        _get("/ct-nope?pretty"),
        _get("/ct-nope?filter_path=status"),
        _get("/ct-nope?format=yaml"),
    ),
    _case(
        "content types",
        "ct-media",
        _put("/ct-media"),
        _with("GET", "/_cluster/settings", None, ("accept", _VENDOR_8)),
        _with("GET", "/_cluster/settings", None, ("accept", _VENDOR_8.replace("8", "9"))),
        _with("GET", "/_cluster/settings", None, ("accept", "text/html")),
        _with("GET", "/_cluster/settings", None, ("accept", "application/yaml")),
        _with("GET", "/_cluster/settings", None, ("accept", "foo")),
        _with("POST", "/ct-media/_count", {}, ("content-type", _VENDOR_8)),
        _with("POST", "/ct-media/_count", {}, ("content-type", _VENDOR_8), ("accept", _VENDOR_8)),
        _with("POST", "/ct-media/_count", {}, ("content-type", "application/yaml")),
        _with("POST", "/ct-media/_count", {}, NDJSON_TYPE),
        _with("POST", "/ct-media/_count", {}, ("content-type", "application/json; charset=UTF-8")),
        _with("POST", "/ct-media/_count", {}),
        _with("POST", "/ct-media/_count", {}, ("content-type", "foo")),
        _with("POST", "/ct-media/_count", {}, ("content-type", "text/plain")),
        _with("POST", "/ct-media/_count", {}, ("content-type", "application/x-www-form-urlencoded")),
        _with("POST", "/_bulk", "{}", ("content-type", "application/yaml")),
        _get('/ct-media/_count?source={"query":{"match_all":{}}}&source_content_type=application/json'),
    ),
    _case(
        "the cluster",
        "ct-clu",
        _put("/ct-clu"),
        _get("/_cluster/health/ct-clu"),
        _get("/_cluster/health/ct-clu?level=indices"),
        _get("/_cluster/health/ct-clu?wait_for_status=green&timeout=1ms"),
        _get("/_cluster/settings"),
        _get("/_cluster/settings?flat_settings=true"),
        _get("/_nodes/http?filter_path=_nodes"),
        _get("/_cat/indices/ct-clu?format=json"),
        _get("/_cat/indices/ct-clu?h=index,docs.count,pri,rep"),
        _get("/_cat/indices/ct-clu?h=index,pri&v"),
        _get("/_cat/indices/ct-nope"),
        _get("/_cat/health?format=json", compare="status"),
    ),
)

CONTRACT: tuple[Case, ...] = (*_INDICES, *_MAPPINGS, *_DOCUMENTS, *_MORE, *_SEARCHES, *_CAPABILITIES, *_REST)
