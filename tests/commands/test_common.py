"""What the commands share: how errors are told."""

import pytest

from proxy.commands.common import reported
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
