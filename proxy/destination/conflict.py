"""Definitions of the sources that cannot live in one index, in Elasticsearch's own words."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from proxy.destination.javatext import java_text
from proxy.errors import Refusal

# A conflict's text is about so many definitions.
_TOLD = 2


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
        old, new = self.definitions[:_TOLD]
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
    """Definitions by name, of several indices. Feed indices in the order of their names.

    Whoever reads a fleet gives equal definitions as one object, so that nearly all is told by identity. Only what a
    name came with besides its first object is printed and compared, and only as much of it as is asked for.
    """

    def __init__(self, kind: ConflictKind) -> None:
        self._kind = kind
        self._added: list[tuple[str, Mapping[str, Any]]] = []
        self._first: dict[str, Any] = {}
        # By name, then by identity: what was added lives as long as this, so that no other value has that identity.
        self._others: dict[str, dict[int, tuple[str, Any]]] = {}
        self._texts: dict[int, str] = {}

    def add(self, index: str, definitions: Mapping[str, Any]) -> None:
        """Note what an index defines: JSON values by name. Key order does not matter; types of numbers do."""
        self._added.append((index, definitions))
        first = self._first.setdefault
        for name, value in definitions.items():
            if first(name, value) is not value:
                self._others.setdefault(name, {}).setdefault(id(value), (index, value))

    def conflicts(self) -> tuple[Conflict, ...]:
        """What has more than one definition, by name."""
        return tuple(self._conflicts(None))

    def merged(self) -> dict[str, Any]:
        """The one definition of each name, in the order in which they came.

        Raises Refusal with the text of the first conflict.
        """
        refuse_first(self._conflicts(_TOLD))
        return self._first

    def _conflicts(self, most: int | None) -> Iterator[Conflict]:
        """One by one, by name, each with so many of its definitions at most."""
        owners = self._owners() if self._others else {}
        for name in sorted(self._others):
            definitions = tuple(islice(self._distinct(name, owners[name]), most))
            if len(definitions) > 1:
                yield Conflict(kind=self._kind, field=name, definitions=definitions)

    def _owners(self) -> dict[str, str]:
        """The first index with each name. Few merges need it, so that it is not kept beside every name."""
        owners: dict[str, str] = {}
        for index, definitions in reversed(self._added):
            owners |= dict.fromkeys(definitions, index)
        return owners

    def _distinct(self, name: str, owner: str) -> Iterator[Definition]:
        seen: set[str] = set()
        for index, value in chain([(owner, self._first[name])], self._others[name].values()):
            text = self._text(value)
            if text not in seen:
                seen.add(text)
                yield Definition(index=index, value=value)

    def _text(self, value: object) -> str:
        known = self._texts.get(id(value))
        if known is None:
            known = self._texts[id(value)] = json.dumps(value, sort_keys=True)
        return known


def refuse_first(conflicts: Iterable[Conflict]) -> None:
    """Raise Refusal, with Elasticsearch's status and text, for the first conflict if there is any."""
    for conflict in conflicts:
        raise Refusal(400, "status_exception", conflict.text)


def _settings_text(value: Mapping[str, Any]) -> str:
    # `Settings.toString` prints flat settings as JSON, sorted by key.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
