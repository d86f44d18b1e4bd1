"""Elasticsearch's time units (TimeValue)."""

import re

from proxy.errors import Refusal

# TransportStartDataFrameAnalyticsAction: DEFAULT_TIMEOUT
DEFAULT_TIMEOUT_S = 20.0
_SECONDS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_VALUE = re.compile(r"(\d{1,18})(?:\.(\d{1,18}))?\s*(nanos|micros|ms|s|m|h|d)")


def parse_timeout(text: str | None) -> float | None:
    """A time value in seconds: the default where there is none, and None for `-1`, without limit.

    Raises:
        Refusal: 400 `illegal_argument_exception` with Elasticsearch's text.
    """
    if text is None:
        return DEFAULT_TIMEOUT_S
    normal = text.strip().lower()
    if normal == "-1":
        return None
    if normal == "0":
        return 0.0
    match = _VALUE.fullmatch(normal)
    if match is None:
        raise Refusal(400, "illegal_argument_exception", _problem(text))
    if match[2]:
        fractional = f"failed to parse [{text}], fractional time values are not supported"
        raise Refusal(400, "illegal_argument_exception", fractional)
    return int(match[1]) * _SECONDS[match[3]]


def _problem(text: str) -> str:
    return f"failed to parse setting [timeout] with value [{text}] as a time value: unit is missing or unrecognized"
