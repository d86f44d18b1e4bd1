"""Queries on fields: term, terms, range, exists, ids, match, prefix, wildcard and the smallest of query strings."""

import fnmatch
import ipaddress
import operator
import re
from collections.abc import Callable
from collections.abc import Mapping as ReadOnly
from typing import Any

from proxy.embedded.core import date_math, field_types, positions, values
from proxy.embedded.core.analysis import tokens
from proxy.embedded.core.failure import ElasticError, illegal, number_format, parsing
from proxy.embedded.core.field_reader import reader
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.store import Document, Index
from proxy.embedded.core.texts import java

At = tuple[str | int, ...]
Predicate = Callable[[Document], bool]
Bound = Callable[[Index, ReadOnly[str, Any]], Predicate]
Clause = Callable[[dict[str, Any], str, At], Bound]
_TEXT_TYPES = ("text", "match_only_text", "annotated_text", "search_as_you_type")
_BOUNDS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
Limits = list[tuple[Callable[[Any, Any], bool], Any]]
_ORDERS = {"ip": values.address_order}  # types whose values compare by something else than themselves
_RANGE_KEYS = {
    *_BOUNDS,
    "boost",
    "format",
    "time_zone",
    "relation",
    "_name",
    "from",
    "to",
    "include_lower",
    "include_upper",
}


def everything(_: Index) -> Predicate:
    """Matches each document."""
    return lambda _: True


def nothing(_: Index) -> Predicate:
    """Matches no document."""
    return lambda _: False


def term(body: dict[str, Any], text: str, at: At) -> Bound:
    """`term`: equal to one value."""
    name, given = _one_field("term", body, text, at)
    value = given.get("value") if isinstance(given, dict) else given
    folds = isinstance(given, dict) and given.get("case_insensitive") is True
    return lambda index, runtime: _equals(index, runtime, name, [value], folds=folds)


def terms(body: dict[str, Any], text: str, at: At) -> Bound:
    """`terms`: equal to any of several values."""
    body = {key: value for key, value in body.items() if key not in ("boost", "_name")}
    name, given = _one_field("terms", body, text, at)
    if not isinstance(given, list):
        raise parsing("[terms] query does not support [" + name + "]", positions.value_start(text, (*at, name)))
    return lambda index, runtime: _equals(index, runtime, name, given)


def exists(body: dict[str, Any], text: str, at: At) -> Bound:
    """`exists`: the field, or any below the object of that name, holds a value."""
    name = _named("exists", "field", body, text, at)

    def bound(index: Index, runtime: ReadOnly[str, Any]) -> Predicate:
        wanted = [
            *index.mapping.matching(name),
            *(one for one in index.mapping.fields if one.startswith(f"{name}.")),
        ]
        readers = [
            reader(index, one, runtime)[1] for one in dict.fromkeys([*wanted, *([name] if name in runtime else [])])
        ]
        return lambda document: any(read(document) for read in readers)

    return bound


def ids(body: dict[str, Any], text: str, at: At) -> Bound:
    """`ids`: the document's id is one of several."""
    wanted = body.get("values")
    if not isinstance(wanted, list):
        raise illegal("Required one of fields [values], but none were specified. ")
    known = {java(id) for id in wanted}
    return lambda index, runtime: lambda document: document.id in known


def range_(body: dict[str, Any], text: str, at: At) -> Bound:
    """`range`: between bounds, dates with date math."""
    name, given = _one_field("range", body, text, at)
    if not isinstance(given, dict):
        raise parsing("[range] query malformed, no start_object after query name", positions.value_start(text, at))
    for key in given:
        if key not in _RANGE_KEYS:
            position = positions.value_start(text, (*at, name, key))
            raise parsing(f"[range] query does not support [{key}]", position)
    wanted = _normal_bounds(given)

    def bound(index: Index, runtime: ReadOnly[str, Any]) -> Predicate:
        found, read = reader(index, name, runtime)
        if found is None:
            return nothing(index)
        limits: Limits = [(_BOUNDS[key], _bound(found, value, key, given)) for key, value in wanted.items()]
        order = _ORDERS.get(found.type.name)
        if found.type.name in _TEXT_TYPES:
            return lambda document: any(_within(word, limits) for one in read(document) for word in tokens(str(one)))
        if order is not None:
            return lambda document: any(_within(order(one), limits) for one in read(document))
        return lambda document: any(_within(one, limits) for one in read(document))

    return bound


