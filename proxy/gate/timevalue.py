"""Elasticsearch's time units (TimeValue)."""

import re

from proxy.errors import Refusal

# TransportStartDataFrameAnalyticsAction: DEFAULT_TIMEOUT
DEFAULT_TIMEOUT_S = 20.0
_SECONDS = {"nanos": 1e-9, "micros": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_VALUE = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))?\s*(nanos|micros|ms|s|m|h|d)")


def parse_timeout(text: str | None) -> float | None:
    """A time value in seconds: the default where there is none, and None for `-1`, without limit.

    Raises:
        Refusal: 400 `illegal_argument_exception` with Elasticsearch's text.
    """
    if text is None:
        return DEFAULT_TIMEOUT_S
    normal = text.strip().lower()
    if re.fullmatch("-0*1", normal):
        return None
    if re.fullmatch("0+", normal):
        return 0.0
    match = _VALUE.fullmatch(normal)
    # Months are no time value, so that a capital M is not taken for minutes.
    if match is None or (match[4] == "m" and "M" in text):
        raise _problem(text, "unit is missing or unrecognized")
    if match[3]:
        fractional = f"failed to parse [{text}], fractional time values are not supported"
        raise Refusal(400, "illegal_argument_exception", fractional)
    if match[1]:
        raise _problem(text, "negative durations are not supported")
    return int(match[2]) * _SECONDS[match[4]]


def _problem(text: str, why: str) -> Refusal:
    reason = f"failed to parse setting [timeout] with value [{text}] as a time value: {why}"
    return Refusal(400, "illegal_argument_exception", reason)
