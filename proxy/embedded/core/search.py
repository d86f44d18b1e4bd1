"""Searches: which documents match, in which order, and what their hits show."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from proxy.embedded.core import aggregations, mapping_parse, positions, query, sorting
from proxy.embedded.core.document_api import SourceFilter, stamp
from proxy.embedded.core.failure import ElasticError, illegal, parsing
from proxy.embedded.core.hits import fields_of, ignored_values
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.query import MATCH_ALL, Query
from proxy.embedded.core.shards import ShardFault, all_failed
from proxy.embedded.core.sorting import SortKey
from proxy.embedded.core.store import Document, Index, Store

NOWHERE: Mapping[str, Query] = MappingProxyType({})
COUNTED = 10_000  # hits counted exactly unless the request says otherwise
_WINDOW = 10_000
_KNOWN_LISTED = """
query from size sort _source track_total_hits aggs aggregations fields docvalue_fields version
seq_no_primary_term search_after runtime_mappings post_filter min_score timeout terminate_after
track_scores explain profile stats stored_fields highlight collapse suggest rescore script_fields
indices_boost slice pit ext knn rank retriever
"""
_KNOWN = frozenset(_KNOWN_LISTED.split())
_DONE_LISTED = """
query from size sort _source track_total_hits aggs aggregations fields docvalue_fields version
seq_no_primary_term search_after runtime_mappings post_filter timeout track_scores stats ext profile
terminate_after explain min_score indices_boost
"""
_DONE = frozenset(_DONE_LISTED.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A parsed search request."""

    query: Query = MATCH_ALL
    post_filter: Query = MATCH_ALL
    start: int = 0
    size: int = 10
    sort: list[SortKey] = field(default_factory=list)
    after: list[Any] | None = None
    source: SourceFilter = field(default_factory=SourceFilter)
    counted: int | None = COUNTED  # None: no total; otherwise how far it is exact
    aggregations: dict[str, Any] = field(default_factory=dict)
    fields: list[Any] = field(default_factory=list)
    version: bool = False
    seq_no: bool = False
    runtime: dict[str, Any] = field(default_factory=dict)
    within: Mapping[str, Query] = field(default_factory=dict)  # by index: what its documents must match as well


def parse(body: dict[str, Any], text: str) -> Search:
    """Read a search body; `text` is its JSON, for positions. Raises ElasticError 400."""
    for key, value in body.items():
        if key not in _KNOWN:
            raise _unknown_key(key, value, text)
        if key not in _DONE:
            raise illegal(f"[{key}] in a search is not supported by the embedded cluster")
    aggs = body.get("aggs", body.get("aggregations", {}))
    aggregations.check(aggs, text, ("aggs" if "aggs" in body else "aggregations",))
    runtime = body.get("runtime_mappings", {})
    search = Search(
        query=_query(body, "query", text, runtime),
        post_filter=_query(body, "post_filter", text, runtime),
        start=_count(body, "from", 0),
        size=_count(body, "size", 10),
        sort=sorting.parse(body.get("sort")),
        after=body.get("search_after"),
        source=SourceFilter.of(body.get("_source")),
        counted=_counted(body.get("track_total_hits", COUNTED)),
        aggregations=aggs,
        fields=[*body.get("fields", []), *body.get("docvalue_fields", [])],
        version=body.get("version") is True,
        seq_no=body.get("seq_no_primary_term") is True,
        runtime=runtime,
    )
    if search.after is not None and len(search.after) != len(search.sort):
        raise illegal(f"search_after has {len(search.after)} value(s) but sort has {len(search.sort)}.")
    return search


def count(store: Store, indices: list[Index], wanted: Query, within: Mapping[str, Query] = NOWHERE) -> int:
    """How many documents match, as `Search.within` narrows. Raises ElasticError `search_phase_execution_exception`."""
    try:
        return sum(len(_matched(index, wanted, within)) for index in indices)
    except ShardFault as fault:
        raise all_failed(store.node_id, [fault]) from None


def run(store: Store, indices: list[Index], search: Search) -> dict[str, Any]:
    """A whole answer of `_search`. Raises ElasticError `search_phase_execution_exception`."""
    try:
        return _run(indices, search)
    except ShardFault as fault:
        raise all_failed(store.node_id, [fault]) from None


def shards(indices: list[Index]) -> dict[str, int]:
    """The `_shards` section of a search over whole indices."""
    total = sum(index.shards for index in indices)
    return {"total": total, "successful": total, "skipped": 0, "failed": 0}


def _run(indices: list[Index], search: Search) -> dict[str, Any]:
    for index in indices:
        _check_runtime(index, search.runtime)
        _check_window(index, search)
    matched = [(index, document) for index in indices for document in _matched(index, search.query, search.within)]
    kept = [pair for index in indices for pair in _filtered(index, matched, search.post_filter)]
    page = _page(indices, kept, search)
    answer: dict[str, Any] = {"took": 0, "timed_out": False, "_shards": shards(indices)}
    answer["hits"] = {**_total(len(kept), search.counted), **_hits(page, search, bool(kept))}
    if not indices:
        answer["hits"]["max_score"] = 0.0
    if search.aggregations:
        answer["aggregations"] = aggregations.run(search.aggregations, matched, indices, search.runtime)
    return answer