def match(body: dict[str, Any], text: str, at: At) -> Bound:
    """`match`: any word (all, with operator `and`), or the value of a field that is no text."""
    name, given = _one_field("match", body, text, at)
    value = given.get("query") if isinstance(given, dict) else given
    every = isinstance(given, dict) and str(given.get("operator", "or")).lower() == "and"
    return lambda index, runtime: _words(index, runtime, name, value, every=every)


def match_phrase(body: dict[str, Any], text: str, at: At) -> Bound:
    """`match_phrase`: the words in a row."""
    name, given = _one_field("match_phrase", body, text, at)
    value = given.get("query") if isinstance(given, dict) else given
    return lambda index, runtime: _words(index, runtime, name, value, every=True, phrase=True)


def prefix(body: dict[str, Any], text: str, at: At) -> Bound:
    """`prefix`: a keyword that begins so."""
    name, given = _one_field("prefix", body, text, at)
    value = java(given.get("value") if isinstance(given, dict) else given)
    return lambda index, runtime: _text_test(index, runtime, name, lambda found: found.startswith(value))


def wildcard(body: dict[str, Any], text: str, at: At) -> Bound:
    """`wildcard`: a keyword that matches `*` and `?`."""
    name, given = _one_field("wildcard", body, text, at)
    value = java(given.get("value", given.get("wildcard")) if isinstance(given, dict) else given)
    pattern = re.compile(fnmatch.translate(value.replace("[", "[[]")))
    return lambda index, runtime: _text_test(index, runtime, name, lambda found: pattern.match(found) is not None)


def query_string(body: dict[str, Any], text: str, at: At) -> Bound:
    """`query_string`, as far as `*`, `field:value` and plain words go."""
    asked = _named("query_string", "query", body, text, at).strip()
    name, colon, value = asked.partition(":")
    if asked in ("*", "*:*"):
        return lambda index, runtime: everything(index)
    if colon and value == "*":
        return exists({"field": name}, text, at)
    if colon:
        return lambda index, runtime: _words(index, runtime, name, value.strip('"'), every=False)

    def bound(index: Index, runtime: ReadOnly[str, Any]) -> Predicate:
        tests = [_words(index, runtime, one, asked, every=False, lenient=True) for one in index.mapping.fields]
        return lambda document: any(test(document) for test in tests)

    return bound


PARSERS: dict[str, Clause] = {
    "term": term,
    "terms": terms,
    "exists": exists,
    "ids": ids,
    "range": range_,
    "match": match,
    "match_phrase": match_phrase,
    "prefix": prefix,
    "wildcard": wildcard,
    "query_string": query_string,
    "simple_query_string": query_string,
}


def _one_field(query: str, body: dict[str, Any], text: str, at: At) -> tuple[str, Any]:
    if not body:
        raise illegal("fieldName must not be null or empty")
    first, *rest = body
    if rest:
        reason = f"[{query}] query doesn't support multiple fields, found [{first}] and [{rest[0]}]"
        raise parsing(reason, positions.value_start(text, (*at, rest[0])))
    return first, body[first]


def _named(query: str, key: str, body: dict[str, Any], text: str, at: At) -> str:
    for other in body:
        if other not in (
            key,
            "boost",
            "_name",
            "default_field",
            "default_operator",
            "fields",
            "analyze_wildcard",
            "lenient",
            "time_zone",
        ):
            position = positions.value_start(text, (*at, other))
            raise parsing(f"[{query}] query does not support [{other}]", position)
    if not isinstance(body.get(key), str):
        raise parsing(f"[{query}] must be provided with a [{key}]", positions.value_end(text, at))
    return str(body[key])


def _equals(
    index: Index, runtime: ReadOnly[str, Any], name: str, wanted: list[Any], *, folds: bool = False
) -> Predicate:
    found, read = reader(index, name, runtime)
    if found is None:
        return nothing(index)
    if found.type.name == "ip":
        networks = [_network(value) for value in wanted]
        return lambda document: any(value in network for value in read(document) for network in networks)
    if found.type.name in ("date", "date_nanos"):
        spans = [_span(found, value) for value in wanted if value is not None]
        return lambda document: any(low <= value <= high for value in read(document) for low, high in spans)
    if found.type.name in _TEXT_TYPES:
        words = {java(value) for value in wanted}
        return lambda document: any(not words.isdisjoint(tokens(value)) for value in read(document))
    if folds:
        lowered = {java(value).lower() for value in wanted}
        return lambda document: any(str(value).lower() in lowered for value in read(document))
    normal = found.node.get("normalizer") in index.mapping.analysis.lowercasing
    known = {_asked(found, value, folds=normal) for value in wanted if value is not None}
    return lambda document: not known.isdisjoint(read(document))


