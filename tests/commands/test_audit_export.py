"""`startgate audit export`."""

import csv
import json
import stat
from pathlib import Path

import pytest

from proxy.journal.entry import administrative
from tests.commands.running import invoke
from tests.journal.making import granted, opened, record, sealed, write

RECORDS = [
    opened(),
    *granted("g1", user="anna"),
    record("d1", user="ben", at_s=10_000),
    administrative("startgate-rules-reload", "reload", 0, outcome="success"),
]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with a chain, in two files."""
    lines, _ = sealed(RECORDS)
    return write(tmp_path / "journal", lines[:2], lines[2:])


def test_all_records_come_out_byte_for_byte(journal: Path) -> None:
    files = b"".join(path.read_bytes() for path in sorted(journal.iterdir()))
    assert invoke("audit", "export").stdout_bytes == files


def test_what_came_out_can_be_verified(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    assert invoke("audit", "export", "--output", "copy/starts-000001.jsonl").exit_code == 0
    assert invoke("audit", "verify", "--journal", "copy").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--user", "anna"], ["g1", "g1", "g1"]),
        (["--verdict", "refused"], ["d1"]),
        (["--kind", "start", "--verdict", "granted"], ["g1", "g1", "g1"]),
        (["--kind", "admin"], ["opened", "reload"]),
        (["--since", "2023-11-15"], ["d1"]),
    ],
)
def test_what_is_asked_for(journal: Path, arguments: list[str], ids: list[str]) -> None:
    told = invoke("audit", "export", *arguments).stdout.splitlines()
    assert [json.loads(line)["event"]["id"] for line in told] == ids


@pytest.mark.parametrize(("kinds", "rows"), [([], 2), (["--kind", "all"], 6)])
def test_a_table_into_a_file(journal: Path, kinds: list[str], rows: int) -> None:
    assert invoke("audit", "export", "--csv", "--output", "out.csv", *kinds).exit_code == 0
    with Path("out.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == rows
    assert stat.S_IMODE(Path("out.csv").stat().st_mode) == 0o600


def test_a_table_into_a_pipe(journal: Path) -> None:
    assert invoke("audit", "export", "--csv").stdout.startswith('"time","receipt"')


@pytest.mark.parametrize(("name", "why"), [("there", "File exists"), ("no/where", "No such file or directory")])
def test_nothing_is_written_over(journal: Path, name: str, why: str) -> None:
    Path("there").write_text("mine")
    result = invoke("audit", "export", "--output", name)
    assert (result.exit_code, result.stderr) == (2, f"error: {name} cannot be made: {why}\n")
    assert Path("there").read_text() == "mine"


def test_a_garbage_line_is_told_and_hides_nothing_else(journal: Path) -> None:
    path = journal / "starts-000001.jsonl"
    path.write_bytes(b"garbage\n" + path.read_bytes())
    result = invoke("audit", "export")
    assert (result.exit_code, len(result.stdout.splitlines())) == (1, len(RECORDS))
    assert "starts-000001.jsonl:1 is no record" in result.stderr


def test_kinds_and_verdicts_exclude_each_other(journal: Path) -> None:
    assert invoke("audit", "export", "--kind", "all", "--verdict", "denied").exit_code == 2