def _matched(index: Index, wanted: Query, within: Mapping[str, Query]) -> list[Document]:
    try:
        test = wanted.bind(index)
        limit = within.get(index.name, MATCH_ALL).bind(index)
        return [document for document in index.documents.values() if test(document) and limit(document)]
    except ElasticError as cause:
        raise ShardFault(index, cause) from None


def _filtered(index: Index, matched: aggregations.Matched, wanted: Query) -> aggregations.Matched:
    own = [pair for pair in matched if pair[0] is index]
    if wanted is MATCH_ALL:
        return own
    test = wanted.bind(index)
    return [pair for pair in own if test(pair[1])]


@dataclass(frozen=True, slots=True)
class _Hit:
    index: Index
    document: Document
    keys: list[Any]


def _page(indices: list[Index], kept: aggregations.Matched, search: Search) -> list[_Hit]:
    """The hits between `from` and `from + size`, sorted."""
    readers = {index.name: sorting.keys(index, search.sort, _places(index, search)) for index in indices}
    hits = [_Hit(index, document, readers[index.name](document)) for index, document in kept]
    if search.sort:
        order = sorting.compare(search.sort)
        hits.sort(key=lambda hit: order(hit.keys))
        if search.after is not None:
            last = order(search.after)
            hits = [hit for hit in hits if order(hit.keys) > last]
    return hits[search.start : search.start + search.size]


def _places(index: Index, search: Search) -> Callable[[Document], int]:
    """What `_doc` sorts by: a document's place in its index."""
    sorted_so = any(level.field == "_doc" for level in search.sort)
    places = {id: place for place, id in enumerate(index.documents)} if sorted_so else {}
    return lambda document: places[document.id]


def _total(found: int, counted: int | None) -> dict[str, Any]:
    if counted is None:
        return {}
    exact = found <= counted
    return {"total": {"value": min(found, counted), "relation": "eq" if exact else "gte"}}


def _hits(page: list[_Hit], search: Search, any_kept: bool) -> dict[str, Any]:
    scored = not search.sort or search.sort[0].field == "_score"
    best = 1.0 if scored and any_kept and search.size > 0 else None
    return {"max_score": best, "hits": [_shown(hit, search, scored=scored) for hit in page]}


def _shown(hit: _Hit, search: Search, *, scored: bool) -> dict[str, Any]:
    document = hit.document
    shown: dict[str, Any] = {"_index": hit.index.name, "_id": document.id}
    stamped = stamp(document)
    if search.version:
        shown["_version"] = stamped["_version"]
    if search.seq_no:
        shown.update(_seq_no=stamped["_seq_no"], _primary_term=stamped["_primary_term"])
    shown["_score"] = 1.0 if scored else None
    if document.ignored:
        shown["_ignored"] = list(document.ignored)
    if document.routing is not None:
        shown["_routing"] = document.routing
    if search.source.shown:
        shown["_source"] = search.source.apply(document.source)
    fields = fields_of(hit.index, document, search.fields, search.runtime)
    ignored = ignored_values(document, search.fields)
    shown.update({name: part for name, part in (("fields", fields), ("ignored_field_values", ignored)) if part})
    if search.sort:
        shown["sort"] = sorting.shown(hit.index, search.sort, hit.keys)
    return shown


def _query(body: dict[str, Any], key: str, text: str, runtime: dict[str, Any]) -> Query:
    return query.parse(body[key], text, (key,), runtime) if key in body else MATCH_ALL


def _check_runtime(index: Index, runtime: dict[str, Any]) -> None:
    """Each index parses the request's runtime fields for itself, and fails by itself."""
    try:
        mapping_parse.parse_runtime(runtime)
    except ElasticError as fault:
        raise ShardFault(index, fault) from None


def _unknown_key(key: str, value: Json, text: str) -> ElasticError:
    kind = "START_OBJECT" if isinstance(value, dict) else "START_ARRAY" if isinstance(value, list) else _scalar(value)
    return parsing(f"Unknown key for a {kind} in [{key}].", positions.value_start(text, (key,)))


def _scalar(value: Json) -> str:
    if value is None or isinstance(value, bool):
        return {None: "VALUE_NULL", True: "VALUE_TRUE", False: "VALUE_FALSE"}[value]
    return "VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER"


def _count(body: dict[str, Any], key: str, default: int) -> int:
    value = body.get(key, default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise illegal(f'For input string: "{value}"') from None
    if number < 0:
        shown = f"but was [{number}]" if key == "from" else f"found [{number}]"
        comma = " " if key == "from" else ", "
        raise illegal(f"[{key}] parameter cannot be negative{comma}{shown}")
    return number


def _counted(value: Json) -> int | None:
    if value in (True, "true"):
        return 2**31
    if value in (False, "false"):
        return None
    return int(value)


def _check_window(index: Index, search: Search) -> None:
    limit = index.setting("index.max_result_window", _WINDOW)
    if search.start + search.size > limit:
        reason = (
            f"Result window is too large, from + size must be less than or equal to: [{limit}] but was "
            f"[{search.start + search.size}]. See the scroll api for a more efficient way to request large data sets. "
            "This limit can be set by changing the [index.max_result_window] index level setting."
        )
        raise ShardFault(index, illegal(reason))
