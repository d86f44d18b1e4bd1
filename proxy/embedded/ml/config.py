"""From the body of a PUT or `_update` to a job's configuration (`DataFrameAnalyticsConfig`, `…Source`, `…Dest`)."""

import re
from collections.abc import Mapping
from typing import Any

from proxy.destination import is_field_excluded
from proxy.embedded.core.failure import ElasticError
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.names import check_index_name
from proxy.embedded.failure import Failure, bad_request, status_error
from proxy.embedded.ml.analysis import parse_analysis
from proxy.embedded.request import Request
from proxy.embedded.shapes import FLAG, OBJECT, TEXT, TEXTS, WHOLE, shaped, texts
from proxy.model import SourceFilter

_ID = re.compile(r"[a-z0-9](?:[a-z0-9_\-.]*[a-z0-9])?")
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*(b|kb?|mb?|gb?|tb?|pb?)", re.IGNORECASE)
_UNITS = "bkmgtp"
_FIELDS = (
    "id",
    "description",
    "source",
    "dest",
    "analysis",
    "analyzed_fields",
    "model_memory_limit",
    "allow_lazy_start",
    "max_num_threads",
    "_meta",
)
_SHAPES = {
    "id": TEXT,
    "description": TEXT,
    "source": OBJECT,
    "dest": OBJECT,
    "model_memory_limit": TEXT,
    "allow_lazy_start": FLAG,
    "max_num_threads": WHOLE,
    "_meta": OBJECT,
}
_UPDATABLE = ("id", "description", "model_memory_limit", "allow_lazy_start", "max_num_threads", "_meta")
_FETCHED = ("includes", "include", "excludes", "exclude")
_INVALID_ID = (
    "Invalid id; '{}' can contain lowercase alphanumeric (a-z and 0-9), hyphens or underscores;"
    " must start and end with alphanumeric"
)


def invalid(*messages: str) -> Failure:
    """400 `action_request_validation_exception`, messages numbered."""
    numbered = "".join(f"{number}: {message};" for number, message in enumerate(messages, 1))
    return Failure(400, "action_request_validation_exception", f"Validation Failed: {numbered}")


def byte_size(text: str, name: str) -> int:
    """A size such as `1gb` in bytes. Raises `Failure` 400."""
    found = _BYTES.fullmatch(text.strip())
    if found is None:
        reason = (
            f"failed to parse setting [{name}] with value [{text}] as a size in bytes: unit is missing or unrecognized"
        )
        raise Failure(400, "parse_exception", reason)
    return int(float(found[1]) * 1024 ** _UNITS.index(found[2][0].lower()))


def consistent_id(body: Mapping[str, Any] | None, id_: str) -> None:
    """Raise `Failure` 400 where the body names another id than the path."""
    named = (body or {}).get("id")
    if named is not None and named != id_:
        raise bad_request(
            f"Inconsistent id; '{named}' specified in the body differs from '{id_}' specified as a URL argument"
        )


def parse_config(request: Request, body: Mapping[str, Any], id_: str, memory_cap: str | None) -> dict[str, Any]:
    """The configuration as it is shown, from `id` on, without what is added when it is stored. `memory_cap` is the
    cluster's `xpack.ml.max_model_memory_limit`. Raises `Failure` 400 with Elasticsearch's texts."""
    request.refuse_unknown(body, _FIELDS, "data_frame_analytics_config")
    body = shaped(body, _SHAPES)
    consistent_id(body, id_)
    config: dict[str, Any] = {"id": id_}
    if "description" in body:
        config["description"] = body["description"]
    config["source"] = _source(request, body.get("source"))
    config["dest"] = _dest(request, body.get("dest"))
    config["analysis"] = parse_analysis(request, body.get("analysis"))
    if "analyzed_fields" in body:
        config["analyzed_fields"] = _fetch(request, body["analyzed_fields"])
    config |= _limits(body, memory_cap)
    _check_id(id_)
    _check_destination(config["dest"]["index"])
    _check_analyzed(config)
    return config


def parse_update(request: Request, body: Mapping[str, Any], id_: str, memory_cap: str | None) -> dict[str, Any]:
    """What an `_update` changes. Raises `Failure` 400."""
    request.refuse_unknown(body, _UPDATABLE, "data_frame_analytics_config_update")
    body = shaped(body, _SHAPES)
    consistent_id(body, id_)
    limits = _limits(body, memory_cap)
    return {key: limits.get(key, body[key]) for key in _UPDATABLE[1:] if key in body}


