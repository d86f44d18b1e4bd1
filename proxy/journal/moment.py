"""Moments as people write them, for questions about records: a date or a time of RFC 3339, or how long ago."""

import re
from datetime import UTC, datetime, timedelta

EXAMPLES = "2026-01-31, 2026-01-31T09:00:00Z, 90m, 2h or 7d"
_AGO = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime) -> str | None:
    """The moment that a text stands for, as records have it: in UTC, to the millisecond. None where it is none.

    A time without a zone is one in UTC.
    """
    try:
        if ago := _AGO.fullmatch(text):
            found = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # Not strftime: some systems write years before 1000 without their zeros, and records are compared as text.
    return f"{found.replace(tzinfo=None, microsecond=0).isoformat()}.{found.microsecond // 1000:03d}Z"
