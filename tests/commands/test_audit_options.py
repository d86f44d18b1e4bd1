"""What the commands that read the journal share."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from proxy.commands.audit_options import TOLD, Damage, When, chosen
from proxy.journal.lines import Problem
from proxy.journal.query import Kind, Query, Result
from tests.commands.running import invoke


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00.000Z"),
        ("2026-01-31T09:00:00.1239", "2026-01-31T09:00:00.123Z"),
        ("2026-01-31T09:00:00+02:00", "2026-01-31T07:00:00.000Z"),
    ],
)
def test_moments_are_told_as_records_have_them(text: str, moment: str) -> None:
    assert When().convert(text, None, None) == moment


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_how_long_ago(text: str, ago: timedelta) -> None:
    before = datetime.now(UTC) - ago
    moment = datetime.fromisoformat(When().convert(text, None, None))
    assert before - timedelta(milliseconds=1) <= moment <= datetime.now(UTC) - ago


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2y", "-2h", "999999w", "0001-01-01T00:00:00+14:00", "²h"]
)
def test_what_is_no_moment_is_told_with_examples(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no time such as 2026-01-31, 2026-01-31T09:00:00Z, 90m, 2h or 7d"):
        When().convert(text, None, None)
    assert invoke("audit", "list", f"--since={text}").exit_code == 2


def test_kinds_are_chosen() -> None:
    start = frozenset({Kind.START})
    assert chosen((), Query(), start) == start
    assert chosen(("admin", "other"), Query(), start) == {Kind.ADMIN, Kind.OTHER}
    assert chosen(("admin", "all"), Query(), start) == set(Kind)
    with pytest.raises(click.UsageError, match="--verdict is of starts alone"):
        chosen(("admin",), Query(results=frozenset({Result.DENIED})), start)


def test_damage_is_told_once_bounded_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    damage = Damage()
    for _ in range(3):
        damage(Problem(Path("a.jsonl"), 0, "cannot be read"))
    for number in range(1, TOLD + 3):
        damage(Problem(Path("b.jsonl"), number, "is no record"))
    with pytest.raises(SystemExit) as ended:
        damage.end()
    told = capsys.readouterr().err.splitlines()
    assert ended.value.code == 1
    assert told[:2] == ["error: a.jsonl cannot be read", "error: b.jsonl:1 is no record"]
    assert told[-1] == "error: 3 more of these; `startgate audit verify` tells what is wrong"
    assert len(told) == TOLD + 1


def test_without_damage_all_is_well() -> None:
    with pytest.raises(SystemExit) as ended:
        Damage().end()
    assert ended.value.code == 0


@pytest.mark.parametrize("command", ["list", "tail", "export", "replay"])
@pytest.mark.parametrize(("since", "until"), [("1d", "2d"), ("2026-01-02", "2026-01-01"), ("2026-01-01", "2026-01-01")])
def test_no_time_between_two_moments_is_told(command: str, since: str, until: str) -> None:
    result = invoke("audit", command, "--since", since, "--until", until)
    assert result.exit_code == 2
    assert "there is no time in between" in result.stderr
