"""The schema of the journal's records: what every record has, and of which kind the fields are that it may have.

Fields that are not named here may be added by a later version: whoever reads records lets them pass.
"""

from typing import Any

from proxy.journal.entry import FORMAT_VERSION, Phase

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_COUNT = {"type": "integer", "minimum": 0}
_IDENTITY: dict[str, Any] = {
    "type": "object",
    "required": ["name", "roles", "realm", "authentication_type"],
    "properties": {"name": _TEXT, "roles": _TEXTS, "realm": {"type": "object"}, "authentication_type": _TEXT},
}


def audit_schema() -> dict[str, Any]:
    """The schema of one record, which is one line of the journal."""
    return {
        "title": "A record of Startgate's journal",
        **_record(
            {"@timestamp": {"type": "string", "format": "date-time"}, "ecs": _record({"version": _TEXT}, 1)},
            2,
            event=_event(),
            startgate=_ours(),
            user=_record({"name": _TEXT, "roles": _TEXTS}),
            source=_record({"address": _TEXT, "port": _COUNT}),
            http=_record({"request": _record({"method": _TEXT}), "response": _record({"status_code": _COUNT})}),
            url=_record({"path": _TEXT}),
        ),
        "required": ["@timestamp", "ecs", "event", "startgate"],
    }


def _event() -> dict[str, Any]:
    texts = dict.fromkeys(("id", "kind", "action", "dataset", "module"), _TEXT)
    outcome = {"enum": ["success", "failure", "unknown"]}
    return _record({**texts, "category": _TEXTS, "type": _TEXTS, "outcome": outcome}, 8, reason=_TEXT)


def _ours() -> dict[str, Any]:
    return _record(
        {"format": {"const": FORMAT_VERSION}},
        1,
        phase={"enum": [phase.value for phase in Phase]},
        receipt=_TEXT,
        rules=_record({"revision": _TEXT}),
        job=_record({"id": _TEXT, "sources": _TEXTS, "destination": _TEXT}),
        caller=_IDENTITY,
        secondary=_IDENTITY,
        verdict=_record({"allowed": {"type": "boolean"}, "reasons": {"type": "array", "items": {"type": "object"}}}, 2),
        plan_only={"type": "boolean"},
    )


def _record(properties: dict[str, Any], required: int = 0, **more: dict[str, Any]) -> dict[str, Any]:
    """An object; the first `required` of its properties must be there."""
    names = list(properties)[:required]
    return {"type": "object", **({"required": names} if names else {}), "properties": {**properties, **more}}
