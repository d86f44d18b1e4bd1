"""`_field_caps`."""

from proxy.embedded.core import field_caps, mapping_parse, query, search
from proxy.embedded.core.failure import ElasticError, illegal, unparsable, validation
from proxy.embedded.core.field_caps import Capability
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.query import Query
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import SEARCH, options, resolve
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Store

_FILTERS = ("-metadata", "+metadata", "-nested", "-multifield", "-parent")
_KNOWN = ("fields", "index_filter", "runtime_mappings")


def capabilities(store: Store, request: Request) -> Reply:
    """`GET|POST /_field_caps`, `/{index}/_field_caps`."""
    body = request.object(required=False)
    for key in body:
        if key not in _KNOWN:
            raise ElasticError(400, "x_content_parse_exception", f"[1:2] [field_caps_request] unknown field [{key}]")
    fields = request.names("fields") or _listed(body.get("fields"))
    if not fields:
        raise validation("no fields specified")
    runtime = body.get("runtime_mappings", {})
    try:
        mapping_parse.parse_runtime(runtime)
    except ElasticError as fault:
        raise unparsable(fault) from None
    indices = resolve(store, request.part("index"), options(request, SEARCH))
    if "index_filter" in body:
        wanted = query.parse(body["index_filter"], request.text(), ("index_filter",), runtime)
        indices = [index for index in indices if _may_match(store, index, wanted)]
    indices.sort(key=lambda index: index.name)
    by_index = {index.name: _filtered(request, field_caps.of_index(index, fields, runtime)) for index in indices}
    shown = field_caps.merged(by_index, unmapped=request.flag("include_unmapped"))
    return Reply(body={"indices": list(by_index), "fields": shown})


def _may_match(store: Store, index: Json, wanted: Query) -> bool:
    return search.count(store, [index], wanted) > 0


def _filtered(request: Request, found: dict[str, Capability]) -> dict[str, Capability]:
    filters, types = request.names("filters"), request.names("types")
    for one in filters:
        if one not in _FILTERS:
            raise illegal(f"Unknown field caps filter [{one}]")
    kept = {name: one for name, one in found.items() if _kept(one, filters, types)}
    return {
        name: one
        for name, one in kept.items()
        if not one.parent or not types or any(other.startswith(f"{name}.") for other in kept)
    }


def _kept(one: Capability, filters: list[str], types: list[str]) -> bool:
    if one.metadata and "-metadata" in filters:
        return False
    if not one.metadata and "+metadata" in filters:
        return False
    if one.parent and ("-parent" in filters or (one.type == "nested" and "-nested" in filters)):
        return False
    return one.parent or not types or one.type in types


def _listed(value: Json) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else [str(one) for one in value]
