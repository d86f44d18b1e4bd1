"""The parameters of a request, each read at most where its handler reads it (`RestRequest`, `RestUtils`)."""

import re
from collections.abc import Mapping

from proxy.embedded.core.spelling import hint
from proxy.embedded.failure import bad_request

COMMON = frozenset({"format", "filter_path", "pretty", "human", "error_trace"})
_UNITS_S = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TIME = re.compile(r"(-?\d+(?:\.\d+)?)\s*(nanos|micros|ms|s|m|h|d)", re.IGNORECASE)


def time_seconds(text: str, name: str) -> float:
    """A duration such as `20s` in seconds; `-1` and `0` need no unit. Raises `Failure` 400 (`TimeValue`)."""
    text = text.strip()
    if text in ("-1", "0"):
        return float(text)
    found = _TIME.fullmatch(text)
    if found is None:
        raise bad_request(
            f"failed to parse setting [{name}] with value [{text}] as a time value: unit is missing or unrecognized"
        )
    return float(found[1]) * _UNITS_S[found[2].lower()]


class Params:
    """Reads parameters and remembers which: what nobody read is refused by `finish`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._read: set[str] = set(COMMON)

    def text(self, name: str, default: str | None = None) -> str | None:
        """The parameter as it is."""
        self._read.add(name)
        return self._values.get(name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean; an empty value is true. Raises `Failure` 400 for other words."""
        value = self.text(name)
        if value is None:
            return default
        if value not in ("", "true", "false"):
            raise bad_request(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
        return value != "false"

    def whole(self, name: str, default: int) -> int:
        """A whole number. Raises `Failure` 400."""
        value = self.text(name)
        try:
            return default if value is None else int(value)
        except ValueError:
            raise bad_request(f"Failed to parse int parameter [{name}] with value [{value}]") from None

    def seconds(self, name: str, default: float) -> float:
        """A duration in seconds. Raises `Failure` 400."""
        value = self.text(name)
        return default if value is None else time_seconds(value, name)

    def finish(self, path: str, *also: str) -> None:
        """Refuse parameters that nobody read, with a hint; `also` are names read from the path."""
        # Elasticsearch checks this after a handler has read what it wants and before it acts: bodies are judged first.
        unread = sorted(set(self._values) - self._read)
        if not unread:
            return
        known = self._read | set(also)
        named = ", ".join(f"[{name}]{hinted}" for name, hinted in ((n, _hint(n, known)) for n in unread))
        plural = "s" if len(unread) > 1 else ""
        raise bad_request(f"request [{path}] contains unrecognized parameter{plural}: {named}")


def _hint(name: str, known: set[str]) -> str:
    found = hint(name, known)
    return f" -> {found}" if found else ""
