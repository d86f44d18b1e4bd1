"""Percent-decoding as Elasticsearch does it (RestUtils): once, as UTF-8, `+` a space in the query only.

Texts and statuses are those of 8.15.3 and 9.1.0; 7.17.24 answers a malformed path with 405.
"""

import re
from urllib.parse import unquote_to_bytes

from proxy.errors import Refusal

_ESCAPE = re.compile(r"%(?:%|[0-9A-Fa-f]{2})")


def decode_path(path: str) -> str:
    """Decode a path, or a part of one that is known to be well formed. What is not UTF-8 becomes U+FFFD.

    Raises:
        Refusal: 400 for a malformed escape; its text names the whole of what was given.
    """
    problem = _problem(path)
    if problem:
        raise Refusal(400, "illegal_argument_exception", problem)
    return _decoded(path)


def decode_query(query: str) -> dict[str, str]:
    """Decode a query: `&` and `;` both separate, `#` ends it, `+` is a space, the last of repeated names counts.

    Raises:
        Refusal: 400 for a malformed escape; its text names the one name or value.
    """
    parameters: dict[str, str] = {}
    for part in re.split("[&;]", query.partition("#")[0]):
        name, _, value = part.partition("=")
        if part:
            parameters[_parameter(name)] = _parameter(value)
    return parameters


def _parameter(text: str) -> str:
    problem = _problem(text)
    if problem:
        cause = {"type": "illegal_argument_exception", "reason": problem}
        text = f"java.lang.IllegalArgumentException: {problem}"  # RestRequest.BadParameterException
        raise Refusal(400, "bad_parameter_exception", text, caused_by=cause)
    return _decoded(text.replace("+", " "))


def _problem(text: str) -> str:
    """What is wrong with the first malformed escape, empty where all are good."""
    at = 0
    while (at := text.find("%", at)) >= 0:
        escape = _ESCAPE.match(text, at)
        if escape is None:
            rest = text[at : at + 3]
            if len(rest) == 3:
                return f"invalid escape sequence `{rest}' at index {at} of: {text}"
            kind = "unterminated" if len(rest) == 1 else "partial"
            return f"{kind} escape sequence at end of string: {text}"
        at = escape.end()
    return ""


def _decoded(text: str) -> str:
    # `%%` is Elasticsearch's second spelling of a percent sign.
    return unquote_to_bytes(_ESCAPE.sub(lambda match: "%25" if match[0] == "%%" else match[0], text)).decode(
        errors="replace"
    )
