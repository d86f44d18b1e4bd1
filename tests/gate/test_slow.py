"""Starts that took long are told, with where their time went."""

import logging
from typing import Any

import pytest

from proxy.gate.slow import SlowStarts, steps_of
from tests.gate.fakes import answer
from tests.gate.test_tally import flight

MARKS = {"identified": 100.0, "planned": 150.0, "intended": 155.0, "forwarded": 12_155.0, "answered": 12_156.0}


def told(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was told."""
    return [record for record in caplog.records if record.name == "proxy.gate.slow"]


def test_steps_are_what_lies_between_marks() -> None:
    assert list(steps_of(MARKS)) == [
        ("identified", 100.0),
        ("planned", 50.0),
        ("intended", 5.0),
        ("forwarded", 12_000.0),
        ("answered", 1.0),
    ]
    assert list(steps_of({"late": 5.0, "early": 2.0})) == [("early", 2.0), ("late", 3.0)]
    assert list(steps_of({})) == []


def test_a_slow_start_is_told_with_what_took_longest_first(caplog: pytest.LogCaptureFixture) -> None:
    SlowStarts(10.0).note(flight(marks_ms=dict(MARKS), job_id="j1"), answer(200))
    (record,) = told(caplog)
    receipt = flight().arrived.receipt
    assert record.levelno == logging.WARNING
    assert record.message == f"start {receipt} of j1 took 12.156 s until it was answered with 200: forwarded 12.000 s"
    fields: dict[str, Any] = record.__dict__["ecs"]
    assert fields["event.duration"] == 12_156_000_000
    assert fields["startgate.receipt"] == receipt
    assert list(fields["startgate.steps_ms"]) == ["forwarded", "identified", "planned", "intended", "answered"]


@pytest.mark.parametrize(("limit_s", "count"), [(12.156, 1), (12.157, 0), (0.0, 0)])
def test_only_who_took_so_long_is_told(limit_s: float, count: int, caplog: pytest.LogCaptureFixture) -> None:
    SlowStarts(limit_s).note(flight(marks_ms=dict(MARKS)), answer(200))
    assert len(told(caplog)) == count


def test_without_a_mark_nothing_is_slow(caplog: pytest.LogCaptureFixture) -> None:
    SlowStarts(0.001).note(flight(), answer(503))
    assert told(caplog) == []
