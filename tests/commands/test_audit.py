"""`startgate audit`."""

import csv
import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.errors import ExitStatus
from proxy.journal import entry
from proxy.journal.entry import Phase, administrative
from tests.commands.running import invoke
from tests.journal.making import BEGIN_MS, encode, granted, record, write

RECEIPT = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal with one start in it."""
    folder = tmp_path / "journal"
    folder.mkdir()
    record = entry.frame(Phase.OUTCOME, RECEIPT, 1_700_000_000_000, outcome="failure", reason="no such job")
    record["startgate"]["job"] = {"id": "flights"}
    (folder / "starts-000001.jsonl").write_bytes(encode(record))
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


def filled(folder: Path) -> Path:
    """A journal of several starts and an administrative record."""
    records = [
        *granted("g" * 12, at_s=0, user="anna", job={"id": "flights", "destination": "out"}),
        record("d" * 12, at_s=10, user="ben", verdict={"allowed": False, "reasons": []}),
        administrative("startgate-rules-reload", "reload", BEGIN_MS, outcome="success"),
        *granted("f" * 12, at_s=20, user="anna", job={"id": "other"}, end="failure"),
        record("o" * 12, Phase.INTENT, "unknown", at_s=30, user="anna"),
    ]
    return write(folder, map(encode, records[:4]), map(encode, records[4:]))


def listed(*arguments: str) -> str:
    """The first letters of the receipts that are listed."""
    result = invoke("audit", "list", "--journal", "many", *arguments)
    assert result.exit_code == 0, result.output
    return "".join(line.split()[-1][0] for line in result.output.splitlines()[1:] if line.startswith("20"))


@pytest.mark.parametrize(
    ("arguments", "receipts"),
    [
        ([], "gdfo"),
        (["--user", "anna"], "gfo"),
        (["--user", "an*", "--job", "other"], "f"),
        (["--index", "out"], "g"),
        (["--verdict", "denied"], "d"),
        (["--verdict", "open", "--verdict", "failed"], "fo"),
        (["--verdict", "granted"], "gf"),
        (["--verdict", "allowed"], "gf"),
        (["--since", "2023-11-14T22:13:30Z"], "dfo"),
        (["--until", "2023-11-14T22:13:30Z"], "g"),
        (["--since", "1h"], ""),
        (["--limit", "2"], "fo"),
        (["--limit", "3", "--reverse"], "ofd"),
        (["--limit", "10000", "--user", "anna"], "gfo"),
    ],
)
def test_filters(tmp_path: Path, arguments: list[str], receipts: str) -> None:
    filled(tmp_path / "many")
    assert listed(*arguments) == receipts


def test_a_filter_that_nothing_answers(journal: Path) -> None:
    assert "no such starts in" in invoke("audit", "list", "--user", "nobody").output


def test_json_holds_all_records_of_the_starts_that_are_asked_for(tmp_path: Path) -> None:
    filled(tmp_path / "many")
    told = invoke("audit", "list", "--journal", "many", "--job", "flights", "--json").output.splitlines()
    assert [json.loads(line)["startgate"]["phase"] for line in told] == ["intent", "outcome", "end"]


def test_list_as_csv(tmp_path: Path) -> None:
    filled(tmp_path / "many")
    told = invoke("audit", "list", "--journal", "many", "--csv").output
    assert [row["receipt"][0] for row in csv.DictReader(io.StringIO(told))] == list("gdfo")


@pytest.mark.parametrize(
    ("arguments", "lines"), [(["--kind", "admin"], 1), (["--kind", "all"], 9), (["--kind", "other"], 0)]
)
def test_records_of_other_kinds(tmp_path: Path, arguments: list[str], lines: int) -> None:
    filled(tmp_path / "many")
    for form in ([], ["--json"]):
        assert len(invoke("audit", "list", "--journal", "many", *arguments, *form).output.splitlines()) == lines
    assert len(invoke("audit", "list", "--journal", "many", *arguments, "--csv").output.splitlines()) == lines + 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--json", "--csv"], "--json and --csv exclude each other"),
        (["--reverse"], "--reverse needs --limit"),
        (["--kind", "admin", "--limit", "3"], "--limit is of starts alone"),
        (["--kind", "all", "--verdict", "denied"], "--verdict is of starts alone"),
        (["--limit", "10001"], "1<=x<=10000"),
        (["--verdict", "maybe"], "'maybe' is not one of"),
    ],
)
def test_what_cannot_be_asked(journal: Path, arguments: list[str], text: str) -> None:
    result = invoke("audit", "list", *arguments)
    assert (result.exit_code, text in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("form", [[], ["--json"], ["--csv"], ["--kind", "all"], ["--limit", "5"]])
def test_a_garbage_line_hides_nothing_else_and_the_exit_status_tells(journal: Path, form: list[str]) -> None:
    path = journal / "starts-000001.jsonl"
    path.write_bytes(path.read_bytes() + b"\0garbage\n" + encode(record("behind" * 3)))
    result = invoke("audit", "list", *form)
    assert result.exit_code == 1
    assert "starts-000001.jsonl:2 is no" in result.stderr
    assert RECEIPT[:12] in result.stdout
    assert "behind" in result.stdout


def test_a_long_table_keeps_its_columns(journal: Path) -> None:
    lines = [encode(record(f"{number:032}", user="anna")) for number in range(1500)]
    (journal / "starts-000001.jsonl").write_bytes(b"".join(lines))
    told = invoke("audit", "list").output.splitlines()
    assert len(told) == 1501, "one heading"
    assert len({line.index("anna") for line in told[1:]}) == 1


def test_show_tells_of_a_broken_record_of_the_start(journal: Path) -> None:
    path = journal / "starts-000001.jsonl"
    path.write_bytes(path.read_bytes() + b'{"startgate":{"receipt":"' + RECEIPT.encode() + b'","phase":7}}\nx\n')
    result = invoke("audit", "show", RECEIPT)
    assert result.exit_code == 1
    assert "starts-000001.jsonl:2 is not a record of a start" in result.stderr
    assert "no such job" in result.stdout


def test_headings_are_as_wide_as_the_longest(journal: Path) -> None:
    one = record("owned", owner={"kind": "unknown", "seen": {"known": True, "name": "ann"}})
    (journal / "starts-000001.jsonl").write_bytes(encode(one))
    told = invoke("audit", "show", "owned").output.splitlines()
    assert [line[:21] for line in told if line.startswith("job last")] == ["job last changed by  "]
    assert {line[19:21] for line in told} == {"  "}


def test_a_receipt_without_a_character(journal: Path) -> None:
    result = invoke("audit", "show", "")
    assert (result.exit_code, "a character at least" in result.stderr) == (2, True)
    assert journal.exists()


def test_show_tells_a_record_of_another_kind_by_its_id(journal: Path) -> None:
    path = journal / "starts-000001.jsonl"
    made = administrative("startgate-rules-reload", "abc1", 0, outcome="failure", reason="a fault")
    made["startgate"]["admin"] = {"faults": ["a", "b"], "cases": {"run": 3}, "unknown": [{"x": 1}]}
    line = encode(made)
    path.write_bytes(path.read_bytes() + line + encode({**made, "event": {**made["event"], "id": "abc2"}}))
    told = dict(text.split(maxsplit=1) for text in invoke("audit", "show", "abc1").output.splitlines())
    assert (told["event.id"], told["event.reason"]) == ("abc1", "a fault")
    assert (told["startgate.admin.faults"], told["startgate.admin.cases.run"]) == ("a, b", "3")
    assert told["startgate.admin.unknown"] == '[{"x": 1}]'
    assert invoke("audit", "show", "abc1", "--json").stdout_bytes == line
    several = invoke("audit", "show", "abc")
    assert (several.exit_code, "abc1, abc2; give more of it" in several.stderr) == (2, True)


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
