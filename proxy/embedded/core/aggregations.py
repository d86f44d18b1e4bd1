"""Aggregations: terms, and the metrics that one number tells."""

from collections.abc import Callable, Iterable
from typing import Any

from proxy.embedded.core import dates, field_types, positions, spelling, values
from proxy.embedded.core.failure import ElasticError, illegal, parsing, unsupported
from proxy.embedded.core.field_reader import reader
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.shards import ShardFault, no_fielddata
from proxy.embedded.core.store import Document, Index
from proxy.embedded.core.texts import java

Matched = list[tuple[Index, Document]]
_NAMES_LISTED = """
adjacency_matrix auto_date_histogram avg avg_bucket boxplot bucket_count_ks_test bucket_correlation
bucket_script bucket_selector bucket_sort cardinality categorize_text children composite
cumulative_cardinality cumulative_sum date_histogram date_range derivative diversified_sampler
extended_stats extended_stats_bucket filter filters frequent_item_sets geo_bounds geo_centroid
geo_distance geohash_grid geohex_grid geotile_grid global histogram inference ip_prefix ip_range
matrix_stats max max_bucket median_absolute_deviation min min_bucket missing moving_fn
moving_percentiles multi_terms nested normalize parent percentile_ranks percentiles
percentiles_bucket random_sampler range rare_terms rate reverse_nested sampler scripted_metric
serial_diff significant_terms significant_text stats stats_bucket string_stats sum sum_bucket t_test
terms time_series top_hits top_metrics value_count variable_width_histogram weighted_avg
"""
_NAMES = frozenset(_NAMES_LISTED.split())
_SIZE = 10
_NUMERIC_METRICS = ("min", "max", "avg", "sum", "stats")
_NUMBERS_LIKE = (*field_types.NUMERIC, "date", "date_nanos", "boolean")


def check(source: Json, text: str, at: tuple[str | int, ...]) -> None:
    """Raise ElasticError 400 for aggregations that do not exist or that are not done here."""
    for name, body in (source or {}).items():
        kinds = [key for key in body if key not in ("aggs", "aggregations", "meta")]
        if not kinds:
            raise parsing(f"Missing definition for aggregation [{name}]", positions.value_end(text, (*at, name)))
        for kind in kinds:
            if kind not in _NAMES:
                raise _unknown(kind, positions.value_start(text, (*at, name, kind)))
            if kind not in _METRICS and kind != "terms":
                raise unsupported(f"[{kind}] aggregation")
        check(_inner(body), text, (*at, name, "aggs"))


def run(source: dict[str, Any], matched: Matched, indices: list[Index], runtime: dict[str, Any]) -> dict[str, Any]:
    """Every aggregation over the matches. Raises ShardFault where an index cannot aggregate a field."""
    found: dict[str, Any] = {}
    for name, body in source.items():
        kind = next(key for key in body if key not in ("aggs", "aggregations", "meta"))
        field = str(body[kind].get("field"))
        read = _reader(field, indices, runtime)
        if kind == "terms":
            found[name] = _terms(body, read, matched, indices, runtime, _field(field, indices))
        else:
            _check_numeric(kind, field, indices)
            one = _field(field, indices)
            # Keywords and addresses are kept as sets of a document's values (SortedSetDocValues), numbers as lists.
            distinct = one is not None and one.type.family not in _NUMBERS_LIKE
            every = [
                value
                for index, document in matched
                for value in (set(read[index.name](document)) if distinct else read[index.name](document))
            ]
            found[name] = _with_texts(_METRICS[kind](every), kind, one)
        if "meta" in body:
            found[name] = {"meta": body["meta"], **found[name]}
    return found


def _unknown(kind: str, position: tuple[int, int]) -> ElasticError:
    line, column = position
    cause = ElasticError(400, "named_object_not_found_exception", f"[{line}:{column}] unknown field [{kind}]")
    hint = spelling.hint(kind, _NAMES)
    return parsing(f"Unknown aggregation type [{kind}]{' ' + hint if hint else ''}", position, cause)


def _inner(body: dict[str, Any]) -> dict[str, Any]:
    return body.get("aggs") or body.get("aggregations") or {}


Readers = dict[str, Callable[[Document], list[Any]]]


def _reader(name: str, indices: list[Index], runtime: dict[str, Any]) -> Readers:
    readers: Readers = {}
    for index in indices:
        found, read = reader(index, name, runtime)
        if found is not None and found.type.family == "text" and not found.node.get("fielddata"):
            raise ShardFault(index, no_fielddata(index, found.name))
        if found is not None and not found.type.aggregatable:
            reason = f"Field [{name}] of type [{found.type.name}] is not supported for aggregation"
            raise ShardFault(index, illegal(reason))
        readers[index.name] = read
    return readers


