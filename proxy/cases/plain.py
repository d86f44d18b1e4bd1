"""Values of any shape out of strict YAML, for what a case quotes: mappings, settings, parts of records."""

from datetime import UTC, datetime
from math import isfinite
from typing import Any

from proxy.rules.source import Entry, Listing, Node, Scalar, ScalarKind
from proxy.rules.values import Values

# Digits of the largest number of Elasticsearch (an unsigned long). Python refuses to read thousands of them.
DIGITS_MAX = 20
# `yes`, `on` and `n` are booleans to YAML 1.1 and texts to most people: neither is guessed.
_BOOLEANS = {"true": True, "false": False}
_NULLS = ("null", "~", "")


def plain(values: Values, node: Node) -> Any:  # noqa: ANN401 -- any JSON value
    """The value that a node stands for; what cannot be told is noted and comes out as None."""
    if isinstance(node, Listing):
        return [plain(values, item) for item in node.items]
    if isinstance(node, Scalar):
        return _scalar(values, node)
    return {entry.key: plain(values, entry.value) for entry in node.entries}


def _scalar(values: Values, scalar: Scalar) -> Any:  # noqa: ANN401 -- any JSON value
    if scalar.kind is ScalarKind.TEXT:
        return scalar.text
    if scalar.kind is ScalarKind.INT:
        whole = _whole(scalar)
        if whole is None:
            values.note(scalar.mark, f"a whole number has at most {DIGITS_MAX} digits")
        return whole
    if scalar.text in _BOOLEANS:
        return _BOOLEANS[scalar.text]
    if scalar.text in _NULLS:
        return None
    if scalar.reading == "float" and (fraction := _fraction(scalar.text)) is not None:
        return fraction
    values.note(
        scalar.mark, f"YAML reads `{scalar.text}` as {scalar.reading}; put it in quotes, or write true or false"
    )
    return None


def _whole(scalar: Scalar) -> int | None:
    digits = scalar.text.replace("_", "")
    return int(digits) if len(digits.lstrip("+-")) <= DIGITS_MAX else None


def _fraction(text: str) -> float | None:
    """None for what JSON has not: infinity, and what is no number."""
    try:
        found = float(text.replace("_", ""))
    except ValueError:
        return None
    return found if isfinite(found) else None


def moment_ms(values: Values, entry: Entry) -> int | None:
    """A moment such as `2026-01-31T09:00:00Z`, in milliseconds since 1970; with no zone it would be a guess."""
    text = entry.value.text if isinstance(entry.value, Scalar) else ""
    try:
        moment = datetime.fromisoformat(text)
        # The calendar ends within a day of what a zone may say.
        found = round(moment.astimezone(UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"`{entry.key}` takes a moment with its zone, such as 2026-01-31T09:00:00Z"
        values.note(entry.value.mark, message)
        return None
    return found


def number(values: Values, entry: Entry, *, at_least: int, at_most: int) -> int | None:
    """A whole number within bounds; anything else is noted."""
    node = entry.value
    if isinstance(node, Scalar) and node.kind is ScalarKind.INT:
        found = _whole(node)
        if found is not None and at_least <= found <= at_most:
            return found
    values.note(node.mark, f"`{entry.key}` takes a whole number from {at_least} to {at_most}")
    return None


def truth(values: Values, entry: Entry) -> bool | None:
    """`true` or `false`; anything else is noted."""
    if isinstance(entry.value, Scalar) and entry.value.kind is not ScalarKind.TEXT and entry.value.text in _BOOLEANS:
        return _BOOLEANS[entry.value.text]
    values.note(entry.value.mark, f"`{entry.key}` takes true or false")
    return None
