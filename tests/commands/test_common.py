"""What the commands share: how errors are told."""

import pytest

from proxy.commands.common import age, headed, reported
from proxy.errors import CannotServe, ConfigError, ExitStatus, Fault, JournalError


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (ConfigError([Fault("a.yml", "x", 1, 1), Fault("b.yml", "y")]), 2, "error: a.yml:1:1: x\nerror: b.yml: y\n"),
        (CannotServe(ExitStatus.UNREACHABLE, "not there"), 3, "error: not there\n"),
        (JournalError("full"), 2, "error: full\n"),
    ],
)
def test_errors_are_lines_and_a_status(
    error: Exception, status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, reported():
        raise error
    assert ended.value.code == status
    assert capsys.readouterr().err == text


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), reported():
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90_061, "1 d 1 h")]
)
def test_ages_are_told_in_two_units(seconds: float, told: str) -> None:
    assert age(seconds) == told


def test_a_line_of_a_heading_is_inert() -> None:
    assert headed("file", "a\x1b[31m").plain == f"{'file':<14}a\\x1b[31m"
