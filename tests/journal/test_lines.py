"""Lines of a journal's files: in order, whole, bounded, and also while the journal is written, rotated and retired."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.errors import JournalError
from proxy.journal import lines as module
from proxy.journal.lines import Batch, Position, Problem, batches, files, lines_at, one_file


def read(folder: Path, after: Position | None = None) -> list[bytes]:
    """All lines of a journal, or those after a place."""
    return [line for batch in batches(folder, after=after) for line in batch.lines]


def path(folder: Path, number: int = 1) -> Path:
    """A file of a journal."""
    return folder / f"starts-{number:06d}.jsonl"


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
@pytest.mark.parametrize(
    "content", [b"", b"a\n", b"a\nbb\nccc\n", b"\n\n", b"a\n\nb", b"long" * 30 + b"\nb\n", b"torn", b"\xff\0\n"]
)
def test_lines_are_cut_at_newlines_wherever_blocks_end(
    tmp_path: Path, content: bytes, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", block)
    path(tmp_path).write_bytes(content)
    read_back = list(batches(tmp_path))
    *whole, torn = content.split(b"\n")
    assert [line for batch in read_back for line in batch.lines] == whole
    assert sum(batch.torn for batch in read_back) == len(torn)
    numbers = [batch.first + place for batch in read_back for place in range(len(batch.lines))]
    assert numbers == list(range(1, len(whole) + 1))
    if read_back:
        assert read_back[-1].end == Position(1, len(content) - len(torn), len(whole))


def test_files_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("starts-1000000.jsonl", "starts-000002.jsonl", "starts-000001.jsonl", "checkpoints.jsonl", "lock"):
        (tmp_path / name).write_text(name + "\n")
    assert [one.name for one in files(tmp_path)] == [
        "starts-000001.jsonl",
        "starts-000002.jsonl",
        "starts-1000000.jsonl",
    ]


def test_a_reader_goes_on_behind_any_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 5)
    path(tmp_path, 1).write_bytes(b"a\nbb\nccc\n")
    path(tmp_path, 2).write_bytes(b"d\ne\n")
    everything = read(tmp_path)
    seen: list[bytes] = []
    for batch in batches(tmp_path):
        seen += batch.lines
        assert seen + read(tmp_path, after=batch.end) == everything
    first_of_rest = next(batches(tmp_path, after=Position(1, 5, 2)))
    assert (first_of_rest.first, first_of_rest.lines) == (3, [b"ccc"])


def test_what_is_written_while_a_file_is_read_is_read_too(tmp_path: Path) -> None:
    """The file that was the last goes on, and a new one begins, between two looks of the reader."""
    path(tmp_path, 1).write_bytes(b"a\n")
    reading = batches(tmp_path)
    seen = next(reading).lines
    with path(tmp_path, 1).open("ab") as file:
        file.write(b"b\n")
    path(tmp_path, 2).write_bytes(b"c\n")
    for batch in reading:
        seen += batch.lines
    assert seen == [b"a", b"b", b"c"]


def test_the_end_of_a_file_is_read_once_more_when_a_later_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer adds to the last file and rotates after the reader has seen its end, and before it looks for more."""
    path(tmp_path, 1).write_bytes(b"a\n")
    looked = 0

    def look(folder: Path) -> list[Path]:
        nonlocal looked
        looked += 1
        if looked == 2:
            path(tmp_path, 1).write_bytes(b"a\nb\n")
            path(tmp_path, 2).write_bytes(b"c\n")
        return files(folder)

    monkeypatch.setattr(module, "files", look)
    assert read(tmp_path) == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    ("before", "then", "torn"),
    [(b"1\n2\n", b"3\n", 0), (b"1\n2\n", b"", 0), (b"1\n2\n3", b"\n", 0), (b"1\n2\n3\nto", b"", 2)],
)
def test_a_file_is_read_on_that_was_written_to_before_a_later_one_came_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bytes, then: bytes, torn: int
) -> None:
    """Just after its end was found, and no later one."""
    path(tmp_path).write_bytes(before)
    newest, asked = module._last, 0

    def last(folder: Path) -> int:
        nonlocal asked
        asked += 1
        if asked == 2:
            with path(tmp_path).open("ab") as file:
                file.write(then)
            path(tmp_path, 2).write_bytes(b"4\n")
        return newest(folder)

    monkeypatch.setattr(module, "_last", last)
    found = list(batches(tmp_path))
    lines = [line for batch in found for line in batch.lines]
    # What has no newline is no line.
    assert lines == [*(before + then).split(b"\n")[:-1], b"4"]
    assert [batch.torn for batch in found if batch.torn] == ([torn] if torn else [])


