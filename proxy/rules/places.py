"""From a place in a text to the place in the file where it is written: through quotes, escapes and folded lines.

What a value says and how YAML writes it differ, but the characters that are no white space stand in the same order in
both. So the way back is found by going through both side by side. Where they do not go together, which no text that
YAML has read should bring about, the place of the whole value is told.
"""

import re
from collections.abc import Iterator

from proxy.rules.source import Mark, Scalar

_WHITE = " \t\n\r\x85\u2028\u2029"
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
# What a short escape stands for where that is no letter of itself (YAML 1.1 §5.6).
_SHORT = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
# One character of a text in double quotes: an escape (YAML 1.1 §5.6), an escaped line break, or the character itself.
_ESCAPED = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r\n|.)|.", re.DOTALL)


def place_in(scalar: Scalar, line: int, column: int) -> Mark:
    """Where in its file the character stands that is at this line and column (from 1) of the scalar's text."""
    starts = [0, *(found.end() for found in re.finditer("\n", scalar.text))]
    offset = min(starts[min(line, len(starts)) - 1] + column - 1, len(scalar.text))
    raw = scalar.raw or scalar.text
    at = _offsets(scalar.text, raw)[offset]
    breaks = list(_BREAK.finditer(raw, 0, at))
    if not breaks:
        return Mark(file=scalar.mark.file, line=scalar.mark.line, column=scalar.mark.column + at)
    return Mark(file=scalar.mark.file, line=scalar.mark.line + len(breaks), column=at - breaks[-1].end() + 1)


def _offsets(text: str, raw: str) -> list[int]:
    """For each character of `text`, and for its end, the offset in `raw`."""
    units = list(_units(raw))
    found: list[int] = []
    used, after = 0, units[0][0] if units else 0
    for char in text:
        if used < len(units) and units[used][2] == char:
            start, end, _ = units[used]
            found.append(start)
            used, after = used + 1, end
        elif char in _WHITE:
            found.append(after)
            # Blanks inside a line are written as they are; a line break is where the text goes on.
            after += char == " "
        else:
            return [0] * (len(text) + 1)
    return [*found, after]


def _units(raw: str) -> Iterator[tuple[int, int, str]]:
    """Each character that is written as such, or as an escape: from, to, and the character. White space that may be
    folded is none."""
    if raw[:1] == '"':
        yield from _escaped(raw)
        return
    quoted = raw[:1] == "'"
    # The head of a block (`|-`, `>2 # …`) is not part of its text.
    start = raw.index("\n") if raw[:1] in "|>" and "\n" in raw else int(quoted)
    doubled = re.compile("''|.", re.DOTALL) if quoted else re.compile(".", re.DOTALL)
    for found in doubled.finditer(raw, start, len(raw) - quoted):
        if found.group()[0] not in _WHITE:
            yield found.start(), found.end(), found.group()[0]


def _escaped(raw: str) -> Iterator[tuple[int, int, str]]:
    """The same of a text in double quotes."""
    for found in _ESCAPED.finditer(raw, 1, len(raw) - 1):
        written = found.group()
        if written[0] != "\\":
            if written not in _WHITE:
                yield found.start(), found.end(), written
        elif written[1] not in _WHITE[2:]:
            yield found.start(), found.end(), _unescaped(written)


def _unescaped(written: str) -> str:
    code = written[2:]
    return chr(int(code, 16)) if code else _SHORT.get(written[1], written[1])
