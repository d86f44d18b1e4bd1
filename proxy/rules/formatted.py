"""The canonical form of a rule file's text: what `startgate fmt` writes.

Changed is only how it is laid out: two blanks for each level, one after `-`, `:` and `,`, double quotes, single blank
lines, no blanks at the ends of lines, a line break at the end. Comments, the order of keys, the breaks between lines
and the insides of blocks stay. That the meaning stays is proven each time: both texts are read, and must say the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from proxy.errors import Fault
from proxy.rules.source import Listing, Node, Scalar, Table, read

_STEP = 2
# Between two tokens stand blanks, line breaks and comments, and nothing else.
_GAP = re.compile(r"#[^\n]*|\n")
_HEAD = re.compile(r"[|>](?:[+-]?(\d)?|(\d)?[+-]?)(?:[ \t]|$)")


def formatted(text: str, file: str) -> tuple[str | None, tuple[Fault, ...]]:
    """The text in its canonical form; None where it cannot be read, with all that is wrong with it."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    root, faults = read(plain, file)
    if root is None or faults:
        return None, faults
    found = _Writer(plain).written()
    again, _ = read(found, file)
    if again is None or meaning(again) != meaning(root):
        # A block that is cut off by the end of the file has one line break less than it would have then.
        cause = "please report it" if plain.endswith("\n") else "put a line break at its end first"
        return None, (Fault(file, f"laid out anew, this would say something else; {cause}", 1, 1),)
    return found, ()


def meaning(node: Node) -> object:
    """What a tree says, without where and how."""
    if isinstance(node, Scalar):
        return (node.text, node.kind, node.reading)
    if isinstance(node, Listing):
        return [meaning(item) for item in node.items]
    assert isinstance(node, Table)  # noqa: S101 - there is no other node
    return {entry.key: meaning(entry.value) for entry in node.entries}


@dataclass(slots=True)
class _Level:
    """An open collection: the column in which it stands, and the one in which it will."""

    kind: str
    old: int
    new: int


@dataclass(slots=True)
class _Comment:
    """A line of its own with a comment, and what was open above it."""

    text: str
    old: int
    blank: bool
    levels: tuple[_Level, ...]


