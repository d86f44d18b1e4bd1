"""Aligned columns of text: the same in a terminal and in a pipe, without borders and without blanks at line ends."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from rich.text import Text

from proxy.text import plain

GAP = "  "


@dataclass(frozen=True, slots=True)
class Cell:
    """A text with a style of rich; what is in brackets is text and no markup. `right` asks to stand to the right, and
    does where all of its column ask."""

    text: str
    style: str = ""
    right: bool = False


def cell(value: object) -> Cell:
    """A value as a cell: plain text, fractions with three places."""
    if isinstance(value, Cell):
        return replace(value, text=plain(value.text))
    if isinstance(value, float):
        return Cell(f"{value:.3f}", right=True)
    return Cell(plain(str(value)), right=isinstance(value, int))


def lines(
    headings: Sequence[str], rows: Sequence[Sequence[object]], indent: str = "", least: Sequence[int] = ()
) -> list[Text]:
    """The headings and each row as a line; every row has as many values as there are headings. `least` are widths that
    columns have at least."""
    body = [[cell(value) for value in row] for row in rows]
    right = [bool(body) and all(row[place].right for row in body) for place in range(len(headings))]
    head = [Cell(heading, "dim", right[place]) for place, heading in enumerate(headings)]
    wide = [max(pair) for pair in zip_longest(widths(headings, body), least, fillvalue=0)]
    return [_line(row, wide, right, indent) for row in [head, *body]]


def widths(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> list[int]:
    """How wide each column is, so that a later part of a table can be as wide."""
    cells = [[len(heading) for heading in headings], *([len(cell(value).text) for value in row] for row in rows)]
    return [max(column) for column in zip(*cells, strict=True)]


def _line(row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool], indent: str) -> Text:
    line = Text(indent)
    for place, one in enumerate(row):
        blanks = " " * (widths[place] - len(one.text))
        if right[place]:
            line.append(blanks)
        line.append(one.text, one.style)
        if place + 1 < len(row):
            line.append(GAP if right[place] else blanks + GAP)
    return line
