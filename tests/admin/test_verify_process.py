"""The process that checks a chain: how far it is, and what it found."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from proxy.admin import verify_process as module
from proxy.admin.verify_process import Tell, Told, check
from tests.journal.making import opened, record, sealed, write

ROOT = Path(__file__).parents[2]
FIRST = "starts-000001.jsonl"


def checked(folder: Path) -> list[Told]:
    """What is told of a journal."""
    read, written = os.pipe()
    try:
        check(folder, Tell(written))
        os.close(written)
        with os.fdopen(read, "rb", closefd=False) as file:
            return [msgspec.json.decode(line, type=Told) for line in file]
    finally:
        os.close(read)


def journal(folder: Path) -> list[bytes]:
    """A journal of 21 records."""
    lines = sealed([opened(), *(record(f"r{number}") for number in range(20))])[0]
    write(folder, lines)
    return lines


def test_a_sound_journal(tmp_path: Path) -> None:
    size = sum(map(len, journal(tmp_path)))
    *progress, last = checked(tmp_path)
    assert last == Told(read_bytes=size, total_bytes=size, records=21, done=True)
    assert progress == [Told(read_bytes=size, total_bytes=size)], "a small one is one block"


def test_findings_are_told_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = journal(tmp_path)
    monkeypatch.setattr(module, "FINDINGS_TOLD", 2)
    for place in (3, 7, 11, 15):
        lines[place] = lines[place].replace(b'"r', b'"x')
    write(tmp_path, lines)
    last = checked(tmp_path)[-1]
    assert last.done
    assert len(last.findings) == 3
    assert f"{FIRST}:4: changed" in last.findings[0]
    assert last.findings[2] == "and 2 more"


def test_what_cannot_be_checked_has_failed(tmp_path: Path) -> None:
    (last,) = checked(tmp_path / "none")
    assert last.done
    assert "there is no journal" in last.failed


def test_as_it_is_started(tmp_path: Path) -> None:
    journal(tmp_path)
    command = [sys.executable, "-m", "proxy.admin.verify_process", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    last = msgspec.json.decode(done.stdout.splitlines()[-1], type=Told)
    assert (last.done, last.records, last.findings) == (True, 21, ())


def test_it_ends_quietly_where_nobody_listens_any_more(tmp_path: Path) -> None:
    journal(tmp_path)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "proxy.admin.verify_process", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