@dataclass(slots=True)
class _Writer:
    """Writes the tokens of a text anew, line by line."""

    text: str
    lines: list[str] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=list)
    comments: list[_Comment] = field(default_factory=list)
    line: str = ""
    indent: int = 0
    at: int = 0
    before: str = ""
    blank: bool = False
    fresh: bool = True
    commented: bool = False

    def written(self) -> str:
        """The whole text."""
        for token in _tokens(self.text):
            self._gap(token.start_mark.index)
            self._token(token)
            self.at = max(self.at, token.end_mark.index)
        self._end_line()
        self._flush(None, 0)
        return "\n".join(self.lines) + "\n"

    def _gap(self, to: int) -> None:
        for found in _GAP.finditer(self.text, self.at, to):
            if found.group() == "\n":
                self.blank |= self.fresh and not self.commented
                self.commented = False
                self._end_line()
            elif not self.fresh:
                blanks = found.start() - len(self.text[: found.start()].rstrip(" \t"))
                self.line += " " * max(blanks, _STEP) + found.group().rstrip()
            else:
                column = found.start() - (self.text.rfind("\n", 0, found.start()) + 1)
                self.comments.append(_Comment(found.group().rstrip(), column, self._took_blank(), tuple(self.levels)))
                self.commented = True
        self.at = max(self.at, to)

    def _took_blank(self) -> bool:
        blank, self.blank = self.blank, False
        return blank

    def _end_line(self) -> None:
        if self.line:
            self.lines.append(self.line)
            self.line = ""
        self.fresh = True

    def _token(self, token: yaml.Token) -> None:
        column = token.start_mark.column
        match token:
            case yaml.StreamStartToken() | yaml.StreamEndToken():
                pass
            case yaml.ScalarToken():
                self._scalar(token)
            case yaml.DirectiveToken() | yaml.DocumentStartToken() | yaml.DocumentEndToken():
                self._write(self.text[token.start_mark.index : token.end_mark.index].strip(), column, 0)
            case yaml.ValueToken() | yaml.FlowEntryToken():
                self._write(self.text[token.start_mark.index], column, self._below())
            case _:
                self._structure(token, column)

    def _structure(self, token: yaml.Token, column: int) -> None:
        match token:
            case yaml.BlockMappingStartToken() | yaml.BlockSequenceStartToken():
                kind = "map" if isinstance(token, yaml.BlockMappingStartToken) else "seq"
                self.levels.append(_Level(kind, column, self._below()))
            case yaml.BlockEndToken():
                self._close_loose()
                self.levels.pop()
            case yaml.KeyToken():
                self._close_loose()
            case yaml.BlockEntryToken():
                if self.levels[-1].kind == "map":
                    # A list may stand in the column of its key: then no token opens it.
                    self.levels.append(_Level("loose", column, self._below()))
                self._write("-", column, self.levels[-1].new)
            case yaml.FlowSequenceStartToken() | yaml.FlowMappingStartToken():
                self._write(self.text[token.start_mark.index], column, self._below())
                self.levels.append(_Level("flow", column, self.indent))
            case _:
                level = self.levels.pop()
                self._write(self.text[token.start_mark.index], column, level.new)

    def _close_loose(self) -> None:
        if self.levels and self.levels[-1].kind == "loose":
            self.levels.pop()

    def _below(self) -> int:
        """The column of what stands one level below what is open."""
        return self.levels[-1].new + _STEP if self.levels else 0

    def _write(self, piece: str, old: int, new: int) -> None:
        if self.fresh:
            self._flush(old, new)
            self.line, self.indent, self.fresh = " " * new + piece, new, False
        else:
            self.line += self._space(piece) + piece
        self.before = piece

    def _space(self, piece: str) -> str:
        tight = piece in (":", ",", "]", "}") or self.before in ("[", "{")
        return "" if tight else " "

    def _scalar(self, token: yaml.ScalarToken) -> None:
        raw = self.text[token.start_mark.index : token.end_mark.index]
        column = token.start_mark.column
        level = self.levels[-1] if self.levels else _Level("map", -_STEP, -_STEP)
        key = level.kind == "map" and column == level.old and self.fresh
        if token.style in ("|", ">"):
            head, *rest = raw.split("\n")
            self._write(head.rstrip(), column, level.new + _STEP)
            self._end_line()
            self.lines.extend(_block(head, rest, level))
            # Blank lines below a block belong to it, if only for the reader of YAML.
            self.blank = raw.rstrip(" ").endswith("\n\n") and "+" not in head.split("#")[0]
            return
        first, *rest = _quoted(raw).split("\n")
        self._write(first if not rest else first.rstrip(" \t"), column, level.new if key else level.new + _STEP)
        # What stands after it is written after its last line.
        for line in rest:
            self.lines.append(self.line)
            stripped = line.lstrip(" \t")
            self.line = " " * (level.new + _STEP) + stripped if stripped else ""
        self.before = "…"

    def _flush(self, old: int | None, new: int) -> None:
        """Write the comments above a line that stands in this column and will stand in that; None: there is none."""
        for comment in self.comments:
            self._blank(comment.blank)
            self.lines.append(" " * _column(comment, old, new) + comment.text)
        self.comments.clear()
        if old is not None:
            self._blank(self._took_blank())

    def _blank(self, wanted: bool) -> None:
        if wanted and self.lines:
            self.lines.append("")


def _tokens(text: str) -> list[yaml.Token]:
    try:
        return list(yaml.scan(text, Loader=yaml.SafeLoader))
    except yaml.YAMLError:
        # libyaml lets a few things pass that the other does not, such as a tab at the end of a line.
        return list(yaml.scan(text, Loader=yaml.CSafeLoader))


def _column(comment: _Comment, old: int | None, new: int) -> int:
    deepest = comment.levels[-1] if comment.levels else _Level("map", -1, 0)
    if deepest.kind == "flow":
        return deepest.new + _STEP
    if old is not None and (comment.old == old or (comment.old > deepest.old and old > deepest.old)):
        return new
    return next((level.new for level in reversed(comment.levels) if level.old <= comment.old), 0)


def _block(head: str, rest: list[str], level: _Level) -> Iterator[str]:
    """The lines of a block, moved to where its level goes; what is inside stays as it is."""
    found = _HEAD.match(head)
    digit = next((one for one in (found.groups() if found else ()) if one), None)
    if digit is not None:
        old, new = max(level.old, 0) + int(digit), max(level.new, 0) + int(digit)
    else:
        full = [len(line) - len(line.lstrip(" ")) for line in rest if line.strip(" ")]
        old, new = (full[0] if full else 0), level.new + _STEP
    keeps = "+" in (found.group() if found else "")
    lines = [" " * new + line[old:] if line[old:] else "" for line in rest]
    # The last piece is what follows the last line break: the beginning of another line, or nothing.
    if lines and not rest[-1].strip():
        lines.pop()
    while lines and not lines[-1].strip() and not keeps:
        lines.pop()
    yield from lines


def _quoted(raw: str) -> str:
    """A text in single quotes in double ones, where that is the same."""
    if raw[:1] == "'" and not set(raw[1:-1]) & set("'\"\\\n"):
        return f'"{raw[1:-1]}"'
    return raw
