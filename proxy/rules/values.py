"""Reading single values out of the tree of a rule file; every fault is noted, none is fatal to the rest."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from proxy.errors import Fault, nearest
from proxy.privileges import Undecidable
from proxy.privileges.patterns import empty, language
from proxy.rules.forms import Fields
from proxy.rules.overlap import idle
from proxy.rules.source import Entry, Listing, Mark, Node, Scalar, ScalarKind, Table

Choice = TypeVar("Choice", bound=StrEnum)


class Values:
    """Reads values and keeps `faults`."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def note(self, mark: Mark, message: str) -> None:
        """Note a fault at a place."""
        self.faults.append(mark.fault(message))

    def known(self, table: Table, allowed: Iterable[str]) -> dict[str, Entry]:
        """The entries of a mapping by key; keys that are not allowed are noted and left out."""
        found: dict[str, Entry] = {}
        names = tuple(allowed)
        for entry in table.entries:
            if entry.key in names:
                found[entry.key] = entry
            else:
                hint = nearest(entry.key, names)
                self.note(entry.mark, f"unknown key `{entry.key}`{hint}; allowed: {listed(names)}")
        return found

    def fields(self, item: Node, key: str, fields: Fields) -> dict[str, Entry] | None:
        """The entries of an item of the list `key`; None where it is no mapping, or lacks what it must have."""
        if not isinstance(item, Table):
            self.note(item.mark, f"an item of `{key}` is a mapping with the keys {listed(fields)}")
            return None
        entries = self.known(item, fields)
        missing = [name for name, one in fields.keys.items() if one.missing and name not in entries]
        for name in missing:
            self.note(item.mark, fields.keys[name].missing.format(name))
        return None if missing else entries

    def patterns(self, entry: Entry | None) -> tuple[Scalar, ...] | None:
        """A list of patterns (`*`, `?`, `/regex/`) of which none is covered by another; None without an entry."""
        if entry is None:
            return None
        found: list[Scalar] = []
        for scalar in self.filled(entry):
            try:
                if empty(language([scalar.text])):
                    self.note(scalar.mark, f"`{scalar.text}` matches nothing")
                    continue
            except Undecidable as undecidable:
                self.note(scalar.mark, str(undecidable))
                continue
            found.append(scalar)
        for place, beside in idle(tuple(one.text for one in found)).items():
            one, other = found[place], found[beside]
            same = "is there twice" if one.text == other.text else f"is covered by `{other.text}` beside it"
            self.note(one.mark, f"`{one.text}` {same}; remove it")
        return tuple(found)

    def filled(self, entry: Entry) -> list[Scalar]:
        """The texts of a list that must not be empty."""
        if isinstance(entry.value, Listing) and not entry.value.items:
            self.note(
                entry.value.mark, f"`{entry.key}` is empty; name at least one, or leave the key out where it may be"
            )
        return self.texts(entry)

    def table(self, entry: Entry | None, allowed: Iterable[str]) -> dict[str, Entry]:
        """The entries of the mapping that is an entry's value; none if there is no such entry."""
        if entry is None:
            return {}
        if not isinstance(entry.value, Table):
            self.note(entry.value.mark, f"`{entry.key}` must be a mapping with the keys {listed(allowed)}")
            return {}
        return self.known(entry.value, allowed)

    def items(self, entry: Entry) -> tuple[Node, ...]:
        """The items of the list that is an entry's value."""
        if not isinstance(entry.value, Listing):
            self.note(entry.value.mark, f"`{entry.key}` must be a list, such as [a, b]")
            return ()
        return entry.value.items

    def texts(self, entry: Entry) -> list[Scalar]:
        """The texts of the list that is an entry's value."""
        scalars = (self.text(item, entry.key) for item in self.items(entry))
        return [scalar for scalar in scalars if scalar is not None]

    def text(self, node: Node, key: str) -> Scalar | None:
        """A value that must be text."""
        if not isinstance(node, Scalar):
            found = "list" if isinstance(node, Listing) else "mapping"
            self.note(node.mark, f"`{key}` takes text here, not a {found}")
        elif node.kind is not ScalarKind.TEXT:
            shown = f"`{node.text}`" if node.text else "nothing"
            self.note(node.mark, f"`{key}` takes text, but YAML reads {shown} as {node.reading}; put it in quotes")
        elif not node.text.strip():
            self.note(node.mark, f"`{key}` takes text, not an empty one")
        else:
            return node
        return None

    def choice(self, entry: Entry | None, default: Choice) -> Choice:
        """A value out of the choices that `default` is one of; that where there is no entry."""
        scalar = None if entry is None else self.text(entry.value, entry.key)
        if entry is None or scalar is None:
            return default
        return self.one_of(scalar, type(default), entry.key) or default

    def one_of(self, scalar: Scalar, choices: type[Choice], key: str) -> Choice | None:
        """The choice that a text names."""
        allowed = [choice.value for choice in choices]
        if scalar.text in allowed:
            return choices(scalar.text)
        message = f"`{scalar.text}` is not a value of `{key}`{nearest(scalar.text, allowed)}"
        self.note(scalar.mark, f"{message}; allowed: {listed(allowed)}")
        return None


def listed(names: Iterable[str]) -> str:
    """Names for a message."""
    return ", ".join(f"`{name}`" for name in names)