def test_a_file_that_is_retired_before_its_turn_is_left_out(tmp_path: Path) -> None:
    path(tmp_path, 1).write_bytes(b"a\n")
    path(tmp_path, 2).write_bytes(b"b\n")
    path(tmp_path, 3).write_bytes(b"c\n")
    reading = batches(tmp_path)
    seen = next(reading).lines
    path(tmp_path, 2).unlink()
    for batch in reading:
        seen += batch.lines
    assert seen == [b"a", b"c"]


def test_a_line_that_is_too_long_is_cut_and_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_BYTES", 50)
    monkeypatch.setattr(module, "LINE_LIMIT_BYTES", 200)
    monkeypatch.setattr(module, "CUT_BYTES", 20)
    content = b"a\n" + b"x" * 10_000 + b"\nb\n" + b"y" * 200 + b"\nc\n"
    path(tmp_path).write_bytes(content)
    lines = read(tmp_path)
    assert [line[:1] for line in lines] == [b"a", b"x", b"b", b"y", b"c"]
    assert len(lines[1]) < 200
    assert len(lines[3]) == 200
    assert list(batches(tmp_path))[-1].end == Position(1, len(content), 5)


@pytest.mark.slow
def test_a_line_of_100_mib_takes_no_such_memory(tmp_path: Path) -> None:
    """The file is sparse: it takes no room on the disk either."""
    with path(tmp_path).open("wb") as file:
        file.write(b"a\n")
        file.truncate(100 * 1024 * 1024)
        file.seek(0, os.SEEK_END)
        file.write(b"\nb\n")
    lines = read(tmp_path)
    assert (lines[0], lines[2]) == (b"a", b"b")
    assert len(lines[1]) < module.LINE_LIMIT_BYTES


def test_the_rest_of_a_record_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path(tmp_path).write_bytes(b"a\nhal")
    waits = 0

    def wait(seconds: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            path(tmp_path).write_bytes(b"a\nhalf\n")

    monkeypatch.setattr(time, "sleep", wait)
    read_back = list(batches(tmp_path, settle=True))
    assert [line for batch in read_back for line in batch.lines] == [b"a", b"half"]
    assert not any(batch.torn for batch in read_back)
    path(tmp_path).write_bytes(b"a\nhal")
    assert list(batches(tmp_path, settle=True))[-1].torn == 3, "not for ever"


def _link(one: Path) -> None:
    (one.parent / "elsewhere").write_text("a\n")
    one.symlink_to(one.parent / "elsewhere")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_link, "cannot be read: it is a symbolic link, and the files of a journal are none"),
        (Path.mkdir, "cannot be read: Is a directory"),
        (os.mkfifo, "cannot be read: it is no regular file"),
    ],
)
def test_what_is_no_file_is_told_and_hides_nothing_else(tmp_path: Path, make: Callable[[Path], None], why: str) -> None:
    path(tmp_path, 1).write_bytes(b"a\n")
    make(path(tmp_path, 2))
    path(tmp_path, 3).write_bytes(b"b\n")
    told: list[Problem] = []
    assert [line for batch in batches(tmp_path, told.append) for line in batch.lines] == [b"a", b"b"]
    assert [str(one) for one in told] == [f"{path(tmp_path, 2)} {why}"]
    with pytest.raises(JournalError, match=why):
        read(tmp_path)


def test_an_empty_folder_has_no_lines(tmp_path: Path) -> None:
    assert list(batches(tmp_path)) == []


def test_one_file_alone(tmp_path: Path) -> None:
    path(tmp_path, 1).write_bytes(b"a\n")
    path(tmp_path, 2).write_bytes(b"b\nc\n")
    assert list(one_file(path(tmp_path, 2))) == [Batch(path(tmp_path, 2), 1, [b"b", b"c"], Position(2, 4, 2))]


def test_lines_at_places(tmp_path: Path) -> None:
    path(tmp_path).write_bytes(b"one\ntwo\n")
    assert lines_at(path(tmp_path), [(4, 3), (0, 3), (4, 99), (99, 3)]) == [b"two", b"one", b"two\n", b""]
    with pytest.raises(FileNotFoundError):
        lines_at(path(tmp_path, 2), [(0, 3)])
