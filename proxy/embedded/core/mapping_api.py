"""`_mapping`: read and extend mappings."""

from typing import Any

from proxy.embedded.core import mapping_parse
from proxy.embedded.core.mapping import Field
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import Options, options, resolve
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Index, Store

_ANY_STATE = Options(closed=True)


def get_mapping(store: Store, request: Request) -> Reply:
    """`GET /_mapping`, `/{index}/_mapping`."""
    found = resolve(store, request.part("index"), options(request))
    return Reply(body={index.name: {"mappings": index.mapping.render()} for index in found})


def put_mapping(store: Store, request: Request) -> Reply:
    """`PUT|POST /{index}/_mapping`: all indices are checked before any changes."""
    body = request.object()
    found = resolve(store, request.part("index"), options(request, _ANY_STATE))
    parsed = [mapping_parse.parse(body, index.mapping.analysis) for index in found]
    merged = [index.mapping.merged(new, index.settings) for index, new in zip(found, parsed, strict=True)]
    for index, mapping in zip(found, merged, strict=True):
        index.mapping = mapping
    return Reply(body={"acknowledged": True})


def get_field_mapping(store: Store, request: Request) -> Reply:
    """`GET /_mapping/field/{fields}`, `/{index}/_mapping/field/{fields}`."""
    patterns = [part for part in request.part("fields").split(",") if part]
    found = resolve(store, request.part("index"), options(request))
    return Reply(body={index.name: {"mappings": _fields(index, patterns)} for index in found})


def _fields(index: Index, patterns: list[str]) -> dict[str, Any]:
    names = dict.fromkeys(name for pattern in patterns for name in index.mapping.matching(pattern))
    fields = {name: index.mapping.fields[name] for name in names if name in index.mapping.fields}
    return {name: _field(one) for name, one in fields.items() if not one.runtime}


def _field(one: Field) -> dict[str, Any]:
    return {"full_name": one.name, "mapping": {one.name.rpartition(".")[2]: one.node}}