def source_filter(config: Mapping[str, Any]) -> SourceFilter:
    """`source._source` of a configuration."""
    return _filter(config["source"].get("_source"))


def _filter(fetched: Json) -> SourceFilter:
    found = fetched or {}
    return SourceFilter(includes=tuple(found.get("includes", ())), excludes=tuple(found.get("excludes", ())))


def _source(request: Request, value: Json) -> dict[str, Any]:
    if value is None:
        raise bad_request("[source] must not be null.")
    request.refuse_unknown(value, ("index", "query", "_source", "runtime_mappings"), "data_frame_analytics_source")
    value = shaped(value, {"query": OBJECT, "runtime_mappings": OBJECT})
    if "index" not in value:
        raise bad_request("Required [index]")
    named = value["index"]
    indices = named if isinstance(named, list) else [named]
    if not indices:
        raise status_error("source.index must specify at least one index")
    if any(not isinstance(name, str) or not name for name in indices):
        raise status_error("source.index must contain non-null and non-empty strings")
    source: dict[str, Any] = {"index": indices, "query": value.get("query") or {"match_all": {}}}
    if value.get("_source") is not None:
        source["_source"] = _fetch(request, value["_source"])
    if value.get("runtime_mappings"):
        source["runtime_mappings"] = value["runtime_mappings"]
    return source


def _fetch(request: Request, value: Json) -> dict[str, Any]:
    """Includes and excludes, in any of the forms that a source filter has (`FetchSourceContext`)."""
    if value is False:
        raise bad_request("source._source cannot be disabled")
    if isinstance(value, str | list):
        value = {"includes": value}
    if not isinstance(value, Mapping):
        return {"includes": [], "excludes": []}
    request.refuse_unknown(value, _FETCHED, "_source")
    value = shaped(value, dict.fromkeys(_FETCHED, TEXTS))
    return {
        "includes": texts(value.get("includes", value.get("include"))),
        "excludes": texts(value.get("excludes", value.get("exclude"))),
    }


def _dest(request: Request, value: Json) -> dict[str, Any]:
    if value is None:
        raise bad_request("[dest] must not be null.")
    request.refuse_unknown(value, ("index", "results_field"), "data_frame_analytics_dest")
    value = shaped(value, {"index": TEXT, "results_field": TEXT})
    if "index" not in value:
        raise bad_request("Required [index]")
    if not value["index"]:
        raise status_error("[index] must be non-empty")
    return {"index": value["index"], "results_field": value.get("results_field") or "ml"}


def _limits(body: Mapping[str, Any], memory_cap: str | None) -> dict[str, Any]:
    threads = body.get("max_num_threads", 1)
    if threads < 1:
        raise status_error("[max_num_threads] must be a positive integer")
    return {
        "model_memory_limit": _memory(body.get("model_memory_limit"), memory_cap),
        "allow_lazy_start": body.get("allow_lazy_start", False),
        "max_num_threads": threads,
        **({"_meta": body["_meta"]} if "_meta" in body else {}),
    }


def _memory(asked: str | None, cap: str | None) -> str:
    limit = asked or "1gb"
    size = byte_size(limit, "model_memory_limit")
    if size < 1024:
        raise bad_request(f"[model_memory_limit] must be at least [1kb]; was [{limit}]")
    if cap is None or size <= byte_size(cap, "xpack.ml.max_model_memory_limit"):
        return limit
    if asked is None:
        return cap
    raise status_error(
        f"model_memory_limit [{limit}] must be less than the value of the"
        f" xpack.ml.max_model_memory_limit setting [{cap}]"
    )


def _check_id(id_: str) -> None:
    if _ID.fullmatch(id_) is None:
        raise invalid(_INVALID_ID.format(id_))
    if len(id_) > 64:
        raise invalid(f"Invalid id; '{id_}' cannot contain more than 64 characters.")


def _check_destination(name: str) -> None:
    if name != name.lower():
        raise invalid(f"Destination index [{name}] must be lowercase")
    try:
        check_index_name(name)
    except ElasticError as fault:
        raise invalid(fault.reason) from fault


def _check_analyzed(config: Mapping[str, Any]) -> None:
    for field in config.get("analyzed_fields", {}).get("includes", ()):
        if is_field_excluded(source_filter(config), field):
            raise status_error(f"field [{field}] is included in [analyzed_fields] but not in [source._source]")