def _field(name: str, indices: list[Index]) -> Field | None:
    return next((found for index in indices if (found := index.mapping.field(name)) is not None), None)


def _check_numeric(kind: str, name: str, indices: list[Index]) -> None:
    """Raise ShardFault for a metric that needs numbers over a field that has none."""
    for index in indices if kind in _NUMERIC_METRICS else ():
        found = index.mapping.field(name)
        if found is not None and found.type.family not in _NUMBERS_LIKE:
            reason = f"Field [{name}] of type [{found.type.name}] is not supported for aggregation [{kind}]"
            raise ShardFault(index, illegal(reason))


def _with_texts(metric: dict[str, Any], kind: str, field: Field | None) -> dict[str, Any]:
    """A metric over dates or booleans, with each of its numbers also as the field would show it."""
    if (
        field is None
        or kind not in _NUMERIC_METRICS
        or metric.get("count") == 0
        or field.type.name not in ("date", "date_nanos", "boolean")
    ):
        return metric
    texts = {
        f"{key}_as_string": _as_text(number, field, single=kind != "stats")
        for key, number in metric.items()
        if key != "count" and number is not None
    }
    return {**metric, **texts}


def _as_text(number: float, field: Field, *, single: bool) -> Json:
    if field.type.name != "boolean":
        return dates.render(int(number), values.date_format(field))
    return java(bool(number)) if single else bool(number)  # `stats` leaves it a boolean, whatever its key says


def _terms(
    body: dict[str, Any],
    read: Readers,
    matched: Matched,
    indices: list[Index],
    runtime: dict[str, Any],
    field: Field | None,
) -> dict[str, Any]:
    """The largest buckets first, ties by key; the rest counted."""
    grouped: dict[Any, Matched] = {}
    for index, document in matched:
        for value in set(read[index.name](document)):
            grouped.setdefault(value, []).append((index, document))
    options = body["terms"]
    least = int(options.get("min_doc_count", 1))
    ordered = [pair for pair in _ordered(grouped, options.get("order")) if len(pair[1]) >= least]
    size = int(options.get("size", _SIZE))
    buckets = []
    for key, inner in ordered[:size]:
        bucket = {**_key(key, field), "doc_count": len(inner)}
        buckets.append({**bucket, **run(_inner(body), inner, indices, runtime)})
    rest = sum(len(inner) for _, inner in ordered[size:])
    return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": rest, "buckets": buckets}


def _ordered(grouped: dict[Any, Matched], order: Json) -> list[tuple[Any, Matched]]:
    by_key = sorted(grouped.items(), key=lambda pair: _comparable(pair[0]))
    first = order[0] if isinstance(order, list) and order else order
    if isinstance(first, dict) and "_key" in first:
        return by_key[::-1] if first["_key"] == "desc" else by_key
    ascending = isinstance(first, dict) and first.get("_count") == "asc"
    return sorted(by_key, key=lambda pair: len(pair[1]) if ascending else -len(pair[1]))


def _comparable(value: Json) -> Json:
    return value if isinstance(value, (int, float, str)) else values.address_order(value)


def _key(value: Json, field: Field | None) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"key": int(value), "key_as_string": "true" if value else "false"}
    if field is not None and field.type.name in ("date", "date_nanos"):
        return {"key": value, "key_as_string": dates.render(value, values.date_format(field))}
    return {"key": value if isinstance(value, (int, float, str)) else str(value)}


def _numbers(found: Iterable[Any]) -> list[float]:
    return [float(value) for value in found if isinstance(value, (int, float))]


def _single(reduce: Callable[[list[float]], float]) -> Callable[[list[Any]], dict[str, Any]]:
    def metric(found: list[Any]) -> dict[str, Any]:
        numbers = _numbers(found)
        return {"value": reduce(numbers) if numbers else None}

    return metric


def _stats(found: list[Any]) -> dict[str, Any]:
    numbers = _numbers(found)
    if not numbers:
        return {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}
    total = sum(numbers)
    return {"count": len(numbers), "min": min(numbers), "max": max(numbers), "avg": total / len(numbers), "sum": total}


_METRICS: dict[str, Callable[[list[Any]], dict[str, Any]]] = {
    "min": _single(min),
    "max": _single(max),
    "avg": _single(lambda numbers: sum(numbers) / len(numbers)),
    "sum": lambda found: {"value": sum(_numbers(found))},
    "value_count": lambda found: {"value": len(found)},
    "cardinality": lambda found: {"value": len(set(found))},
    "stats": _stats,
}
