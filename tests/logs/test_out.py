"""Where lines go: a write for each, a file that is opened again, and what is lost is counted."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from proxy.logs.out import LINE_BYTES, PIPE_BYTES, Out

PROCESSES = 4
LINES = 300


def test_a_file_is_appended_to_and_is_not_everybodys(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"before\n")
    out = Out(str(file))
    assert out.write(b"after\n")
    out.close()
    assert file.read_bytes() == b"before\nafter\n"
    assert out.most == LINE_BYTES
    fresh = Out(str(tmp_path / "fresh"))
    fresh.close()
    assert not stat.S_IMODE((tmp_path / "fresh").stat().st_mode) & 0o007


def test_a_file_that_was_moved_away_is_followed_by_another(tmp_path: Path) -> None:
    file, old = tmp_path / "log", tmp_path / "log.1"
    out = Out(str(file))
    out.write(b"1\n")
    file.rename(old)
    out.write(b"2\n")
    out.reopen()
    out.write(b"3\n")
    out.close()
    assert old.read_bytes() == b"1\n2\n"
    assert file.read_bytes() == b"3\n"


def test_where_no_new_file_can_be_made_the_old_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    out = Out(str(folder / "log"))
    (folder / "log").rename(tmp_path / "log.1")
    folder.rmdir()
    with pytest.raises(OSError, match="No such file"):
        out.reopen()
    assert out.write(b"still\n")
    out.close()
    assert (tmp_path / "log.1").read_bytes() == b"still\n"


def test_what_is_lost_is_counted() -> None:
    out = Out("/dev/full")
    assert not out.write(b"x\n")
    assert not out.write(b"y\n")
    assert (out.lost, out.why) == (2, "No space left on device")
    out.close()


def test_a_pipe_takes_less_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    out = Out(str(path))
    assert out.most == PIPE_BYTES
    assert out.write(b"x\n")
    assert os.read(reader, 10) == b"x\n"
    os.close(reader)
    assert not out.write(b"nobody reads\n"), "no signal ends the process"
    out.close()


def test_a_line_after_one_that_was_cut_short_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is almost full takes a part of a line, then nothing, then all again."""
    file = tmp_path / "log"
    out = Out(str(file))
    true_write = os.write
    takes: list[int | OSError | None] = [3, OSError(28, "full"), None]

    def write(fd: int, data: bytes) -> int:
        much = takes.pop(0) if takes else None
        if isinstance(much, OSError):
            raise much
        return true_write(fd, data if much is None else data[:much])

    monkeypatch.setattr(os, "write", write)
    assert not out.write(b"one line\n")
    assert out.write(b"another\n")
    out.close()
    assert file.read_bytes() == b"one\nanother\n"


def _many(path: str, name: str) -> None:
    out = Out(path)
    for number in range(LINES):
        out.write(f"{name}{number:04d}".encode() * 1000 + b"\n")
    out.close()


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_many, args=(path, name)) for name in "abcd"[:PROCESSES]]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert len(lines) == PROCESSES * LINES
    assert all(line == line[:5] * 1000 for line in lines)


def test_a_pipe_that_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="No such device or address"):
        Out(str(path))
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    out = Out(str(path))
    line = b"x" * (PIPE_BYTES - 1) + b"\n"
    written = 0
    while out.write(line):
        written += 1
    assert (out.lost, out.why) == (1, "Resource temporarily unavailable")
    assert os.read(reader, PIPE_BYTES) == line
    assert out.write(line), "there is room again, and no line is torn"
    os.close(reader)
    assert not out.write(line)
    with pytest.raises(OSError, match="No such device or address"):
        out.reopen()
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    out.reopen()
    # What was in it when the first one left is there still.
    os.read(reader, (written + 1) * PIPE_BYTES)
    assert out.write(line)
    out.close()
    os.close(reader)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        Out(str(tmp_path))