def _span(found: Field, value: Json) -> tuple[int, int]:
    """The milliseconds that a date of a term stands for: a day without a time is the whole day."""
    format = "epoch_millis" if _is_number(value) else values.date_format(found)
    first, last = (date_math.parse(java(value), format, round_up=up) for up in (False, True))
    return first, last


def _asked(found: Field, value: Json, *, folds: bool) -> Json:
    """A value of a query as the field's documents hold theirs."""
    kind = found.type.name
    if kind in field_types.NUMERIC:
        return _asked_number(kind, value)
    if kind == "boolean":
        return _asked_boolean(value)
    return java(value).lower() if folds else java(value)


def _asked_boolean(value: Json) -> bool:
    text = java(value)
    if text not in ("true", "false", ""):
        raise illegal(f"Can't parse boolean value [{text}], expected [true] or [false]")
    return text == "true"


def _asked_number(kind: str, value: Json) -> int | float | None:
    number = _number(value)
    if kind in field_types.FLOATING:
        return number
    exact = int(value) if isinstance(value, int) or str(value).lstrip("-").isdigit() else number
    return int(exact) if exact == int(exact) else None  # 1.5 equals no whole number


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Json) -> float:
    try:
        if not isinstance(value, bool):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise number_format(java(value))


def _normal_bounds(given: dict[str, Any]) -> dict[str, Any]:
    bounds = {key: given[key] for key in _BOUNDS if given.get(key) is not None}
    if given.get("from") is not None:
        bounds["gte" if given.get("include_lower", True) else "gt"] = given["from"]
    if given.get("to") is not None:
        bounds["lte" if given.get("include_upper", True) else "lt"] = given["to"]
    return bounds


def _bound(found: Field, value: Json, key: str, given: dict[str, Any]) -> Json:
    kind = found.type.name
    if kind in field_types.NUMERIC:
        return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else _number(value)
    if kind in ("date", "date_nanos"):
        numeric = any(_is_number(given.get(name)) for name in (*_BOUNDS, "from", "to"))
        format = str(given.get("format", "epoch_millis" if numeric else values.date_format(found)))
        return date_math.parse(java(value), format, round_up=key in ("gt", "lte"))
    if kind == "boolean":
        return _asked_boolean(value)
    return values.address_order(values.address(value)) if kind == "ip" else java(value)


def _within(value: Json, limits: Limits) -> bool:
    return all(test(value, limit) for test, limit in limits)


def _network(value: Json) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        raise illegal(f"'{java(value)}' is not an IP string literal.") from None


def _words(
    index: Index,
    runtime: ReadOnly[str, Any],
    name: str,
    value: Json,
    *,
    every: bool,
    phrase: bool = False,
    lenient: bool = False,
) -> Predicate:
    found, read = reader(index, name, runtime)
    if found is None:
        return nothing(index)
    if found.type.name not in _TEXT_TYPES:
        try:
            return _equals(index, runtime, name, [value])
        except ElasticError:
            if lenient:
                return nothing(index)
            raise
    wanted = tokens(java(value))
    test = all if every else any

    def predicate(document: Document) -> bool:
        for one in read(document):
            there = tokens(str(one))
            if _in_a_row(wanted, there) if phrase else wanted and test(word in there for word in wanted):
                return True
        return False

    return predicate


def _in_a_row(wanted: list[str], there: list[str]) -> bool:
    return any(there[start : start + len(wanted)] == wanted for start in range(len(there) - len(wanted) + 1))


def _text_test(index: Index, runtime: ReadOnly[str, Any], name: str, test: Callable[[str], bool]) -> Predicate:
    found, read = reader(index, name, runtime)
    if found is None:
        return nothing(index)
    if found.type.name in _TEXT_TYPES:
        return lambda document: any(test(word) for value in read(document) for word in tokens(str(value)))
    return lambda document: any(test(str(value)) for value in read(document))
