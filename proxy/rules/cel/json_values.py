"""JSON from the cluster: whether it may be handed to the library, and how large it is. No recursion."""

from collections.abc import Mapping
from typing import Any

from proxy.rules.cel.limits import JSON_DEPTH

_INT64 = range(-(1 << 63), 1 << 63)


def json_fault(value: Any) -> str | None:  # noqa: ANN401 - JSON
    """Why the library cannot hold the value; None where it can."""
    level = [value]
    for _ in range(JSON_DEPTH):
        below: list[Any] = []
        for each in level:
            if fault := _fault(each):
                return fault
            below += _within(each)
        if not below:
            return None
        level = below
    return f"it nests more than {JSON_DEPTH} levels"


def _fault(value: Any) -> str | None:  # noqa: ANN401 - JSON
    """What is wrong with a value that is not looked into."""
    match value:
        case str():
            # Halves of a surrogate pair are allowed in JSON, and no text.
            return None if value.isascii() or value.isprintable() or _encodes(value) else "it holds half a character"
        case bool() | None | float() | list() | Mapping():
            return None
        case int():
            return None if value in _INT64 else "it holds a number of more than 64 bits"
        case _:
            return f"it holds a {type(value).__name__}, which is no JSON"


def _encodes(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _within(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Keys and values of a mapping, elements of a list."""
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list) else []


def measured(value: Any) -> tuple[int, int, int]:  # noqa: ANN401 - JSON
    """How many elements the value has itself, how many are within those, and the bytes of its longest text."""
    own = len(_within(value))
    items = 0
    longest = 0
    level = [value]
    while level:
        below: list[Any] = []
        for each in level:
            if isinstance(each, str):
                # A character is four bytes at most.
                longest = max(longest, len(each) if each.isascii() else 4 * len(each))
            else:
                within = _within(each)
                items += len(within)
                below += within
        level = below
    return own, items - own, longest
