"""Which index names a request's body speaks of, and which action each is asked for."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure

_BULK_ACTIONS = {
    "index": "indices:data/write/index",
    "create": "indices:data/write/index",
    "update": "indices:data/write/update",
    "delete": "indices:data/write/delete",
}


def body_targets(kind: str, body: bytes, default: str | None) -> list[tuple[str, str]]:
    """(action, index name) pairs of a body; `default` is the index in the path. Raises `Failure` 400 where the body
    cannot be read: what is not understood is not let through."""
    readers = {"bulk": _bulk, "msearch": _msearch, "reindex": _reindex, "aliases": _aliases}
    try:
        found = [(action, name) for action, name in readers[kind](body, default) if name]
    except (ValueError, TypeError, AttributeError, KeyError) as fault:
        raise Failure(400, "illegal_argument_exception", f"Malformed body of a [{kind}] request: {fault}") from fault
    return list(dict.fromkeys(found))


def _lines(body: bytes) -> Iterator[Any]:
    return (json.loads(line) if line.strip() else {} for line in body.rstrip(b"\n").split(b"\n"))


def _bulk(body: bytes, default: str | None) -> Iterator[tuple[str, str]]:
    lines = _lines(body)
    for line in lines:
        if line:
            [(operation, meta)] = line.items()
            yield _BULK_ACTIONS[operation], meta.get("_index", default or "")
            if operation != "delete":
                next(lines, None)


def _msearch(body: bytes, default: str | None) -> Iterator[tuple[str, str]]:
    lines = _lines(body)
    for header in lines:
        next(lines, None)
        for name in _names(header.get("index", default or "*")):
            yield "indices:data/read/search", name


def _names(value: Json) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else str(value).split(",")


def _reindex(body: bytes, _default: str | None) -> Iterator[tuple[str, str]]:
    request: Mapping[str, Any] = json.loads(body)
    for name in _names(request["source"]["index"]):
        yield "indices:data/read/search", name
    yield "indices:data/write/index", str(request["dest"]["index"])


def _aliases(body: bytes, _default: str | None) -> Iterator[tuple[str, str]]:
    items = (pair for item in json.loads(body)["actions"] for pair in item.items())
    for operation, asked in items:
        action = "indices:admin/delete" if operation == "remove_index" else "indices:admin/aliases"
        # Whoever moves an alias must be allowed to manage it and what it points to.
        named = [asked[key] for key in ("index", "indices", "alias", "aliases") if key in asked]
        yield from ((action, name) for value in named for name in _names(value))
