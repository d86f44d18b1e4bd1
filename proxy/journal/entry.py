"""The records of starts and of administration, as plain values in, one JSON object out. Field names are those of the
Elastic Common Schema (ECS 8.11) where it has one, and `startgate.*` where it has none.

What is not named here is not recorded: no headers, no bodies, no secrets. Texts that a client chose are cut at
`TEXT_LIMIT_CHARS`.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec

from proxy.model import Identity, Job, Owner

ECS_VERSION = "8.11.0"
FORMAT_VERSION = 1
# Elasticsearch's own ids and index names end at 64 characters and 255 bytes; an opaque id is free text.
TEXT_LIMIT_CHARS = 1024
# A source expression may name thousands of indices; the record says how many there were.
LIST_LIMIT = 1000
# What the removal of a destination says where its block against writes has stayed. The next process looks for that.
NOT_LIFTED = "could not be lifted"


class Phase(StrEnum):
    """Which of a start's records this is."""

    INTENT = "intent"
    OUTCOME = "outcome"
    END = "end"


def timestamp(now_ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 text in UTC, to the millisecond."""
    at = datetime.fromtimestamp(now_ms // 1000, tz=UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{now_ms % 1000:03d}Z"


def time_ms(text: str) -> int:
    """RFC 3339 text as milliseconds since 1970. Raises ValueError."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def frame(phase: Phase, receipt: str, now_ms: int, *, outcome: str, reason: str = "") -> dict[str, Any]:
    """What every record begins with. `outcome` is ECS's `success`, `failure` or `unknown`."""
    event = {
        "id": receipt,
        "kind": "event",
        "category": ["configuration"],
        "type": ["change"] if phase is Phase.END else ["access", "denied" if outcome == "failure" else "info"],
        "action": "start-data-frame-analytics",
        "dataset": "startgate.start",
        "module": "startgate",
        "outcome": outcome,
    }
    if reason:
        event["reason"] = cut(reason)
    return {
        "@timestamp": timestamp(now_ms),
        "ecs": {"version": ECS_VERSION},
        "event": event,
        "startgate": {"format": FORMAT_VERSION, "phase": phase.value, "receipt": receipt},
    }


def administrative(action: str, id: str, now_ms: int, *, outcome: str, reason: str = "") -> dict[str, Any]:
    """What every record begins with that is of no start, but of a change to Startgate itself. `action` is what was
    done, such as `startgate-rules-reload`; `id` is unique; `outcome` as for `frame`. The fields under `startgate.admin`
    are the action's own."""
    event = {
        "id": id,
        "kind": "event",
        "category": ["configuration"],
        "type": ["change"],
        "action": action,
        "dataset": "startgate.admin",
        "module": "startgate",
        "outcome": outcome,
    }
    if reason:
        event["reason"] = cut(reason)
    return {
        "@timestamp": timestamp(now_ms),
        "ecs": {"version": ECS_VERSION},
        "event": event,
        "startgate": {"format": FORMAT_VERSION, "admin": {}},
    }


def digest(value: Any) -> str:  # noqa: ANN401 -- any JSON value
    """SHA-256 of a JSON value in canonical form: keys sorted by code point, no blanks, UTF-8."""
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def cut(text: str) -> str:
    """A text that a client chose, bounded; what was cut leaves a mark. Lone surrogates, which JSON in UTF-8 cannot
    hold, are escaped."""
    bounded = text if len(text) <= TEXT_LIMIT_CHARS else text[:TEXT_LIMIT_CHARS] + f"…[{len(text)} characters]"
    return bounded.encode(errors="backslashreplace").decode()


def cut_list(values: Sequence[str]) -> list[str]:
    """A list that a client chose, bounded; what was cut leaves a mark."""
    kept = [cut(value) for value in values[:LIST_LIMIT]]
    return kept if len(values) <= LIST_LIMIT else [*kept, f"…[{len(values)} entries]"]


def identity(who: Identity) -> dict[str, Any]:
    """An identity as the cluster named it."""
    fields: dict[str, Any] = {
        "name": cut(who.username),
        "roles": cut_list(who.roles),
        "realm": {"name": who.realm, "type": who.realm_type},
        "authentication_type": who.authentication_type,
    }
    if who.runs_as:
        fields["run_as"] = {"lookup_realm": who.lookup_realm}
    if who.api_key_id is not None:
        fields["api_key"] = _api_key(who.api_key_id, who.api_key_name)
    return fields


def _api_key(id: str, name: str | None) -> dict[str, str]:
    return {"id": cut(id)} if name is None else {"id": cut(id), "name": cut(name)}


def owner(whose: Owner) -> dict[str, Any]:
    """Whose stored credentials the job runs with, as far as the cluster tells."""
    fields: dict[str, Any] = {"kind": whose.kind.value}
    if whose.roles:
        fields["roles"] = cut_list(whose.roles)
    if whose.api_key_id is not None:
        fields["api_key"] = _api_key(whose.api_key_id, whose.api_key_name)
    if whose.service_account is not None:
        fields["service_account"] = whose.service_account
    return fields


def job(which: Job) -> dict[str, Any]:
    """What is started: never the query, which may hold data."""
    return {
        "id": which.id,
        "analysis": which.analysis,
        "create_time": which.create_time,
        "sources": cut_list(which.sources),
        "destination": which.destination,
        "results_field": which.results_field,
    }
