"""Log lines: UTC, the name of the process, and nothing of what libraries say of every call."""

import logging
import re
from collections.abc import Iterator

import pytest

from proxy import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Puts the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_says_when_how_bad_who_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("edge-1")
    logging.getLogger("proxy.edge").warning("%d connections were cut", 3)
    line = capsys.readouterr().err
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING edge-1: 3 connections were cut\n", line)


def test_libraries_do_not_speak_of_every_call(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("gate")
    for name in logs.QUIET:
        logging.getLogger(name).info("a call")
        logging.getLogger(name).error("trouble in %s", name)
    logging.getLogger("proxy").info("heard")
    said = capsys.readouterr().err
    assert "a call" not in said
    assert said.count("trouble in") == len(logs.QUIET)
    assert "heard" in said


def test_configuring_twice_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("a")
    logs.configure("b")
    logging.getLogger("proxy").warning("once")
    assert capsys.readouterr().err.count("once") == 1


def test_what_an_event_says_cannot_pass_for_another(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("gate")
    forged = "2026-01-01T00:00:00.000Z WARNING gate: all is well"
    logging.getLogger("proxy").error("index [%s] is gone", f"x\n{forged}\x1b[2J")
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert f"\n    {forged}\\x1b[2J] is gone" in said
