"""Holds records to the table of fields: what is not in it is not recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.journal.fields import FIELDS, Field


@dataclass(slots=True)
class Level:
    """What may stand under one key: a field (`holds`), or others below (`under`); both for a list of objects."""

    holds: Field | None = None
    under: dict[str, "Level"] = field(default_factory=dict)


def _tree() -> Level:
    root = Level()
    for one in FIELDS.values():
        level = root
        for key in one.name.split("."):
            level = level.under.setdefault(key, Level())
        level.holds = one
    return root


TREE = _tree()


def allowed(record: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A copy of a record with the fields of the table alone, and the names of what was left out of it.

    What a map holds is copied as it is.
    """
    left_out: dict[str, None] = {}
    kept = _allowed(record, TREE, "", left_out)
    return kept, tuple(left_out)


def _allowed(values: Mapping[str, Any], level: Level, at: str, left_out: dict[str, None]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in values.items():
        name, below = f"{at}{key}", level.under.get(key)
        if below is not None and not below.under:
            kept[key] = value
        elif below is not None and isinstance(value, Mapping):
            kept[key] = _allowed(value, below, f"{name}.", left_out)
        elif below is not None and below.holds is not None and _are_objects(value):
            kept[key] = [_allowed(one, below, f"{name}.", left_out) for one in value]
        else:
            left_out[name] = None
    return kept


def _are_objects(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)


def leaves(record: dict[str, Any]) -> Iterator[tuple[Field, dict[str, Any]]]:
    """Every field that a record of `allowed` holds, with the object that holds it (by the last piece of its name)."""
    return _leaves(record, TREE)


def _leaves(values: dict[str, Any], level: Level) -> Iterator[tuple[Field, dict[str, Any]]]:
    for key, value in list(values.items()):
        below = level.under[key]
        if below.holds is not None and not below.under:
            yield below.holds, values
        else:
            for one in value if isinstance(value, list) else [value]:
                yield from _leaves(one, below)
