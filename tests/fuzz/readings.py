"""Reading a stream of requests as several lenient servers would: by the length or by the chunks where both are said,
with line feeds alone as line ends or not. What a proxy lets out must read the same to all of them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

_LINE_ENDS: Final = {False: re.compile(rb"\r\n"), True: re.compile(rb"\r?\n|\r")}
_HEAD_ENDS: Final = {False: re.compile(rb"\r\n\r\n"), True: re.compile(rb"\r?\n\r?\n|\r\r")}
_SIZE: Final = {False: re.compile(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n"), True: re.compile(rb"\s*([0-9A-Fa-f]+)[^\n]*\n")}
_START: Final = re.compile(rb"/?_ml/data_frame/analytics/[^/]*/_start/*")


@dataclass(frozen=True, slots=True)
class Reading:
    """How lenient a server reads. `lengths_first`: Content-Length counts where Transfer-Encoding stands, too;
    `line_feeds`: a line feed or a carriage return alone ends a line; `bits`: how many bits a chunk's size has."""

    lengths_first: bool
    line_feeds: bool
    bits: int = 64


READINGS: Final = tuple(
    Reading(lengths_first, line_feeds, bits)
    for lengths_first in (False, True)
    for line_feeds in (False, True)
    for bits in (32, 64)
)
STRICT: Final = READINGS[1]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as a server reads it; `end` is where the next begins, None while its body is incomplete."""

    method: bytes
    target: bytes
    tag: bytes
    expects: bool
    end: int | None

    @property
    def starts(self) -> bool:
        """Whether some server might take it for a start: with escapes decoded never, once or twice, case folded, `#` or
        `;` cut off, backslashes for slashes. Every server ends a path at its first `?`."""
        forms = {self.target.partition(b"?")[0]}
        for change in _CHANGES:
            forms |= {change(form) for form in forms}
        return self.method.upper() == b"POST" and any(_START.fullmatch(form.lower()) for form in forms)


# What some servers do to a path and others do not, in this order.
_CHANGES: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda path: re.sub(rb"^[A-Za-z]+://[^/]*", b"", path),
    lambda path: path.partition(b"#")[0],
    unquote_to_bytes,
    unquote_to_bytes,
    lambda path: path.replace(b"\\", b"/"),
    lambda path: re.sub(rb";[^/]*", b"", path),
    lambda path: re.sub(rb"[#?].*", b"", path, flags=re.DOTALL),
    lambda path: re.sub(rb"//+", b"/", path),
)


def read_all(stream: bytes, how: Reading) -> list[Seen]:
    """Every request in `stream`, the last maybe incomplete. What is no request ends the reading."""
    found: list[Seen] = []
    at = 0
    while (seen := read_one(stream, at, how)) is not None:
        found.append(seen)
        if seen.end is None:
            break
        at = seen.end
    return found


def read_one(stream: bytes, at: int, how: Reading) -> Seen | None:
    """The request at `at`, or None while its head is incomplete or where none begins."""
    match = _HEAD_ENDS[how.line_feeds].search(stream, at)
    if match is None:
        return None
    line, *lines = _LINE_ENDS[how.line_feeds].split(stream[at : match.start()])
    words = line.split()
    if len(words) < 2:
        return None
    fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    tags = [value for name, value in fields if name == b"x-opaque-id"]
    expects = any(name == b"expect" for name, _ in fields)
    end = _body_end(stream, match.end(), fields, how)
    return Seen(words[0], words[1], tags[0] if tags else b"", expects, end)


def _body_end(stream: bytes, at: int, fields: list[tuple[bytes, bytes]], how: Reading) -> int | None:
    lengths = [value for name, value in fields if name == b"content-length" and value.isdigit()]
    codings = [value for name, value in fields if name == b"transfer-encoding" and b"chunked" in value.lower()]
    if lengths and (how.lengths_first or not codings):
        end = at + int(lengths[0])
        return end if end <= len(stream) else None
    return _chunks_end(stream, at, how) if codings else at


def _chunks_end(stream: bytes, at: int, how: Reading) -> int | None:
    while match := _SIZE[how.line_feeds].match(stream, at):
        size = int(match[1], 16) % (1 << how.bits)
        at = match.end() + size
        if size:
            ending = re.compile(rb"\r?\n" if how.line_feeds else rb"\r\n").match(stream, at)
            at = ending.end() if ending else at
        else:
            end = _HEAD_ENDS[how.line_feeds].search(stream, match.end() - 2)
            return end.end() if end else None
    return None
