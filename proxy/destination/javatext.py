"""How Java prints a value read from JSON: what Elasticsearch's conflict texts are made of.

Maps print as `{type=keyword, ignore_above=256}` (`java.util.AbstractMap.toString`), in the order in which they came.
"""

from collections.abc import Mapping
from typing import Any

# `java.lang.Double.toString` turns to scientific notation outside of this range.
_PLAIN_FROM, _PLAIN_BELOW = 1e-3, 1e7


def java_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """The text that Java's string concatenation gives for a JSON value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(java_text(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double(value)
    return "null" if value is None else str(value)


def _double(value: float) -> str:
    if value == 0 or _PLAIN_FROM <= abs(value) < _PLAIN_BELOW:
        return repr(value)
    sign, digits, exponent = _decimal(value)
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"


def _decimal(value: float) -> tuple[str, str, int]:
    # Sign, significant digits, and the power of ten of the first of them; from Python's shortest digits.
    text = repr(abs(value))
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    exponent = int(power or 0) + len(whole) - 1 - leading
    return "-" if value < 0 else "", digits.rstrip("0"), exponent
