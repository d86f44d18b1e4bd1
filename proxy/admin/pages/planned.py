"""The parts of a plan as tables [pure]: what would be created, with the origin of each part (docs/plan.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from proxy.admin.pages.words import compact

TITLES: Final = {"settings": "Settings", "mappings": "Mapping", "properties": "Fields", "runtime": "Runtime fields"}
LATER: Final = "Elasticsearch adds once the job runs"


@dataclass(frozen=True, slots=True)
class Row:
    """One setting or field: its value as JSON, and where it comes from in words."""

    name: str
    origin: str
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """One table."""

    title: str
    rows: tuple[Row, ...]


def parts(plan: Mapping[str, Any]) -> tuple[Part, ...]:
    """The tables of a plan's document; none where nothing would be created."""
    return tuple(part for part in _all(plan) if part.rows)


def _all(plan: Mapping[str, Any]) -> Iterator[Part]:
    create = plan.get("create")
    if isinstance(create, Mapping):
        origins = plan.get("origins", {})
        for name, held in _held(create["body"]).items():
            yield Part(TITLES[name], tuple(_row(key, value, origins.get(name, {})) for key, value in held.items()))
    later = [
        Row(one["field"], one["why"], compact(one["mapping"]) if "mapping" in one else "-")
        for one in plan.get("added_later", ())
    ]
    yield Part(LATER, tuple(later))


def _row(name: str, value: object, origins: Mapping[str, Any]) -> Row:
    return Row(name, str(origins.get(name, {}).get("text", "-")), compact(value))


def _held(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    mappings = body.get("mappings", {})
    return {
        "settings": body.get("settings", {}),
        "mappings": {name: value for name, value in mappings.items() if name not in ("properties", "runtime")},
        "properties": mappings.get("properties", {}),
        "runtime": mappings.get("runtime", {}),
    }
