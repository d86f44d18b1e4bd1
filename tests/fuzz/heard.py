"""Reading what a client was answered, without any of the proxy's own code, and as strictly as any client might."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.case import TAGS

_HEAD = re.compile(
    rb"HTTP/1\.1 ([1-5][0-9]{2}) [^\r\n\x00]*\r\n((?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: ?[^\r\n\x00]*\r\n)*)\r\n"
)
_FIELD = re.compile(rb"([^:\r\n]+): ?([^\r\n]*)\r\n")
_SIZE = re.compile(rb"([0-9a-f]{1,8})\r\n")


class Unreadable(Exception):
    """What came is no sequence of answers."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One final answer: `tag` is what its X-Opaque-Id names, b"" where it has none; `whole` unless it was cut."""

    status: int
    tag: bytes
    started: bool
    body: bytes
    whole: bool
    end: int


def answers(data: bytes, *, heads: bool | Sequence[bool]) -> list[Answered]:
    """The final answers in `data`, the last of them maybe cut. Raises Unreadable.

    `heads` says of each whether it answers a HEAD request and so has no body whatever it says; where the requests are
    not known, whether there may be such answers among them.
    """
    found: list[Answered] = []
    at = 0
    while at < len(data):
        guess = heads if isinstance(heads, bool) else False
        bodiless = not isinstance(heads, bool) and len(found) < len(heads) and heads[len(found)]
        answer = next_answer(data, at, heads=guess, bodiless=bodiless)
        if answer is None:
            break
        at = answer.end
        if answer.status >= 200:
            found.append(answer)
    return found


def next_answer(data: bytes, at: int, *, heads: bool = False, bodiless: bool = False) -> Answered | None:
    """The answer, interim or final, at `at`; None if its head is cut. Raises Unreadable."""
    match = _HEAD.match(data, at)
    if match is None:
        rest = data[at:]
        if b"\r\n\r\n" in rest or not (rest.startswith(b"HTTP/1.1 ") or b"HTTP/1.1 ".startswith(rest)):
            raise Unreadable(f"no answer begins with {rest[:60]!r}")
        return None
    status = int(match[1])
    fields = [(name.lower(), value.strip()) for name, value in _FIELD.findall(match[2])]
    tags = [found for name, value in fields if name == b"x-opaque-id" for found in TAGS.findall(value)[:1]]
    started = (b"x-oracle", b"start") in fields
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise Unreadable("an answer says twice where it ends")
    at, body = match.end(), b""
    # No body of these tests begins like an answer: it is the next one, so this one is to a HEAD.
    guessed = heads and (at == len(data) or data.startswith(b"HTTP/1.", at))
    end, whole = at, True
    if not (bodiless or guessed or status < 200 or status in (204, 304)):
        body, end, whole = _body(data, at, lengths, codings)
    return Answered(status, tags[0] if tags else b"", started, body, whole, end)


def _body(data: bytes, at: int, lengths: list[bytes], codings: list[bytes]) -> tuple[bytes, int, bool]:
    if codings:
        return _chunks(data, at)
    if not lengths:
        return data[at:], len(data), True
    end = at + int(lengths[0])
    return data[at:end], min(end, len(data)), end <= len(data)


def _chunks(data: bytes, at: int) -> tuple[bytes, int, bool]:
    body = b""
    while match := _SIZE.match(data, at):
        size = int(match[1], 16)
        body += data[match.end() : match.end() + size]
        at = match.end() + size
        ending = data[at : at + 2]
        if not b"\r\n".startswith(ending):
            raise Unreadable("a chunk of an answer does not end where it says")
        at += 2
        if at > len(data):
            return body, len(data), False
        if not size:
            return body, at, True
    if len(data) - at > 10:
        raise Unreadable("a chunk of an answer has no size")
    return body, len(data), False
