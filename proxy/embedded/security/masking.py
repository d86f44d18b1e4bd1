"""Field-level security on answers: mappings, field capabilities and documents show only granted fields.

Document-level security (`query` of a grant) is not done here: an embedded cluster shows all documents of an index.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from proxy.embedded.backend import Answer
from proxy.embedded.core.json_text import Json
from proxy.embedded.failure import Failure
from proxy.embedded.security.identity import Subject
from proxy.embedded.security.store import Security
from proxy.privileges import FieldSecurity, field_view
from proxy.privileges.fields import visible_fields

_MAPPINGS = frozenset({"indices:admin/get", "indices:admin/mappings/get"})
_CAPS = "indices:data/read/field_caps"
_DOCUMENTS = frozenset({"indices:data/read/search", "indices:data/read/get"})

Views = Sequence[Sequence[FieldSecurity]]


def masked(security: Security, subject: Subject, action: str, via: Sequence[str], answered: Answer) -> Answer:
    """The answer with what the subject may not see taken out, untouched where it may see all. `via` are the names
    that the request used. Raises `Failure` 500 for an answer that cannot be read: what is not understood is not
    shown."""
    if answered.status != 200 or not answered.body or not _restricted(security, subject):
        return answered

    def views(index: str) -> Views:
        found = (field_view(roles, index, via=via, action=action) for roles in security.permissions(subject))
        return [view for view in found if view is not None]

    try:
        value = json.loads(answered.body)
    except ValueError as fault:
        raise Failure(500, "exception", "field-level security is only applied to JSON here") from fault
    if action in _MAPPINGS:
        value = {name: _mapping(found, views(name)) for name, found in value.items()}
    elif action == _CAPS:
        value = _caps(value, views)
    elif action in _DOCUMENTS:
        value = _documents(value, views)
    headers = tuple(pair for pair in answered.headers if pair[0].lower() != "content-length")
    return replace(
        answered, headers=headers, body=json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    )


def _restricted(security: Security, subject: Subject) -> bool:
    grants = (grant for roles in security.permissions(subject) for role in roles for grant in role.indices)
    return any(grant.field_security is not None and not grant.field_security.total for grant in grants)


def _mapping(found: Mapping[str, Any], views: Views) -> dict[str, Any]:
    mappings = dict(found.get("mappings", {}))
    for view in views:
        if "properties" in mappings:
            mappings["properties"] = visible_fields(view, mappings["properties"])
    if not mappings.get("properties", True):
        del mappings["properties"]
    return {**found, "mappings": mappings}


def _granted(field: str, views: Views) -> bool:
    return all(any(each.grants(field) for each in view) for view in views)


def _caps(value: dict[str, Any], views: Callable[[str], Views]) -> dict[str, Any]:
    by_index = [views(index) for index in value.get("indices", ())]
    fields = {
        name: caps for name, caps in value.get("fields", {}).items() if any(_granted(name, found) for found in by_index)
    }
    return {**value, "fields": fields}


def _documents(value: dict[str, Any], views: Callable[[str], Views]) -> dict[str, Any]:
    if "_source" in value:
        return {**value, "_source": _source(value["_source"], "", views(value["_index"]))}
    hits = value.get("hits", {})
    shown = [
        {**hit, "_source": _source(hit["_source"], "", views(hit["_index"]))} if "_source" in hit else hit
        for hit in hits.get("hits", ())
    ]
    return {**value, "hits": {**hits, "hits": shown}} if hits else value


def _source(value: Json, path: str, views: Views) -> Json:
    """What of a document is granted; an object stays where it is granted itself or something in it is."""
    if isinstance(value, list):
        return [_source(item, path, views) for item in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for name, inner in value.items():
        full = f"{path}.{name}" if path else name
        below = _source(inner, full, views) if isinstance(inner, dict | list) else inner
        if _granted(full, views) or (isinstance(inner, dict) and below):
            kept[name] = below
    return kept
