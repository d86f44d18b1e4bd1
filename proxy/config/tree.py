"""The written configuration as one tree: the file's values with the environment laid over them, each with its place."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

from proxy.config.keys import KEYS, NOT_KEYS, PREFIX, SECTIONS, VARIABLES, siblings
from proxy.errors import ConfigError, Fault, nearest

KINDS: Mapping[type, str] = {
    type(None): "empty",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a map",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written: a file with line and column from 1, or a variable (line 0)."""

    where: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A value with its place and that of its key; relative paths in it start at `folder`."""

    value: "Value" = field(repr=False)
    place: Place
    key_place: Place
    folder: Path
    from_environment: bool = False

    @property
    def kind(self) -> str:
        """What the value is, in an operator's words."""
        return KINDS[type(self.value)]

    def items(self) -> "list[Node]":
        """The values of a list, or the value itself as a list of one. In the environment, commas stand between them."""
        if isinstance(self.value, list):
            return self.value
        if self.from_environment and isinstance(self.value, str):
            return [
                Node(
                    value=piece.strip(),
                    place=self.place,
                    key_place=self.place,
                    folder=self.folder,
                    from_environment=True,
                )
                for piece in self.value.split(",")
            ]
        return [self]

    def path(self, written: str) -> str:
        """A path that this value names, made absolute."""
        return str((self.folder / Path(written).expanduser()).absolute())


Value: TypeAlias = str | int | float | bool | list[Node] | dict[str, Node] | None


def invalid(node: Node, message: str, *, key: bool = False) -> ConfigError:
    """The error to raise for one value, or for its key."""
    place = node.key_place if key else node.place
    return ConfigError([Fault(place.where, message, place.line, place.column)])


def told(faults: Iterable[Fault], key: str) -> list[Fault]:
    """Faults of the value of a key, with the key before what is wrong; a variable's name says it already."""
    return [replace(one, message=f"{key}: {one.message}") if one.line else one for one in faults]


def overlay(root: Node, environ: Mapping[str, str], folder: Path) -> list[Fault]:
    """Lays every `STARTGATE_…` variable over the file's tree; returns the faults of variables that are no key."""
    faults: list[Fault] = []
    for name in sorted(environ):
        if not name.startswith(PREFIX) or NOT_KEYS.fullmatch(name):
            continue
        above = next((one for one in environ if one in VARIABLES and name.startswith(f"{one}__")), None)
        if name not in VARIABLES:
            faults.append(Fault(name, f"is no key of the configuration{nearest(name, VARIABLES)}"))
        elif above is not None:
            faults.append(Fault(name, f"stands beside {above}, which says the same in short: give one or the other"))
        elif isinstance(root.value, dict):
            _put(root.value, VARIABLES[name].split("."), name, environ[name], folder)
    return faults


def _put(level: dict[str, Node], pieces: list[str], name: str, value: str, folder: Path) -> None:
    place = Place(name)
    for piece in pieces[:-1]:
        below = level.get(piece)
        if below is None or not isinstance(below.value, dict):
            inner: dict[str, Node] = {}
            level[piece] = Node(value=inner, place=place, key_place=place, folder=folder, from_environment=True)
        else:
            inner = below.value
        level = inner
    level[pieces[-1]] = Node(value=value, place=place, key_place=place, folder=folder, from_environment=True)


def leaves(root: Node) -> tuple[dict[str, Node], list[Fault]]:
    """The written values by dotted key, and the faults of everything that is no key."""
    found: dict[str, Node] = {}
    faults: list[Fault] = []
    _descend(root, "", found, faults)
    return found, faults


def _descend(node: Node, section: str, found: dict[str, Node], faults: list[Fault]) -> None:
    if not isinstance(node.value, dict):
        what = section or "the configuration"
        faults += invalid(node, f"{what} must be a map with {', '.join(siblings(section))}, and is {node.kind}").faults
        return
    for piece, below in node.value.items():
        name = f"{section}.{piece}" if section else piece
        if name in KEYS:
            if below.value is None:
                faults += invalid(below, f"{name} is empty: leave it out, or give it a value", key=True).faults
            else:
                found[name] = below
        elif name in SECTIONS:
            # A section of which every key is commented out says nothing, and does no harm.
            if below.value is not None:
                _descend(below, name, found, faults)
        else:
            faults += invalid(below, _unknown(name, piece, section), key=True).faults


def _unknown(name: str, piece: str, section: str) -> str:
    here = siblings(section)
    hint = nearest(piece, here)
    if not hint and (
        elsewhere := difflib.get_close_matches(piece, [key.split(".")[-1] for key in KEYS], n=1, cutoff=0.8)
    ):
        homes = [key for key in KEYS if key.split(".")[-1] == elsewhere[0]]
        hint = f" (did you mean {homes[0]!r}?)"
    return f"unknown key {name!r}{hint}; allowed here: {', '.join(here)}"
