"""Moments as people write them."""

from datetime import UTC, datetime

import pytest

from proxy.journal.moment import moment

NOW = datetime(2026, 1, 31, 9, 30, 15, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00.000Z"),
        ("2026-01-31T09:00:00.5+02:00", "2026-01-31T07:00:00.500Z"),
        ("2026-01-31T09:00", "2026-01-31T09:00:00.000Z"),
        ("15s", "2026-01-31T09:30:00.123Z"),
        ("90m", "2026-01-31T08:00:15.123Z"),
        ("2h", "2026-01-31T07:30:15.123Z"),
        ("7d", "2026-01-24T09:30:15.123Z"),
        ("1w", "2026-01-24T09:30:15.123Z"),
        ("0999-01-01", "0999-01-01T00:00:00.000Z"),
    ],
)
def test_moments_are_told_as_records_have_them(text: str, expected: str) -> None:
    assert moment(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2x", "-2h", "9999999d", "999999w", "2026-13-01", "0001-01-01T00:00:00+14:00", "٣h"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment(text, NOW) is None
