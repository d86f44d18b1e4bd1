"""What is found, and what a command ends with."""

import pytest

from proxy.doctor.model import CHECKS, Finding, Report, State, day, fail, ok, skip, warn, without


@pytest.mark.parametrize(
    ("findings", "status"),
    [
        ([], 0),
        ([ok("nodes", "there"), skip("clock", "not told")], 0),
        ([ok("nodes", "there"), warn("clock", "late", "NTP")], 1),
        ([warn("clock", "late", "NTP"), fail("nodes", "away", "start it")], 2),
    ],
)
def test_the_worst_is_the_exit_status(findings: list[Finding], status: int) -> None:
    assert Report(findings=tuple(findings)).exit_status == status


def test_what_is_left_out_is_skipped_and_counts_no_more() -> None:
    found = without([fail("nodes", "away", "start it"), warn("clock", "late", "NTP")], ["nodes", "clock"])
    report = Report(findings=tuple(found))
    assert report.exit_status == 0
    assert report.counts() == {State.SKIP: 2}


@pytest.mark.parametrize(("seconds", "text"), [(0, "1970-01-01"), (9.2e15, "a day beyond all calendars")])
def test_days(seconds: float, text: str) -> None:
    assert day(seconds) == text


def test_names_are_there_once() -> None:
    assert len(set(CHECKS)) == len(CHECKS)
