"""From what a request holds to values of an endpoint's types. Whatever is wrong is told with its place, what is
allowed, and the nearest spelling.

Rules of this file: unknown names and repeated ones are refused, so that nobody believes a filter to be in force that
was misspelt; a body is read whole within a bound of size and time; the type of a body is said in its head.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import StreamReader, web

from proxy.admin.api import ApiError
from proxy.errors import nearest

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
# The field of a form that proves that a page of ours holds it.
CSRF: Final = "csrf"
# More than any page or endpoint has: what has more is refused before it is looked at.
PAIRS: Final = 64
_BYTE: Final = re.compile(r" \(byte (\d+)\)$")
_AT: Final = re.compile(r" - at `\$\.?(.*)`$")


def query_of(request: web.Request, kind: type | None) -> Any:  # noqa: ANN401 -- a value of `kind`
    """The query as a value of `kind`, None where there is none. Raises ApiError 400."""
    pairs = _pairs(request.rel_url.raw_query_string, "the query")
    return _from_texts(pairs, kind, "parameter")


def form_of(body: bytes, kind: type | None) -> tuple[Any, str]:
    """A form as a value of `kind`, and the token in it. Raises ApiError 400."""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise ApiError(400, f"a form is sent as {FORM}, in ASCII", where="body") from None
    pairs = _pairs(text, "the form")
    token = pairs.pop(CSRF, "")
    return _from_texts(pairs, kind, "field"), token


def json_of(body: bytes, kind: type | None) -> Any:  # noqa: ANN401 -- a value of `kind`
    """A JSON body as a value of `kind`. Raises ApiError 400."""
    if kind is None:
        if body:
            raise ApiError(400, "this call has no body", where="body")
        return None
    try:
        content = msgspec.json.decode(body)
    except RecursionError:
        raise ApiError(400, "the body is nested too deeply", where="body") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        raise ApiError(400, *_place(str(failure), body)) from None
    if not isinstance(content, dict):
        raise ApiError(400, "the body must be a JSON object", where="body", allowed=", ".join(_names(kind)))
    _known(content, kind, "field")
    return _converted(content, kind, strict=True)


async def body_of(request: web.Request, limit_bytes: int, limit_s: float) -> bytes:
    """The body, whole. Raises ApiError: 413 it is longer, 408 it takes too long, 400 it breaks off."""
    if (request.content_length or 0) > limit_bytes:
        raise _too_long(limit_bytes)
    try:
        async with asyncio.timeout(limit_s):
            return await _whole(request.content, limit_bytes)
    except TimeoutError:
        raise ApiError(408, f"the body did not come within {limit_s:g} s", headers={"Connection": "close"}) from None
    except (web.RequestPayloadError, ConnectionError, ValueError) as failure:
        raise ApiError(400, f"the body cannot be read: {type(failure).__name__}", where="body") from None


async def _whole(content: StreamReader, limit_bytes: int) -> bytes:
    held = bytearray()
    async for piece in content.iter_any():
        held += piece
        if len(held) > limit_bytes:
            raise _too_long(limit_bytes)
    return bytes(held)


def media_of(request: web.Request) -> str:
    """The type that a request says its body has, in lower case and without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_media(request: web.Request, wanted: str) -> None:
    """Raises ApiError 415 for a body of another type. A form of another site's page cannot be JSON by its type."""
    if media_of(request) != wanted:
        raise ApiError(415, "the body is of another type than its head says", where="Content-Type", allowed=wanted)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiError(415, "a compressed body is not taken", where="Content-Encoding", allowed="identity")


def _too_long(limit_bytes: int) -> ApiError:
    text = f"the body is longer than {limit_bytes} bytes"
    # What is left of it is not read.
    return ApiError(413, text, where="body", headers={"Connection": "close"})


def _pairs(text: str, what: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=PAIRS)
    except (ValueError, UnicodeDecodeError):
        raise ApiError(400, f"{what} is not in UTF-8, or has more than {PAIRS} parts", where=what) from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise ApiError(400, f"{name[:100]!r} is there twice", where=name[:100])
        found[name] = value
    return found


def _from_texts(pairs: Mapping[str, str], kind: type | None, what: str) -> Any:  # noqa: ANN401 -- a value of `kind`
    if kind is None:
        for name in pairs:
            raise ApiError(400, f"unknown {what} {name[:100]!r}; none is taken here", where=name[:100])
        return None
    _known(pairs, kind, what)
    return _converted(pairs, kind, strict=False)


def _known(given: Mapping[str, Any], kind: type, what: str) -> None:
    names = _names(kind)
    for name in given:
        if name not in names:
            hint = nearest(name[:100], names)
            raise ApiError(400, f"unknown {what} {name[:100]!r}{hint}", where=name[:100], allowed=", ".join(names))


def _names(kind: type) -> tuple[str, ...]:
    if is_dataclass(kind):
        return tuple(one.name for one in fields(kind))
    return tuple(one.encode_name for one in msgspec.structs.fields(kind))


def _converted(content: Mapping[str, Any], kind: type, *, strict: bool) -> Any:  # noqa: ANN401 -- a value of `kind`
    try:
        return msgspec.convert(content, kind, strict=strict)
    except msgspec.ValidationError as failure:
        text = str(failure)
        at = _AT.search(text)
        raise ApiError(400, _AT.sub("", text), where=at[1] if at else "") from None


def _place(text: str, body: bytes) -> tuple[str, ...]:
    """What is wrong with the text of a JSON document, with line and column where they are known."""
    if not body:
        return ("the body is empty, and should be a JSON object",)
    at = _BYTE.search(text)
    if at is None:
        return (f"the body is no JSON: {text}",)
    before = body[: int(at[1])]
    line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
    return (f"the body is no JSON: line {line}, column {column}: {_BYTE.sub('', text)}",)
