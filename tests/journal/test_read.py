"""Reading a journal back: whole lines only, faults named by file and line, starts found by part of their receipt."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from proxy.errors import JournalError
from proxy.journal import read
from proxy.journal.entry import NOT_LIFTED, Phase, administrative, frame
from proxy.journal.read import records, start, starts, unfinished
from tests.journal.making import encode


def line(receipt: str, phase: str = "outcome", **more: Any) -> bytes:
    return json.dumps({"startgate": {"receipt": receipt, "phase": phase}, **more}).encode() + b"\n"


def write(folder: Path, *lines: bytes, name: str = "starts-000001.jsonl") -> Path:
    (folder / name).write_bytes(b"".join(lines))
    return folder


def test_records_come_in_the_order_of_writing_over_all_files(tmp_path: Path) -> None:
    write(tmp_path, line("c"), name="starts-000002.jsonl")
    write(tmp_path, line("a"), line("b"))
    assert [record["startgate"]["receipt"] for record in records(tmp_path)] == ["a", "b", "c"]


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    write(tmp_path, line("a"))
    write(tmp_path, b"half", name="starts-000001.jsonl.torn-at-0")
    write(tmp_path, b"", name="lock")
    assert len(list(records(tmp_path))) == 1


def test_a_last_line_without_its_end_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, line("a"), line("b")[:-1])
    assert [one.receipt for one in starts(tmp_path)] == ["a"]


def test_an_empty_journal_holds_nothing(tmp_path: Path) -> None:
    write(tmp_path)
    assert starts(tmp_path) == []
    assert start(tmp_path, "a") is None


@pytest.mark.parametrize(
    "broken",
    [
        *(b"{\n", b"\n", b"[]\n", b"1\n", b"null\n", b'"text"\n', b"{}\n", b'{"startgate":{}}\n', b'{"startgate":1}\n'),
        *(b'{"startgate":{"receipt":"a"}}\n', b"\xff\n", b'{"startgate":{"receipt":"\xff","phase":"end"}}\n'),
    ],
)
def test_a_broken_line_is_named_by_file_and_line(tmp_path: Path, broken: bytes) -> None:
    write(tmp_path, line("a"), broken, line("b"))
    with pytest.raises(JournalError, match=r"starts-000001\.jsonl:2 is not a record of a start"):
        starts(tmp_path)


def test_a_journal_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"there is no journal at .*/nowhere"):
        starts(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"/file is no folder, and a journal is one"):
        starts(tmp_path / "file")


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "starts-000001.jsonl").mkdir()
    with pytest.raises(JournalError, match=r"starts-000001\.jsonl cannot be read: Is a directory"):
        starts(tmp_path)


READ_AS_NOBODY = """
import os, sys
from pathlib import Path
from proxy.errors import JournalError
from proxy.journal.read import starts
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    starts(Path(sys.argv[1]))
except JournalError as error:
    print(error)
