"""`startgate audit`."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.errors import ExitStatus
from proxy.journal import entry
from proxy.journal.entry import Phase
from tests.commands.running import invoke

RECEIPT = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with one start in it."""
    folder = tmp_path / "journal"
    folder.mkdir()
    record = entry.frame(Phase.OUTCOME, RECEIPT, 1_700_000_000_000, outcome="failure", reason="no such job")
    record["startgate"]["job"] = {"id": "flights"}
    (folder / "starts-000001.jsonl").write_bytes(entry.encode(record))
    return folder


def test_audit_list_is_a_table(journal: Path) -> None:
    result = invoke("audit", "list", "--journal", str(journal))
    assert result.exit_code == 0
    assert "flights" in result.output
    assert "no such job" in result.output
    assert RECEIPT[:12] in result.output
    assert invoke("audit", "list").output == result.output, "the default journal lies in the working directory"


def test_audit_list_as_json(journal: Path) -> None:
    (line,) = invoke("audit", "list", "--json").output.splitlines()
    assert json.loads(line)["startgate"]["receipt"] == RECEIPT


def test_audit_list_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    assert "no starts are recorded in" in invoke("audit", "list").output


@pytest.mark.parametrize("receipt", [RECEIPT, RECEIPT[:6]])
def test_audit_show(journal: Path, receipt: str) -> None:
    result = invoke("audit", "show", receipt)
    assert result.exit_code == 0
    assert result.output.splitlines()[0].split() == ["receipt", RECEIPT]
    assert json.loads(invoke("audit", "show", receipt, "--json").output)["event"]["reason"] == "no such job"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "fff"], "no start with receipt fff in "),
        (["list", "--journal", "nowhere"], "there is no journal at nowhere\n"),
        (["list", "--config", "nowhere.yml"], "nowhere.yml: cannot be read"),
    ],
)
def test_audit_of_what_is_not_there(journal: Path, arguments: list[str], text: str) -> None:
    result = invoke("audit", *arguments)
    assert result.exit_code == ExitStatus.INVALID
    assert text in result.stderr
    assert "Traceback" not in result.output


def test_where_a_journal_may_be_is_said_where_none_is() -> None:
    result = invoke("audit", "list")
    assert result.exit_code == ExitStatus.INVALID
    assert "journal; name its folder with --journal, or the configuration with --config\n" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", [["check"], ["audit", "list"], ["audit", "list", "--json"]])
def test_a_full_disk_is_told_in_a_line(arguments: list[str], journal: Path) -> None:
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(
            [sys.executable, "-m", "proxy", *arguments], stdout=full, stderr=subprocess.PIPE, check=False, text=True
        )
    assert (told.returncode, told.stderr) == (1, "error: the output cannot be written: No space left on device\n")


def test_a_reader_that_has_seen_enough_is_no_error(journal: Path) -> None:
    line = next(journal.iterdir()).read_bytes()
    (journal / "starts-000001.jsonl").write_bytes(line * 5000)
    command = f"{shlex.quote(sys.executable)} -m proxy audit list --json | head -c 1"
    told = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False, text=True)
    assert (told.stdout, told.stderr) == ("{", "")
