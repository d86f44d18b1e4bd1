"""`_search`, `_count`, `_msearch`."""

from dataclasses import replace
from typing import Any

from proxy.embedded.core import alias_filters, json_text, query, search
from proxy.embedded.core.document_api import source_parameters
from proxy.embedded.core.failure import ElasticError, illegal, parse_failure, parsing, validation
from proxy.embedded.core.media import utf8
from proxy.embedded.core.positions import key_start
from proxy.embedded.core.request import Request
from proxy.embedded.core.resolve import SEARCH, options, resolve
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Store

_NUMBERS = ("from", "size")
_FLAGS = ("version", "seq_no_primary_term")


def search_documents(store: Store, request: Request) -> Reply:
    """`GET|POST /_search`, `/{index}/_search`."""
    body = {**request.object(required=False), **_from_parameters(request)}
    wanted = search.parse(body, request.text())
    indices = resolve(store, request.part("index"), options(request, SEARCH))
    wanted = replace(wanted, within=alias_filters.within(indices, request.part("index")))
    answer = search.run(store, indices, wanted)
    if request.flag("rest_total_hits_as_int") and "total" in answer["hits"]:
        answer["hits"]["total"] = answer["hits"]["total"]["value"]
    return Reply(body=answer)


def count_documents(store: Store, request: Request) -> Reply:
    """`GET|POST /_count`, `/{index}/_count`."""
    body = request.object(required=False)
    for key in body:
        if key != "query":
            raise parsing(f"request does not support [{key}]", key_start(request.text(), (key,)))
    if request.param("q"):
        body["query"] = _query_string(request)
    wanted = query.parse(body["query"], request.text()) if "query" in body else query.MATCH_ALL
    indices = resolve(store, request.part("index"), options(request, SEARCH))
    found = search.count(store, indices, wanted, alias_filters.within(indices, request.part("index")))
    return Reply(body={"count": found, "_shards": search.shards(indices)})


def multi_search(store: Store, request: Request) -> Reply:
    """`GET|POST /_msearch`, `/{index}/_msearch`: pairs of header and body lines."""
    if not request.has_body():
        raise parse_failure("request body or source parameter is required")
    text = utf8(request.content())
    if not text.endswith("\n"):
        raise illegal("The msearch request must be terminated by a newline [\\n]")
    lines = text.split("\n")[:-1]
    if len(lines) < 2:
        raise validation("no requests added")
    pairs = zip(lines[::2], lines[1::2], strict=False)
    answers = [_one(store, request, header, body) for header, body in pairs]
    return Reply(body={"took": 0, "responses": answers})


def _one(store: Store, request: Request, header: str, body: str) -> dict[str, Any]:
    asked = json_text.read(header) if header.strip() else {}
    name = asked.get("index", request.part("index"))
    expression = ",".join(name) if isinstance(name, list) else str(name or "")
    shown = {key: str(asked[key]).lower() for key in ("ignore_unavailable", "allow_no_indices") if key in asked}
    if "expand_wildcards" in asked:
        value = asked["expand_wildcards"]
        shown["expand_wildcards"] = ",".join(value) if isinstance(value, list) else str(value)
    try:
        how = options(Request(method="GET", path="/", query=shown), SEARCH)
        wanted = search.parse(json_text.read(body), body)
        indices = resolve(store, expression, how)
        wanted = replace(wanted, within=alias_filters.within(indices, expression))
        return {**search.run(store, indices, wanted), "status": 200}
    except ElasticError as fault:
        return fault.body()


def _from_parameters(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {name: request.number(name) for name in _NUMBERS if request.param(name) is not None}
    found.update((name, request.flag(name)) for name in _FLAGS if request.param(name) is not None)
    if request.param("sort"):
        found["sort"] = request.names("sort")
    if request.param("q"):
        found["query"] = _query_string(request)
    if request.param("track_total_hits") is not None:
        found["track_total_hits"] = request.param("track_total_hits") or True
    if (source := source_parameters(request)) is not None:
        found["_source"] = source
    if request.param("docvalue_fields"):
        found["docvalue_fields"] = request.names("docvalue_fields")
    return found


def _query_string(request: Request) -> dict[str, Any]:
    return {"query_string": {"query": request.param("q")}}
