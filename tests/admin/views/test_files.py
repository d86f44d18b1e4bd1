"""The files of a journal with their times, also while they are written and retired."""

import os
from pathlib import Path

import pytest

from proxy.admin.shown.journal import JournalFile
from proxy.admin.views import files as module
from proxy.admin.views.files import JournalFiles
from proxy.errors import JournalError
from tests.journal.making import opened, record, sealed

FIRST, SECOND = "starts-000001.jsonl", "starts-000002.jsonl"


def lines(*at_s: int) -> list[bytes]:
    """Records of these times, as the writer writes them."""
    return sealed([opened(), *(record(f"r{one}", at_s=one) for one in at_s)])[0]


def test_sizes_and_times(tmp_path: Path) -> None:
    written = lines(10, 20, 30)
    (tmp_path / FIRST).write_bytes(b"".join(written))
    (tmp_path / SECOND).write_bytes(written[1] + b'{"half')
    (tmp_path / "cursor-syslog.json").touch()
    assert JournalFiles(tmp_path).list() == (
        JournalFile(
            name=FIRST,
            bytes=sum(map(len, written)),
            first_time="2023-11-14T22:13:20.000Z",
            last_time="2023-11-14T22:13:50.000Z",
        ),
        JournalFile(
            name=SECOND,
            bytes=len(written[1]) + 6,
            first_time="2023-11-14T22:13:30.000Z",
            last_time="2023-11-14T22:13:30.000Z",
        ),
    )


def test_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, files = lines(10, 20), JournalFiles(tmp_path)
    (tmp_path / FIRST).write_bytes(b"".join(written[:2]))
    before = files.list()
    reads: list[int] = []
    real = os.pread

    def counted(file: int, size: int, offset: int) -> bytes:
        reads.append(size)
        return real(file, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    assert files.list() == before
    assert reads == []
    with (tmp_path / FIRST).open("ab") as file:
        file.write(written[2])
    assert files.list()[0].last_time == "2023-11-14T22:13:40.000Z"
    assert reads
    (tmp_path / FIRST).unlink()
    assert files.list() == ()


@pytest.mark.parametrize("content", [b"", b"\n", b"garbage\n", b"{}\n", b"half", b"\n\n\n", b'{"@timestamp":"'])
def test_what_is_no_record_has_no_time(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FIRST).write_bytes(content)
    (found,) = JournalFiles(tmp_path).list()
    assert (found.bytes, found.first_time, found.last_time) == (len(content), "", "")


def test_a_last_line_that_is_too_long_has_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TAIL_BYTES", 100)
    (tmp_path / FIRST).write_bytes(b"".join(lines(10)))
    (found,) = JournalFiles(tmp_path).list()
    assert (found.first_time, found.last_time) == ("2023-11-14T22:13:20.000Z", "")


def test_what_is_no_file_has_no_time(tmp_path: Path) -> None:
    (tmp_path / FIRST).mkdir()
    (tmp_path / SECOND).symlink_to("elsewhere")
    assert [(one.first_time, one.last_time) for one in JournalFiles(tmp_path).list()] == [("", ""), ("", "")]


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        JournalFiles(tmp_path / "none").list()
