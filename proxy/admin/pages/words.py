"""How values are written on a page [pure]. What is not known is a dash."""

import json
import re
from typing import Any, Final
from urllib.parse import quote

from proxy import text

NONE: Final = "-"
TONES: Final = {
    "good": {"granted", "allowed", "success", "loaded", "writable", "sound", "up", "started", "stopped", "in force"}
    | {"would start", "available", "ok"},
    "bad": {"denied", "failed", "failure", "damaged", "failing", "stalled", "down", "refused", "would fail", "ejected"},
    "warn": {"unknown", "open", "running", "waiting", "slow return", "not known"},
}


def tone(word: str) -> str:
    """The class by which a word is coloured."""
    return next((name for name, words in TONES.items() if word in words), "plain")


def clock(time: str) -> str:
    """An RFC 3339 time to the second, without what the heading says of it; any other text as it is."""
    if re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", time) is None:
        return time
    return time[:19].replace("T", " ")


def took(milliseconds: float | None) -> str:
    """A duration, as precise as anybody would compare it."""
    if milliseconds is None:
        return NONE
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds / 60_000:.0f} min"


def age(seconds: float | None) -> str:
    """How long something lasts, in its largest unit."""
    if seconds is None:
        return NONE
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def size(count: float | None) -> str:
    """Bytes, in units of 1,024."""
    return NONE if count is None else text.size(count)


def percent(share: float | None) -> str:
    """A share of one."""
    return NONE if share is None else f"{100 * share:.1f} %"


def thousands(count: int | None) -> str:
    """A whole number with its thousands apart."""
    return NONE if count is None else f"{count:,}"


def rate(value: float, unit: str) -> str:
    """A value with its unit (`traffic.Plot.unit`)."""
    if unit.startswith("bytes"):
        return size(value) + unit.removeprefix("bytes")
    if unit == "ms":
        return took(value)
    number = f"{value:.2f}".rstrip("0").rstrip(".") if value < 10 else f"{value:.0f}"
    return number if unit == "1" else f"{number} {unit}"


def pretty(value: Any) -> str:  # noqa: ANN401 -- any JSON value
    """A JSON value on lines of its own."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def compact(value: Any) -> str:  # noqa: ANN401 -- any JSON value
    """A JSON value on one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def urlpart(part: str) -> str:
    """A text as one part of a path. `.` and `..` cannot be one: no receipt or job is called so."""
    return quote(part, safe="", errors="replace")


def file(place: str) -> str:
    """A place in a rule file without the folders before it."""
    return place.rpartition("/")[2]


def anchor(place: str) -> str:
    """The name of a line of a rule file (`rules/start.yml:12:5`, or without the column) within a page."""
    without_column = re.sub(r"^(.*:\d+):\d+$", r"\1", place)
    return "L-" + re.sub(r"[^A-Za-z0-9_.-]", "-", without_column.rpartition("/")[2])
