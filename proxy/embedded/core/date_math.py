"""Date math in queries: `now-1d/d`, `2024-01-01||+1M/d` (JavaDateMathParser)."""

import calendar
import re
import time
from datetime import UTC, datetime, timedelta

from proxy.embedded.core import dates
from proxy.embedded.core.failure import ElasticError, illegal

_STEP = re.compile(r"([+-])(\d*)([yMwdhHms])|/([yMwdhHms])")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPANS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "H": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}


def parse(text: str, format: str, *, round_up: bool, now_ms: int | None = None) -> int:
    """Epoch milliseconds of a date with math; `round_up` takes the last millisecond of what is left open.

    Raises ElasticError 400 `parse_exception`.
    """
    if text.startswith("now"):
        start, math = int(time.time() * 1000) if now_ms is None else now_ms, text[3:]
    else:
        date, _, math = text.partition("||")
        start = _date(date, format, round_up=round_up and not math)
    return _apply(start, math, text, round_up=round_up)


def _date(text: str, format: str, *, round_up: bool) -> int:
    try:
        found = dates.parse(text, format)
    except ElasticError as cause:
        raise ElasticError(400, "parse_exception", f"{cause.reason}: [{cause.reason}]", cause=cause) from None
    return found + _open_end(text, found) if round_up else found


def _open_end(text: str, found: int) -> int:
    """Milliseconds to the end of what an ISO date leaves open: the day of `2024-01-01`, the month of `2024-01`."""
    moment = _EPOCH + timedelta(milliseconds=found)
    if re.fullmatch(r"\d{4}", text) and len(text) == 4:
        return (366 if calendar.isleap(moment.year) else 365) * 86_400_000 - 1
    if re.fullmatch(r"\d{4}-\d\d", text):
        return calendar.monthrange(moment.year, moment.month)[1] * 86_400_000 - 1
    if re.fullmatch(r"\d{4}[-/]\d\d[-/]\d\d", text):
        return 86_400_000 - 1
    if re.fullmatch(r"\S+[T ]\d\d:\d\d", text):
        return 60_000 - 1
    return 999 if re.fullmatch(r"\S+[T ]\d\d:\d\d:\d\d", text) else 0


def _apply(start: int, math: str, text: str, *, round_up: bool) -> int:
    moment, offset = _EPOCH + timedelta(milliseconds=start), 0
    while offset < len(math):
        match = _STEP.match(math, offset)
        if match is None:
            cause = illegal(f"operator not supported for date math [{math[offset:]}]")
            raise ElasticError(400, "parse_exception", cause.reason)
        offset = match.end()
        if match[4]:
            moment = _rounded(moment, match[4])
            if round_up:
                moment = _moved(moment, 1, match[4]) - timedelta(milliseconds=1)
        else:
            moment = _moved(moment, int(match[1] + (match[2] or "1")), match[3])
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _moved(moment: datetime, count: int, unit: str) -> datetime:
    if unit in _SPANS:
        return moment + count * _SPANS[unit]
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "y" else 1)
    year, month = divmod(months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _rounded(moment: datetime, unit: str) -> datetime:
    if unit == "w":
        moment -= timedelta(days=moment.weekday())
    level = "smhdMy".index({"H": "h", "w": "d"}.get(unit, unit))
    return moment.replace(
        microsecond=0,
        second=0 if level > 0 else moment.second,
        minute=0 if level > 1 else moment.minute,
        hour=0 if level > 2 else moment.hour,
        day=1 if level > 3 else moment.day,
        month=1 if level > 4 else moment.month,
    )
