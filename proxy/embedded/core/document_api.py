"""`_doc`, `_create`, `_source`, `_update`, `_mget`: one document at a time."""

from typing import Any
from urllib.parse import quote

from proxy.embedded.core import filtering, writes
from proxy.embedded.core.failure import ElasticError, index_not_found, parse_failure, validation
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import single, writable
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Document, Index, Store
from proxy.embedded.core.writes import Guard, Written

_OCC = (
    "internal versioning can not be used for optimistic concurrency control. Please use `if_seq_no` and "
    "`if_primary_term` instead"
)


def index_document(store: Store, request: Request) -> Reply:
    """`PUT|POST /{index}/_doc[/{id}]`, and `_create`."""
    create = "/_create/" in request.path or request.param("op_type") == "create"
    guard = _guard(request, create=create)
    if not request.has_body():
        raise parse_failure("request body is required")
    id = request.path_values.get("id")
    index = writes.target(store, request.part("index"))
    writes.check_writable(index)
    source = _source_of(request, id or store.document_id())
    written = writes.put(store, index, id, source, request.text(), routing=request.param("routing"), guard=guard)
    return _written(request, written)


def delete_document(store: Store, request: Request) -> Reply:
    """`DELETE /{index}/_doc/{id}`."""
    name = request.part("index")
    index = writable(store, name)
    if index is None:
        raise index_not_found(name)
    guard = _guard(request)
    return _written(request, writes.delete(index, request.part("id"), routing=request.param("routing"), guard=guard))


def update_document(store: Store, request: Request) -> Reply:
    """`POST /{index}/_update/{id}`."""
    body = request.object()
    index = writes.target(store, request.part("index"))
    return _written(request, writes.update(store, index, request.part("id"), body, routing=request.param("routing")))


def get_document(store: Store, request: Request) -> Reply:
    """`GET|HEAD /{index}/_doc/{id}`."""
    index = single(store, request.part("index"))
    writes.check_id(index, request.part("id"), request.param("routing"))
    body = found(index, request.part("id"), _filter_of(request))
    return Reply(status=200 if body["found"] else 404, body=body)


def get_source(store: Store, request: Request) -> Reply:
    """`GET|HEAD /{index}/_source/{id}`."""
    index, id = single(store, request.part("index")), request.part("id")
    document = index.documents.get(id)
    if document is None:
        raise ElasticError(404, "resource_not_found_exception", f"Document not found [{index.name}]/[{id}]")
    return Reply(body=SourceFilter.of(_filter_of(request)).apply(document.source))


def multi_get(store: Store, request: Request) -> Reply:
    """`GET|POST /_mget`, `/{index}/_mget`."""
    body = request.object()
    default = request.part("index")
    wanted = [{"_id": id} for id in body.get("ids", [])] + list(body.get("docs", []))
    if not wanted:
        raise validation("no documents to get")
    faults = [
        f"index is missing for doc {number}" for number, one in enumerate(wanted) if not one.get("_index", default)
    ]
    if faults:
        raise validation(*faults)
    fallback = _filter_of(request)
    return Reply(body={"docs": [_one(store, one, default, fallback) for one in wanted]})


def found(index: Index, id: str, wanted: Json) -> dict[str, Any]:
    """What a get answers of one id; `wanted` is a `_source` filter in any of its spellings."""
    document = index.documents.get(id)
    if document is None:
        return {"_index": index.name, "_id": id, "found": False}
    routing = {} if document.routing is None else {"_routing": document.routing}
    filter = SourceFilter.of(wanted)
    body = {"_index": index.name, "_id": id, **stamp(document), **routing, "found": True}
    return {**body, "_source": filter.apply(document.source)} if filter.shown else body


def stamp(document: Document) -> dict[str, int]:
    """Version, sequence number and primary term of a document."""
    return {"_version": document.version, "_seq_no": document.seq_no, "_primary_term": 1}


class SourceFilter:
    """A `_source` filter in any of its spellings: a flag, a pattern, patterns, includes and excludes."""

    def __init__(
        self, *, shown: bool = True, includes: list[str] | None = None, excludes: list[str] | None = None
    ) -> None:
        self.shown = shown
        self.includes = includes or []
        self.excludes = excludes or []

    @classmethod
    def of(cls, wanted: Json) -> "SourceFilter":
        """Read a filter from a body or from parameters."""
        if isinstance(wanted, bool):
            return cls(shown=wanted)
        if isinstance(wanted, dict):
            return cls(
                includes=_patterns(wanted.get("includes", wanted.get("include"))),
                excludes=_patterns(wanted.get("excludes", wanted.get("exclude"))),
            )
        return cls(includes=_patterns(wanted))

    def apply(self, source: dict[str, Any]) -> dict[str, Any]:
        """The part of a document's source that the filter shows."""
        if not self.includes and not self.excludes:
            return source
        return filtering.source(source, self.includes, self.excludes)


def source_parameters(request: Request) -> Json:
    """The `_source…` parameters of a request as a filter, None where it has none."""
    value = request.param("_source")
    includes, excludes = request.names("_source_includes"), request.names("_source_excludes")
    if value in ("true", "false"):
        return value == "true" and ({"includes": includes, "excludes": excludes} if includes or excludes else True)
    if value:
        includes = [*includes, *value.split(",")]
    return {"includes": includes, "excludes": excludes} if includes or excludes else None


def _patterns(value: Json) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _filter_of(request: Request) -> Json:
    wanted = source_parameters(request)
    return True if wanted is None else wanted


def _one(store: Store, wanted: dict[str, Any], default: str, fallback: Json) -> dict[str, Any]:
    name, id = str(wanted.get("_index", default)), str(wanted.get("_id", ""))
    try:
        return found(single(store, name), id, wanted.get("_source", fallback))
    except ElasticError as fault:
        return {"_index": name, "_id": id, "error": fault.error()}


def _guard(request: Request, *, create: bool = False) -> Guard:
    external = request.param("version_type") in ("external", "external_gt", "external_gte")
    version = request.number("version")
    if version is not None and not external:
        raise validation(_OCC)
    return Guard(
        create=create,
        seq_no=request.number("if_seq_no"),
        primary_term=request.number("if_primary_term"),
        version=version,
    )


def _source_of(request: Request, id: str) -> Json:
    """The document. A JSON fault there is the document's, and so worded."""
    try:
        return request.object()
    except ElasticError as fault:
        if fault.type != "x_content_parse_exception":
            raise
        reason = f"[1:2] failed to parse: {fault.reason}"
        raise ElasticError(400, "document_parsing_exception", reason, cause=fault) from None


def _written(request: Request, written: Written) -> Reply:
    headers: tuple[tuple[str, str], ...] = ()
    if written.status == 201:
        routing = request.param("routing")
        suffix = "" if routing is None else f"?routing={quote(routing, safe='')}"
        location = f"/{quote(written.index.name, safe='')}/_doc/{quote(written.id, safe='')}{suffix}"
        headers = (("Location", location),)
    refreshed = request.param("refresh") in ("", "true")
    return Reply(status=written.status, body=written.body(forced_refresh=refreshed), headers=headers)
