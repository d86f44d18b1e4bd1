"""Cases as values."""

from datetime import UTC, datetime

from proxy.cases.model import DEFAULT_NOW_MS, Expected, Wanted


def test_the_time_of_a_case_that_names_none_never_changes() -> None:
    assert datetime.fromtimestamp(DEFAULT_NOW_MS / 1000, UTC) == datetime(2026, 1, 1, tzinfo=UTC)


def test_what_is_not_expected_is_not_looked_at() -> None:
    expected = Expected(verdict=Wanted.DENIED)
    assert expected.status is None
    assert expected.reasons is None
