"""Strict YAML with positions: text in, a tree of nodes out, every fault noted with its line and column.

YAML has more than a rule file needs, and some of it misleads. Refused: a key twice in one mapping, anchors and aliases
(and with them merge keys and documents that explode), tags, several documents, keys that are not plain words, and
nesting deeper than `MAX_DEPTH`. What YAML would quietly read as something other than text (`no`, `012`, `2024-01-01`)
is kept with its kind, so that the schema can say so.

libyaml reads seventy times as fast as the same parser in Python. What it cannot read goes to the other, whose words for
what is wrong are the better ones.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, cast

import yaml

from proxy.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

# Real rule files nest 5 deep and hold a few kilobytes; these bound what one file can cost.
MAX_DEPTH = 16
MAX_BYTES = 1_048_576

# None where PyYAML was built without libyaml.
_FAST: type[yaml.SafeLoader] | None = getattr(yaml, "CSafeLoader", None)

# What YAML 1.1 reads into plain text, from its type repository (https://yaml.org/type/).
_KINDS = (
    ("null", re.compile(r"(?:~|null|)", re.IGNORECASE)),
    ("bool", re.compile(r"(?:y|n|yes|no|true|false|on|off)", re.IGNORECASE)),
    ("int", re.compile(r"[-+]?(?:0|[1-9][0-9_]*)")),
    ("octal, hexadecimal or binary number", re.compile(r"[-+]?0(?:[0-7_]+|o[0-7_]+|x[0-9a-fA-F_]+|b[01_]+)")),
    ("base 60 number", re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")),
    (
        "float",
        re.compile(r"[-+]?(?:\.(?:inf|nan)|[0-9_]*\.[0-9_]*(?:e[-+]?[0-9]+)?|[0-9]+e[-+]?[0-9]+)", re.IGNORECASE),
    ),
    ("date", re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?")),
)


class ScalarKind(StrEnum):
    """What a scalar is, of those kinds that rule files can use."""

    TEXT = "text"
    INT = "int"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place; line and column count from 1."""

    file: str
    line: int
    column: int

    def fault(self, message: str) -> Fault:
        """A fault at this place."""
        return Fault(self.file, message, self.line, self.column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value. `reading` names what YAML takes the text for where that is not text; `raw` is how it is written where
    that differs: in quotes, as a block, over several lines (`places` finds the way back)."""

    mark: Mark
    text: str
    kind: ScalarKind
    reading: str = ""
    raw: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list."""

    mark: Mark
    items: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a mapping with its value."""

    mark: Mark
    key: str
    value: "Node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping; every key is there once."""

    mark: Mark
    entries: tuple[Entry, ...]


Node: TypeAlias = Scalar | Listing | Table


def read(text: str, file: str) -> tuple[Node | None, tuple[Fault, ...]]:
    """The tree of one document and all faults found; the tree is None where there is no telling what was meant."""
    if _FAST is not None:
        try:
            return _read(text, file, _FAST)
        except (yaml.YAMLError, UnicodeEncodeError):
            pass
    faults: list[Fault] = []
    try:
        return _Composer(file, text, faults).document(yaml.SafeLoader), tuple(faults)
    except _Abort:
        return None, tuple(faults)
    except yaml.MarkedYAMLError as error:
        faults.append(_syntax_fault(error, file))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        faults.append(Fault(file, f"the character U+{error.character:04X} is not allowed in YAML", line, column))
    return None, tuple(faults)


def _read(text: str, file: str, loader: type[yaml.SafeLoader]) -> tuple[Node | None, tuple[Fault, ...]]:
    faults: list[Fault] = []
    try:
        return _Composer(file, text, faults).document(loader), tuple(faults)
    except _Abort:
        return None, tuple(faults)


def kind_of(text: str) -> tuple[ScalarKind, str]:
    """What YAML takes plain text for: our kind of it, and its name where it is not text."""
    for name, pattern in _KINDS:
        if pattern.fullmatch(text):
            return (ScalarKind.INT if name == "int" else ScalarKind.OTHER), name
    return ScalarKind.TEXT, ""


class _Abort(Exception):
    """Reading cannot go on."""


class _Composer:
    """Nodes from the events of one document."""

    def __init__(self, file: str, text: str, faults: list[Fault]) -> None:
        self._file = file
        self._text = text
        self._faults = faults
        self._events: Iterator[yaml.Event] = iter(())  # set by `document`

    def document(self, loader: type[yaml.SafeLoader]) -> Node | None:
        """The root of the only document. Raises _Abort and YAML's own errors."""
        self._events = (
            event
            for event in yaml.parse(self._text, Loader=loader)
            if not isinstance(event, yaml.StreamStartEvent | yaml.StreamEndEvent)
        )
        if next(self._events, None) is None:
            self._faults.append(Fault(self._file, "the file is empty; it must hold at least `version: 1`", 1, 1))
            return None
        root = self._node(next(self._events), 0)
        next(self._events)
        another = next(self._events, None)
        if another is not None:
            self._fault(another, "a second document starts here; one file holds one document")
            raise _Abort
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self._fault(event, f"nested deeper than {MAX_DEPTH} levels")
            raise _Abort
        if isinstance(event, yaml.AliasEvent):
            self._fault(event, f"the alias `*{event.anchor}` is not allowed; write the value out")
            raise _Abort
        if isinstance(event, yaml.ScalarEvent):
            self._plainness(event)
            return self._scalar(event)
        assert isinstance(event, yaml.CollectionStartEvent)  # noqa: S101 - YAML's grammar: nothing else opens a node
        self._plainness(event)
        return self._listing(event, depth) if isinstance(event, yaml.SequenceStartEvent) else self._table(event, depth)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        # libyaml's style of a plain scalar is an empty text.
        kind, reading = (ScalarKind.TEXT, "") if event.style else kind_of(event.value)
        start, end = (cast(yaml.Mark, mark).index for mark in (event.start_mark, event.end_mark))
        raw = self._text[start:end]
        mark = self._mark(event)
        if not raw:
            # Where nothing is written, the two parsers differ: here it is right behind what asks for it.
            blanks = start - len(self._text[:start].rstrip(" \t"))
            mark = Mark(file=mark.file, line=mark.line, column=max(mark.column - blanks, 1))
        return Scalar(
            mark=mark,
            text=event.value,
            kind=kind,
            reading=reading,
            raw="" if raw == event.value else raw,
        )

    def _plainness(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            self._fault(event, f"the anchor `&{event.anchor}` is not allowed; write the value out where it is needed")
        if event.tag is not None:
            self._fault(event, f"the tag `{event.tag}` is not allowed; remove it")

    def _listing(self, start: yaml.Event, depth: int) -> Listing:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Listing(mark=self._mark(start), items=tuple(items))

    def _table(self, start: yaml.Event, depth: int) -> Table:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            entry = Entry(mark=key.mark, key=self._key(key), value=self._node(next(self._events), depth + 1))
            first = entries.setdefault(entry.key, entry)
            if first is not entry:
                message = f"the key `{entry.key}` is there twice; the first is in line {first.mark.line}"
                self._faults.append(entry.mark.fault(message))
        return Table(mark=self._mark(start), entries=tuple(entries.values()))

    def _key(self, key: Node) -> str:
        if not isinstance(key, Scalar):
            self._faults.append(key.mark.fault("a key must be a plain word"))
            raise _Abort
        if key.text == "<<":
            self._faults.append(key.mark.fault("the merge key `<<` is not allowed; write the entries out"))
        elif key.kind is not ScalarKind.TEXT:
            self._faults.append(key.mark.fault(f"the key `{key.text}` is read as {_article(key.reading)} by YAML"))
        return key.text

    def _mark(self, event: yaml.Event) -> Mark:
        # Every event of the parser has a place; only events made by hand may lack one.
        at = cast(yaml.Mark, event.start_mark)
        return Mark(file=self._file, line=at.line + 1, column=at.column + 1)

    def _fault(self, event: yaml.Event, message: str) -> None:
        self._faults.append(self._mark(event).fault(message))


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeio" else f"a {name}"


def _syntax_fault(error: yaml.MarkedYAMLError, file: str) -> Fault:
    problem = error.problem or "it cannot be read"
    if "\\t" in problem:
        problem = "a tab is not allowed for indentation; use spaces"
    elif problem == "expected <block end>, but found '<scalar>'":
        # As after the second quote of `deny: "dpo" in data.roles`.
        problem = (
            "something follows a value that is complete; a text that begins with a quote needs quotes around all of it"
        )
    mark = error.problem_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return Fault(file, f"not valid YAML: {problem}", line, column)
