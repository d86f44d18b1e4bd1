"""Definitions of the sources that cannot live in one index, in Elasticsearch's own words."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proxy.destination.javatext import java_text
from proxy.errors import Refusal


class ConflictKind(StrEnum):
    """What differs: a field of the mapping, a runtime field, or a setting."""

    PROPERTIES = "properties"
    RUNTIME = "runtime"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One definition and the first index, by name, that has it."""

    index: str
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One field or setting with more than one definition.

    `field` is the field's name or the setting's key; `definitions` has at least two, one for each distinct value, in
    the order of the names of the indices.
    """

    kind: ConflictKind
    field: str
    definitions: tuple[Definition, ...]

    @property
    def text(self) -> str:
        """Elasticsearch's text for this conflict, about the first two definitions.

        Elasticsearch does not define which of two indices it meets first; here it is the first by name.
        See docs/decisions/016-which-conflict-is-first.md.
        """
        old, new = self.definitions[:2]
        if self.kind is ConflictKind.SETTINGS:
            first, second = _settings_text(old.value), _settings_text(new.value)
            return (
                f"cannot merge settings because of differences for {self.field}; specified as [{first}] "
                f"in index [{old.index}]; specified as [{second}] in index [{new.index}]"
            )
        first, second = java_text(new.value), java_text(old.value)
        return (
            f"cannot merge [{self.kind}] mappings because of differences for field [{self.field}]; "
            f"mapped as [{first}] in index [{new.index}]; mapped as [{second}] in index [{old.index}]"
        )


class Collected:
    """Definitions by name, each distinct value once. Feed indices in the order of their names."""

    def __init__(self, kind: ConflictKind) -> None:
        self._kind = kind
        self._first: dict[str, Definition] = {}
        # Names that came with more than one value, each value by its text: few of many, and printing takes time.
        self._values: dict[str, dict[str, Definition]] = {}
        # What was added already: names with the identities of their values. And each value with its text; the value is
        # kept, so that no other one can come to have its identity.
        self._seen: set[tuple[str, int]] = set()
        self._texts: dict[int, tuple[object, str]] = {}

    def add(self, index: str, name: str, value: object) -> None:
        """Note that an index defines `name` as a JSON value. Key order does not matter; types of numbers do."""
        key = (name, id(value))
        if key in self._seen:
            return
        self._seen.add(key)
        first = self._first.get(name)
        if first is None:
            self._first[name] = Definition(index=index, value=value)
            return
        values = self._values.get(name)
        if values is None:
            values = self._values[name] = {self._text(first.value): first}
        values.setdefault(self._text(value), Definition(index=index, value=value))

    def _text(self, value: object) -> str:
        known = self._texts.get(id(value))
        if known is None:
            known = self._texts[id(value)] = (value, json.dumps(value, sort_keys=True))
        return known[1]

    def conflicts(self) -> tuple[Conflict, ...]:
        """What has more than one definition, by name."""
        return tuple(
            Conflict(kind=self._kind, field=name, definitions=tuple(values.values()))
            for name, values in sorted(self._values.items())
            if len(values) > 1
        )

    def merged(self) -> dict[str, Any]:
        """The one definition of each name, by name. Raises Refusal with the text of the first conflict."""
        refuse_first(self.conflicts())
        return {name: self._first[name].value for name in sorted(self._first)}


def refuse_first(conflicts: Iterable[Conflict]) -> None:
    """Raise Refusal, with Elasticsearch's status and text, for the first conflict if there is any."""
    for conflict in conflicts:
        raise Refusal(400, "status_exception", conflict.text)


def _settings_text(value: Mapping[str, Any]) -> str:
    # `Settings.toString` prints flat settings as JSON, sorted by key.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
