"""Queries: parsed once, with Elasticsearch's faults, then bound to each index as a predicate over its documents.

There is no relevance: whatever matches scores 1. Text matches by words folded to lower case.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core import positions, query_clauses, spelling
from proxy.embedded.core.failure import ElasticError, illegal, parsing, unsupported, x_content
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.query_clauses import At, Bound, Predicate, everything, nothing
from proxy.embedded.core.store import Index

Builder = Callable[[Index], Predicate]
_OCCURRENCES = ("must", "should", "must_not", "filter")
_BOOL_FIELDS = (*_OCCURRENCES, "mustNot", "adjust_pure_negative", "boost", "minimum_should_match", "_name")
# Registered in every node; what is not parsed here is refused as unsupported instead of misread.
_NAMES_LISTED = """
bool boosting combined_fields constant_score dis_max distance_feature exists field_masking_span
function_score fuzzy geo_bounding_box geo_distance geo_grid geo_polygon geo_shape has_child
has_parent ids intervals knn match match_all match_bool_prefix match_none match_phrase
match_phrase_prefix more_like_this multi_match nested parent_id percolate pinned prefix query_string
range rank_feature regexp rule script script_score semantic shape simple_query_string
span_containing span_first span_multi span_near span_not span_or span_term span_within sparse_vector
term terms terms_set text_expansion wildcard wrapper
"""
NAMES = frozenset(_NAMES_LISTED.split())


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query; `bind` makes it a predicate for one index."""

    build: Builder = field(repr=False)

    def bind(self, index: Index) -> Predicate:
        """A predicate over the index's documents. Raises ElasticError where the index's mapping forbids the query."""
        return self.build(index)


MATCH_ALL = Query(everything)


def parse(source: Json, text: str, at: At = ("query",), runtime: dict[str, Any] | None = None) -> Query:
    """Parse the query that stands at `at` of the request's `text`. Raises ElasticError 400."""
    return Query(_Parser(text, runtime or {}).clause(source, at))


@dataclass(frozen=True, slots=True)
class _Parser:
    text: str
    runtime: dict[str, Any]

    def clause(self, source: Json, at: At) -> Builder:
        """One query: an object with the query's name as its only key."""
        if not isinstance(source, dict):
            line, column = positions.value_start(self.text, at)
            raise parsing("[_na] query malformed, must start with start_object", (line, column))
        if not source:
            line, column = positions.value_end(self.text, at)
            fault = illegal(f"query malformed, empty clause found at [{line}:{column}]")
            fault.position = (line, column)
            raise fault
        name, body = next(iter(source.items()))
        here = (*at, name)
        if name not in NAMES:
            raise self.unknown(name, here)
        if not isinstance(body, dict):
            reason = f"[{name}] query malformed, no start_object after query name"
            raise parsing(reason, positions.value_start(self.text, here))
        built = self.compound(name, body, here)
        if len(source) > 1:
            other = list(source)[1]
            reason = f"[{name}] malformed query, expected [END_OBJECT] but found [FIELD_NAME]"
            raise parsing(reason, positions.key_start(self.text, (*at, other)))
        return built

    def compound(self, name: str, body: dict[str, Any], at: At) -> Builder:
        """Queries that hold others, then those that name a field."""
        if name == "bool":
            return self.bool(body, at)
        if name in ("constant_score", "nested"):
            key = "filter" if name == "constant_score" else "query"
            return self.required(name, key, body, at)
        if name == "match_all":
            return everything
        if name == "match_none":
            return nothing
        parser = query_clauses.PARSERS.get(name)
        if parser is None:
            raise unsupported(f"[{name}] query")
        bound = parser(body, self.text, at)
        return self.field_clause(name, bound)

    def field_clause(self, name: str, bound: Bound) -> Builder:
        """A clause on fields, with the faults of a shard around its own."""
        runtime = self.runtime
        # Ranges parse their dates before the query is created, while they are rewritten.
        bare = "parse_exception" if name == "range" else ""

        def build(index: Index) -> Predicate:
            try:
                return bound(index, runtime)
            except ElasticError as cause:
                raise (cause if cause.type == bare else shard_fault(index, cause)) from None

        return build

    def required(self, name: str, key: str, body: dict[str, Any], at: At) -> Builder:
        if key not in body:
            raise parsing(f"[{name}] requires a '{key}' element", positions.value_end(self.text, at))
        return self.clause(body[key], (*at, key))

    def bool(self, body: dict[str, Any], at: At) -> Builder:
        """`bool`, whose `should` is optional next to `must` or `filter`."""
        for key in body:
            if key not in _BOOL_FIELDS:
                hint = spelling.hint(key, _BOOL_FIELDS)
                reason = f"[bool] unknown field [{key}]{' ' + hint if hint else ''}"
                fault = x_content(positions.key_start(self.text, (*at, key)), reason)
                fault.position = positions.value_start(self.text, (*at, key))
                raise fault
        parts = {name: self.occurrence(name, body.get(name, []), (*at, name)) for name in _OCCURRENCES}
        least = body.get("minimum_should_match")
        needed = int(least) if least is not None else int(not parts["must"] and not parts["filter"])

        def build(index: Index) -> Predicate:
            must = [one(index) for one in (*parts["must"], *parts["filter"])]
            refused = [one(index) for one in parts["must_not"]]
            should = [one(index) for one in parts["should"]]
            enough = min(needed, len(should))
            return lambda document: (
                all(one(document) for one in must)
                and not any(one(document) for one in refused)
                and (not enough or sum(one(document) for one in should) >= enough)
            )

        return build

    def occurrence(self, name: str, source: Json, at: At) -> list[Builder]:
        """The clauses of one occurrence, one or many; `bool` wraps whatever they throw (ObjectParser)."""
        try:
            if isinstance(source, list):
                return [self.clause(one, (*at, number)) for number, one in enumerate(source)]
            return [self.clause(source, at)]
        except ElasticError as cause:
            position = cause.position or positions.value_start(self.text, at)
            raise x_content(position, f"[bool] failed to parse field [{name}]", cause) from None

    def unknown(self, name: str, at: At) -> ElasticError:
        """400 for a query that no node knows, with the nearest that exist."""
        line, column = positions.value_start(self.text, at)
        cause = ElasticError(400, "named_object_not_found_exception", f"[{line}:{column}] unknown field [{name}]")
        hint = spelling.hint(name, NAMES)
        return parsing(f"unknown query [{name}]{' ' + hint if hint else ''}", (line, column), cause)


def shard_fault(index: Index, cause: ElasticError) -> ElasticError:
    """400 `query_shard_exception`: the query does not fit this index."""
    if cause.type == "query_shard_exception":
        return cause
    fields = {"index_uuid": index.uuid, "index": index.name}
    reason = f"failed to create query: {cause.reason}"
    return ElasticError(400, "query_shard_exception", reason, fields=fields, cause=cause)
