"""One request as handlers see it: decoded path and query, typed parameters, the body when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.embedded.core import media
from proxy.embedded.core.failure import ElasticError, illegal, parse_failure
from proxy.embedded.core.json_text import Json
from proxy.embedded.core.media import Media

COMMON = ("error_trace", "filter_path", "format", "human", "pretty")  # accepted by every route
_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A routed request: `path_values` are the decoded parts that the route names, `query` the decoded parameters."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    path_values: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    media: Media | None = None

    def has_body(self) -> bool:
        """Whether anything was sent, as a body or as `?source=`."""
        return bool(self.body) or "source" in self.query

    def content(self) -> bytes:
        """The body, or `?source=` in its place."""
        return self.body or self.query.get("source", "").encode()

    def text(self) -> str:
        """The body as text, for the positions that errors name."""
        return self.content().decode(errors="replace")

    def json(self) -> Json:
        """The decoded body. Raises ElasticError 400 where none was sent or it does not parse."""
        if not self.has_body():
            raise parse_failure("request body is required")
        return media.decode(self.media or media.JSON, self.content())

    def object(self, *, required: bool = True) -> dict[str, Any]:
        """The body as an object, `{}` for none where it is not `required`. Raises ElasticError for any other value."""
        if not required and not self.has_body():
            return {}
        value = self.json()
        if not isinstance(value, dict):
            # What 8.x answers, with its status: it looks for a compressed body once the bytes are no object.
            reason = "Compressor detection can only be called on some xcontent bytes or compressed xcontent bytes"
            raise ElasticError(500, "not_x_content_exception", reason)
        return value

    def part(self, name: str, default: str = "") -> str:
        """A decoded part of the path, `default` where the route has none of that name."""
        return self.path_values.get(name, default)

    def param(self, name: str) -> str | None:
        """A query parameter's text, None where it was not sent."""
        return self.query.get(name)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean parameter; empty means true. Raises ElasticError 400 for anything but true and false."""
        value = self.query.get(name)
        return default if value is None else boolean(value, f"Could not convert [{name}] to boolean")

    def number(self, name: str, default: int | None = None) -> int | None:
        """An integer parameter. Raises ElasticError 400 where it is none."""
        value = self.query.get(name)
        if value is None:
            return default
        try:
            return int(value)
        except ValueError:
            cause = ElasticError(400, "number_format_exception", f'For input string: "{value}"')
            raise illegal(f"Failed to parse int parameter [{name}] with value [{value}]", cause) from None

    def names(self, name: str) -> list[str]:
        """A comma list, empty where the parameter was not sent."""
        return [part for part in self.query.get(name, "").split(",") if part]


def boolean(value: str, context: str | None = None) -> bool:
    """`true`, `false` or empty (true). Raises ElasticError 400 for anything else, under `context` where given."""
    if value in ("", "true"):
        return True
    if value == "false":
        return False
    cause = illegal(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
    raise cause if context is None else illegal(context, cause)


def split_target(target: str) -> tuple[str, str]:
    """Raw path and raw query of a request target; the path ends at the first `?`."""
    path, _, query = target.partition("?")
    return path, query


def parse_query(query: str) -> dict[str, str]:
    """Decoded parameters, the last of a name wins. `;` separates as `&` does, `#` ends the query (RestUtils).

    Raises ElasticError 400 for a broken escape.
    """
    found: dict[str, str] = {}
    for pair in query.partition("#")[0].replace(";", "&").split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        try:
            found[unescape(name, plus_as_space=True)] = unescape(value, plus_as_space=True)
        except ElasticError as cause:
            reason = f"java.lang.IllegalArgumentException: {cause.reason}"
            raise ElasticError(400, "bad_parameter_exception", reason, cause=cause) from None
    return found


def unescape(text: str, *, plus_as_space: bool = False) -> str:
    """Percent-decode once as UTF-8; `%%` is a percent sign. Raises ElasticError 400 for a broken escape (RestUtils)."""
    if plus_as_space:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    found = bytearray()
    offset = 0
    while offset < len(text):
        if text[offset] != "%":
            found += text[offset].encode("utf-8", "surrogateescape")
            offset += 1
        elif text.startswith("%%", offset):
            found += b"%"
            offset += 2
        else:
            found.append(_escape(text, offset))
            offset += 3
    return found.decode("utf-8", "replace")


def _escape(text: str, offset: int) -> int:
    digits = text[offset + 1 : offset + 3]
    if not digits:
        raise illegal(f"unterminated escape sequence at end of string: {text}")
    if len(digits) == 1:
        raise illegal(f"partial escape sequence at end of string: {text}")
    if not set(digits) <= _HEX:
        raise illegal(f"invalid escape sequence `%{digits}' at index {offset} of: {text}")
    return int(digits, 16)
