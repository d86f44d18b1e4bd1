"""`_bulk`: action lines and documents, each answered by itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core import json_text, writes
from proxy.embedded.core.failure import ElasticError, illegal, parse_failure, validation
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.media import utf8
from proxy.embedded.core.request import Request
from proxy.embedded.core.routing import Reply
from proxy.embedded.core.store import Index, Store
from proxy.embedded.core.writes import Guard, Written

_ACTIONS = ("create", "delete", "index", "update")
_KNOWN = frozenset(
    {
        "_index",
        "_id",
        "routing",
        "version",
        "version_type",
        "op_type",
        "retry_on_conflict",
        "pipeline",
        "_source",
        "if_seq_no",
        "if_primary_term",
        "require_alias",
        "require_data_stream",
        "list_executed_pipelines",
        "dynamic_templates",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One action of a bulk request; `text` is its document's line, empty for a deletion."""

    action: str
    index: str
    id: str | None
    routing: str | None = None
    guard: Guard = field(default_factory=Guard)
    text: str = ""


def bulk(store: Store, request: Request) -> Reply:
    """`POST|PUT /_bulk`, `/{index}/_bulk`."""
    if not request.has_body():
        raise parse_failure("request body is required")
    if request.media is not None and request.media.format == "yaml":
        return Reply(
            status=406,
            body={
                "error": "Content-Type [YAML] does not support stream parsing. Use JSON or SMILE instead",
                "status": 406,
            },
        )
    items = list(parse(utf8(request.content()), request.part("index")))
    faults = ["index is missing"] * sum(not item.index for item in items)
    faults += ["id is missing"] * sum(item.id is None and item.action in ("delete", "update") for item in items)
    if not items:
        faults = ["no requests added"]
    if faults:
        raise validation(*faults)
    answers = [_run(store, item) for item in items]
    errors = any("error" in answer for one in answers for answer in one.values())
    return Reply(body={"errors": errors, "took": 0, "items": answers})


def parse(text: str, default: str) -> Iterator[Item]:
    """The actions of a bulk body. Raises ElasticError 400 for one that cannot be read at all."""
    if not text.endswith("\n"):
        raise illegal("The bulk request must be terminated by a newline [\\n]")
    lines = iter(enumerate(text.split("\n")[:-1], 1))
    for number, line in lines:
        if not line.strip():
            continue
        action, values = _action(json_text.read(line), number)
        document = ""
        if action != "delete":
            document = next(lines, (0, ""))[1]
        yield Item(
            action=action,
            index=str(values.get("_index", default)),
            id=None if values.get("_id") is None else str(values["_id"]),
            routing=None if values.get("routing") is None else str(values["routing"]),
            guard=_guard(action, values),
            text=document,
        )


def _action(line: Json, number: int) -> tuple[str, dict[str, Any]]:
    prefix = f"Malformed action/metadata line [{number}]"
    if not isinstance(line, dict):
        raise illegal(f"{prefix}, expected START_OBJECT but found [{json_text.compact(line)}]")
    if not line:
        raise illegal(f"{prefix}, expected FIELD_NAME but found [END_OBJECT]")
    action, values = next(iter(line.items()))
    if action not in _ACTIONS:
        raise illegal(f"{prefix}, expected field [create], [delete], [index] or [update] but found [{action}]")
    if len(line) > 1:
        raise illegal(f"{prefix}, expected END_OBJECT but found [FIELD_NAME]")
    if not isinstance(values, dict):
        raise illegal(f"{prefix}, expected START_OBJECT or END_OBJECT but found [VALUE_STRING]")
    for key in values:
        if key not in _KNOWN:
            raise illegal(f"Action/metadata line [{number}] contains an unknown parameter [{key}]")
    return action, values


def _guard(action: str, values: dict[str, Any]) -> Guard:
    external = str(values.get("version_type", "internal")).startswith("external")
    return Guard(
        create=action == "create" or values.get("op_type") == "create",
        seq_no=values.get("if_seq_no"),
        primary_term=values.get("if_primary_term"),
        version=values.get("version") if external else None,
    )


def _run(store: Store, item: Item) -> dict[str, Any]:
    name = item.index
    try:
        index = writes.target(store, item.index)
        name = index.name
        written = _write(store, index, item)
    except ElasticError as fault:
        answer = {"_index": name, "_id": item.id, "status": fault.status, "error": fault.detail()}
        return {item.action: answer}
    return {item.action: {**written.body(), "status": written.status}}


def _write(store: Store, index: Index, item: Item) -> Written:
    if item.action == "delete":
        return writes.delete(index, item.id or "", routing=item.routing, guard=item.guard)
    writes.check_writable(index)
    source = _document(item)
    if item.action == "update":
        return writes.update(store, index, item.id or "", source, routing=item.routing)
    return writes.put(store, index, item.id, source, item.text, routing=item.routing, guard=item.guard)


def _document(item: Item) -> Json:
    try:
        return json_text.read(item.text)
    except ElasticError as fault:
        reason = f"[1:2] failed to parse: {fault.reason}"
        raise ElasticError(400, "document_parsing_exception", reason, cause=fault) from None
