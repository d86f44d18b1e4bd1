"""Percent-decoding as Elasticsearch does it (RestUtils): once, as UTF-8, `+` a space in the query only."""

import re
from urllib.parse import unquote_to_bytes

from proxy.errors import Refusal

_ESCAPE = re.compile(r"%(?:%|[0-9A-Fa-f]{2})")


def decode_path(text: str, whole_path: str) -> str:
    """Decode a part of a path. `whole_path` is only named in the error.

    Raises:
        Refusal: 400 for an escape that is malformed or not UTF-8.
    """
    return _decode(text, whole_path)


def decode_query(query: str) -> dict[str, str]:
    """Decode a query: `&` and `;` both separate, `#` ends it, `+` is a space, the last of repeated names counts.

    Raises:
        Refusal: 400 for an escape that is malformed or not UTF-8.
    """
    parameters: dict[str, str] = {}
    for part in re.split("[&;]", query.partition("#")[0]):
        name, _, value = part.partition("=")
        if part:
            parameters[_decode(name.replace("+", " "), query)] = _decode(value.replace("+", " "), query)
    return parameters


def _decode(text: str, whole: str) -> str:
    if "%" not in text:
        return text
    at = 0
    while (at := text.find("%", at)) >= 0:
        escape = _ESCAPE.match(text, at)
        if escape is None:
            raise Refusal(400, "illegal_argument_exception", _problem(text, at, whole))
        at = escape.end()
    # `%%` is Elasticsearch's second spelling of a percent sign.
    raw = unquote_to_bytes(_ESCAPE.sub(lambda match: "%25" if match[0] == "%%" else match[0], text))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Refusal(400, "illegal_argument_exception", f"escapes are not UTF-8 in: {whole}") from None


def _problem(text: str, at: int, whole: str) -> str:
    rest = text[at:]
    if len(rest) == 1:
        return f"unterminated escape sequence at end of string: {whole}"
    if len(rest) == 2:
        return f"partial escape sequence at end of string: {whole}"
    return f"invalid escape sequence `{rest[:3]}' at index {at} of: {whole}"
