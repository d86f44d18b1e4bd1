"""Values as Java prints them, and Elasticsearch's simple wildcards."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from proxy.embedded.core.json_text import Json


def java(value: Json) -> str:
    """A parsed value as `String.valueOf` prints it: `{a=1}`, `[1, 2]`, `true`, `null`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}={java(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(java(inner) for inner in value) + "]"
    return java_float(value) if isinstance(value, float) else str(value)


def java_float(value: float) -> str:
    """A double as `Double.toString` prints it: `1.0E30` where Python has `1e+30`."""
    shown = repr(value)
    if "e" not in shown:
        return shown
    mantissa, exponent = shown.split("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"


def java_type(value: Json) -> str:
    """The simple class name that Elasticsearch prints for a parsed value, as in `Integer[1]`."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if -(2**31) <= value < 2**31 else "Long"
    if isinstance(value, float):
        return "Double"
    return "LinkedHashMap" if isinstance(value, Mapping) else "ArrayList" if isinstance(value, list) else "String"


@lru_cache(maxsize=4096)
def wildcard(pattern: str) -> re.Pattern[str]:
    """Elasticsearch's simple pattern (`*` only) as a compiled expression; use its `fullmatch`."""
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """Whether a simple pattern (`*` only) matches the whole text."""
    return text == pattern if "*" not in pattern else wildcard(pattern).fullmatch(text) is not None
