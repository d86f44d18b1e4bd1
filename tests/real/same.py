"""What of a node's answer and of the embedded cluster's must be equal, by the node's major version.

The embedded index core speaks as 8.15. On 8.x everything must be equal, but for orders that the JVM chooses anew at
each start. On 7.x and 9.x the words of errors are their own, so of an error only status and type are compared.
"""

import re
from typing import Any

# Decoded JSON.
Json = Any
EMBEDDED_MAJOR = 8

# Immutable sets of Java are iterated in an order that differs from start to start.
_CHARACTERS = re.compile(r"following characters \[(?:'\\?.',?)+\]")
_HEADERS = re.compile(r"headers \[(?:Accept, Content-Type|Content-Type, Accept)\]")
# Renamed in 8.7: either name counts as the other.
_OLD_TYPES = {"document_parsing_exception": "mapper_parsing_exception"}
# 7.x adds it to its content types; 8.x does not.
_CHARSET = re.compile(r"; ?charset=UTF-8", re.IGNORECASE)


def same(answer: dict[str, Any], major: int) -> dict[str, Any]:
    """`answer`, as `contract_cases.comparable` gives it, reduced to what must be equal."""
    if major != EMBEDDED_MAJOR and answer["status"] >= 400:
        return {"status": answer["status"], "type": _OLD_TYPES.get(_type(answer), _type(answer))}
    plain: dict[str, Any] = _plain(answer, major)
    return plain


def _type(answer: dict[str, Any]) -> str:
    """The type of an error; empty where there is none: the router's own errors, HEAD, `_cat`."""
    body = answer.get("body", answer)
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("type")) if isinstance(error, dict) else ""


def _plain(value: Json, major: int) -> Json:
    if isinstance(value, dict):
        kept = {key: _plain(inner, major) for key, inner in value.items()}
        if major == 7:
            _drop_what_7_differs_in(kept)
        return kept
    if isinstance(value, list):
        return [_plain(inner, major) for inner in value]
    if isinstance(value, str):
        text = _CHARACTERS.sub("following characters [<characters>]", value)
        return _CHARSET.sub("", _HEADERS.sub("headers [Accept, Content-Type]", text))
    return value


def _drop_what_7_differs_in(value: dict[str, Any]) -> None:
    if value.get("_type", "") in ("_doc", None):
        del value["_type"]
    if value.get("acknowledged") is True:
        value.pop("errors", None)  # of alias actions
    if "allow" in value:
        value["allow"] = sorted(value["allow"].split(","))  # a set whose order 7.x leaves to chance
    value.pop("dataset.size", None)
    # Nodes of 7.x set no tier preference without x-pack.
    value.pop("index.routing.allocation.include._tier_preference", None)
    if value.get("routing") == {"allocation": {"include": {"_tier_preference": "data_content"}}}:
        del value["routing"]
