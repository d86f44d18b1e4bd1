"""`startgate audit tail`."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.journal.entry import administrative
from tests.commands.running import invoke
from tests.journal.making import encode, granted, record, write


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of two files."""
    reload = administrative("startgate-rules-reload", "reload", 0, outcome="failure", reason="a fault")
    records = [*granted("g1", user="anna"), *(record(f"d{number}", user="ben") for number in range(12)), reload]
    return write(tmp_path / "journal", map(encode, records[:8]), map(encode, records[8:]))


def test_the_last_records_are_a_line_each(journal: Path) -> None:
    told = invoke("audit", "tail").output.splitlines()
    assert [line.split()[-1] for line in told[:-1]] == [*(f"d{number}" for number in range(3, 12)), "reload"]
    assert told[-1] == "    a fault"
    assert told[0].split()[:6] == ["2023-11-14", "22:13:20", "start", "outcome", "failure", "ben"]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["-n", "2"], ["d11", "reload"]),
        (["--lines", "0"], []),
        (["--user", "anna"], ["g1", "g1", "g1"]),
        (["--kind", "admin"], ["reload"]),
        (["--kind", "start", "-n", "1"], ["d11"]),
        (["--since", "1h"], []),
    ],
)
def test_what_is_asked_for(journal: Path, arguments: list[str], ids: list[str]) -> None:
    told = invoke("audit", "tail", *arguments).output.splitlines()
    assert [line.split()[-1] for line in told if not line.startswith(" ")] == ids


def test_as_json_records_stand_as_in_the_journal(journal: Path) -> None:
    last = (journal / "starts-000002.jsonl").read_text().splitlines()[-1]
    assert invoke("audit", "tail", "-n", "1", "--json").output == last + "\n"


def test_verdicts_are_of_whole_starts(journal: Path) -> None:
    result = invoke("audit", "tail", "--verdict", "denied")
    assert (result.exit_code, "No such option" in result.stderr) == (2, True)


def test_a_garbage_line_is_told(journal: Path) -> None:
    with (journal / "starts-000002.jsonl").open("ab") as file:
        file.write(b"\xff\n" + encode(record("behind")))
    result = invoke("audit", "tail", "-n", "1")
    assert (result.exit_code, result.stdout.split()[-1]) == (1, "behind")
    assert "is no record" in result.stderr


def test_records_are_followed_until_it_is_interrupted(journal: Path) -> None:
    """In a process of its own, over a rotation; whoever reads its pipe gets each line at once."""
    command = [sys.executable, "-m", "proxy", "audit", "tail", "-f", "-n", "1", "--kind", "start"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline().split()[-1] == "d11"
        with (journal / "starts-000002.jsonl").open("ab") as file:
            file.write(encode(record("later")))
        assert running.stdout.readline().split()[-1] == "later"
        (journal / "starts-000003.jsonl").write_bytes(encode(record("rotated")))
        assert running.stdout.readline().split()[-1] == "rotated"
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    assert "Traceback" not in errors