"""


def test_a_folder_that_may_not_be_read_is_not_an_empty_one(tmp_path: Path) -> None:
    """As somebody else, or with the mode taken away: who asks must hear that they may not look."""
    folder = tmp_path / "journal"
    folder.mkdir()
    folder.chmod(0o300 if os.getuid() else 0o700)
    asked = [sys.executable, "-c", READ_AS_NOBODY, str(folder)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert "cannot be read: Permission denied" in told.stdout


def test_the_records_of_a_start_are_joined(tmp_path: Path) -> None:
    write(tmp_path, line("a", "intent"), line("b", "intent"), line("a", "outcome"), line("a", "end"))
    first, second = starts(tmp_path)
    assert (first.receipt, list(first.records), first.open) == ("a", ["intent", "outcome", "end"], False)
    assert (second.receipt, list(second.records), second.open) == ("b", ["intent"], True)


@pytest.mark.parametrize(
    ("phases", "latest", "is_open"),
    [
        (["intent"], "intent", True),
        (["intent", "outcome"], "outcome", False),
        (["intent", "outcome", "end"], "end", False),
        (["intent", "end"], "end", True),
        (["outcome"], "outcome", False),
        (["of-a-newer-version"], "of-a-newer-version", False),
    ],
)
def test_the_latest_record_tells_most(tmp_path: Path, phases: list[str], latest: str, is_open: bool) -> None:
    write(tmp_path, *(line("a", phase) for phase in phases))
    (one,) = starts(tmp_path)
    assert one.latest["startgate"]["phase"] == latest
    assert one.open is is_open


def test_a_start_is_found_by_what_its_receipt_begins_with(tmp_path: Path) -> None:
    write(tmp_path, line("abc1"), line("abd2"), line("abc12"))
    found = start(tmp_path, "abd")
    assert found is not None
    assert found.receipt == "abd2"
    assert start(tmp_path, "x") is None


def test_a_whole_receipt_counts_more_than_one_that_begins_so(tmp_path: Path) -> None:
    write(tmp_path, line("abc1"), line("abc12"))
    found = start(tmp_path, "abc1")
    assert found is not None
    assert found.receipt == "abc1"


def test_too_short_a_receipt_is_refused(tmp_path: Path) -> None:
    write(tmp_path, line("abc1"), line("abd2"))
    with pytest.raises(JournalError, match="2 receipts begin with ab: abc1, abd2; give more of it"):
        start(tmp_path, "ab")


def _record(receipt: str, phase: Phase, outcome: str = "success") -> dict[str, Any]:
    return frame(phase, receipt, 1_700_000_000_000, outcome=outcome)


def test_what_is_unfinished_is_what_is_open_or_has_no_end(tmp_path: Path) -> None:
    records = [
        _record("denied", Phase.OUTCOME, "failure"),
        _record("open", Phase.INTENT, "unknown"),
        _record("running", Phase.INTENT, "unknown"),
        _record("running", Phase.OUTCOME),
        _record("ended", Phase.INTENT, "unknown"),
        _record("ended", Phase.OUTCOME),
        _record("ended", Phase.END),
        _record("quick", Phase.INTENT, "unknown"),
        _record("quick", Phase.END),
        _record("quick", Phase.OUTCOME),
        _record("uncertain", Phase.INTENT, "unknown"),
        _record("uncertain", Phase.OUTCOME, "unknown"),
        _record("refused", Phase.INTENT, "unknown"),
        _record("refused", Phase.OUTCOME, "failure"),
        _record("lost", Phase.INTENT, "unknown"),
        _record("lost", Phase.END),
    ]
    (tmp_path / "starts-000001.jsonl").write_bytes(b"".join(map(encode, records)))
    assert [one.receipt for one in unfinished(tmp_path)] == ["open", "running", "uncertain", "lost"]
    for one in starts(tmp_path):
        assert (one.open or one.unended) == (one.receipt in ("open", "running", "uncertain", "lost"))


def test_a_destination_that_stayed_blocked_is_unfinished(tmp_path: Path) -> None:
    for receipt, removal in (("stuck", f"kept: no; its write block {NOT_LIFTED}: no"), ("fine", "removed")):
        refused = _record(receipt, Phase.OUTCOME, "failure")
        refused["startgate"]["destination"] = {"removal": removal}
        with (tmp_path / "starts-000001.jsonl").open("ab") as file:
            file.write(encode(_record(receipt, Phase.INTENT, "unknown")) + encode(refused))
    assert [(one.receipt, one.blocked) for one in unfinished(tmp_path)] == [("stuck", True)]
    with (tmp_path / "starts-000001.jsonl").open("ab") as file:
        file.write(encode(_record("stuck", Phase.END)))
    assert unfinished(tmp_path) == []


def test_a_plan_that_was_told_has_no_end(tmp_path: Path) -> None:
    told = _record("told", Phase.OUTCOME, "success")
    told["startgate"]["plan_only"] = True
    (tmp_path / "starts-000001.jsonl").write_bytes(encode(told))
    assert unfinished(tmp_path) == []


def test_refused_starts_take_no_memory(tmp_path: Path) -> None:
    """Anybody can have starts refused, by the million; the next process must still come up."""
    line = encode(_record("0" * 32, Phase.OUTCOME, "failure") | {"user_agent": {"original": "x" * 1000}})
    with (tmp_path / "starts-000001.jsonl").open("wb") as file:
        for number in range(20_000):
            file.write(line.replace(b"0" * 32, b"%032x" % number))
    tracemalloc.start()
    try:
        assert unfinished(tmp_path) == []
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


def test_records_of_no_start_stand_apart(tmp_path: Path) -> None:
    """A reload of the rules between two starts is neither of them, and leaves nothing open."""
    reload = encode(administrative("startgate-rules-reload", "x", 0, outcome="success"))
    write(tmp_path, line("a", "intent"), reload, line("b"))
    assert [record["startgate"]["receipt"] for record in records(tmp_path)] == ["a", "b"]
    assert [one.receipt for one in starts(tmp_path)] == ["a", "b"]
    assert [one.receipt for one in unfinished(tmp_path)] == ["a"]
    assert [record["event"]["id"] for record in read.administrative(tmp_path)] == ["x"]


@pytest.mark.parametrize(
    "broken", [b'{"startgate":"admin"}\n', b'{"startgate":{"admin":1}}\n', b'{"startgate":["admin"]}\n']
)
def test_a_record_is_not_administrative_by_its_word_alone(tmp_path: Path, broken: bytes) -> None:
    write(tmp_path, broken)
    for reading in (records, read.administrative):
        with pytest.raises(JournalError, match=r"starts-000001\.jsonl:1 is not a record"):
            list(reading(tmp_path))
