"""Where in a JSON text a value stands: the line and column that Elasticsearch's parse errors name.

Only errors need this, so bodies are decoded by the fast decoder and walked again here when one occurs.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[^\s,\]}]+")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets in the text: of the key (`start` where there is none), and of the value's first and last character."""

    key: int
    start: int
    end: int


def find(text: str, path: Sequence[str | int]) -> Span | None:
    """The span of the value at a path of keys and indices; None where the text holds no such value."""
    walker = _Walker(text)
    try:
        return walker.value(_skip(text, 0), tuple(path))
    except (IndexError, ValueError):
        return None


def line_column(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    line = text.count("\n", 0, offset) + 1
    return line, offset - (text.rfind("\n", 0, offset) + 1) + 1


def value_start(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Line and column where the value at `path` begins; (1, 1) where it is not found."""
    span = find(text, path)
    return (1, 1) if span is None else line_column(text, span.start)


def value_end(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Line and column of the value's last byte (a closing bracket, mostly)."""
    span = find(text, path)
    return (1, 1) if span is None else line_column(text, span.end)


def key_start(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Line and column where the key of the value at `path` begins."""
    span = find(text, path)
    return (1, 1) if span is None else line_column(text, span.key)


class _Walker:
    def __init__(self, text: str) -> None:
        self.text = text

    def value(self, offset: int, path: tuple[str | int, ...], key: int | None = None) -> Span | None:
        """The wanted span at or below the value at `offset`."""
        if not path:
            return Span(offset if key is None else key, offset, self.skip_value(offset) - 1)
        opener = self.text[offset]
        if opener == "{" and isinstance(path[0], str):
            return self._member(offset + 1, path)
        if opener == "[" and isinstance(path[0], int):
            return self._element(offset + 1, path)
        return None

    def skip_value(self, offset: int) -> int:
        """The offset after the value at `offset`."""
        opener = self.text[offset]
        if opener in '{["':
            return _DECODER.raw_decode(self.text, offset)[1]
        match = _SCALAR.match(self.text, offset)
        return offset + 1 if match is None else match.end()

    def _member(self, offset: int, path: tuple[str | int, ...]) -> Span | None:
        offset = _skip(self.text, offset)
        while self.text[offset] != "}":
            name, after = _DECODER.raw_decode(self.text, offset)
            start = _skip(self.text, _skip(self.text, after) + 1)
            if name == path[0]:
                return self.value(start, path[1:], offset)
            offset = self._next(self.skip_value(start))
        return None

    def _element(self, offset: int, path: tuple[str | int, ...]) -> Span | None:
        offset, index = _skip(self.text, offset), 0
        while self.text[offset] != "]":
            if index == path[0]:
                return self.value(offset, path[1:])
            offset, index = self._next(self.skip_value(offset)), index + 1
        return None

    def _next(self, offset: int) -> int:
        offset = _skip(self.text, offset)
        return _skip(self.text, offset + 1) if self.text[offset] == "," else offset


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return offset if match is None else match.end()
