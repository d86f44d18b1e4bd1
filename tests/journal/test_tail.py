"""The end of a journal: whole lines only, and the last place of the chain, wherever it stands."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.errors import JournalError
from proxy.journal import chain
from proxy.journal.files import Files
from proxy.journal.tail import end_of_last_line, mend, read_tail
from tests.journal.disk import Disk

WHOLE = b'{"startgate":{"receipt":"r1","phase":"intent"}}\n'


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, 3 * len(WHOLE)), block=st.sampled_from([1, 7, 64 * 1024]))
def test_a_crash_at_any_byte_costs_only_the_line_it_hit(tmp_path: Path, at: int, block: int) -> None:
    file = tmp_path / "file"
    file.write_bytes((WHOLE * 3)[:at])
    handle = os.open(file, os.O_RDONLY)
    try:
        assert end_of_last_line(handle, at, block) == at // len(WHOLE) * len(WHOLE)
    finally:
        os.close(handle)


def test_what_a_crash_left_is_moved_and_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(WHOLE + b'{"half')
    handle = os.open(path, os.O_RDWR)
    try:
        torn = mend(path, handle, Files())
        assert torn is not None
        assert (torn.kept_in, torn.bytes) == (f"file.torn-at-{len(WHOLE)}", 6)
        assert (tmp_path / torn.kept_in).read_bytes() == b'{"half'
        assert mend(path, handle, Files()) is None
    finally:
        os.close(handle)
    assert path.read_bytes() == WHOLE


@pytest.mark.parametrize("call", ["open", "write", "sync", "sync_folder"])
def test_nothing_is_cut_off_before_it_is_kept_elsewhere(tmp_path: Path, call: str) -> None:
    path, disk = tmp_path / "file", Disk()
    path.write_bytes(WHOLE + b'{"half')
    handle = os.open(path, os.O_RDWR)
    disk.fail(call)
    try:
        with pytest.raises(OSError, match="Input/output"):
            mend(path, handle, disk)
        assert path.read_bytes() == WHOLE + b'{"half'
        assert mend(path, handle, disk) is not None
    finally:
        os.close(handle)
    assert path.read_bytes() == WHOLE


def written(folder: Path, *files: bytes) -> list[Path]:
    """Files of a journal with this content."""
    paths = [folder / f"starts-{number:06d}.jsonl" for number in range(1, len(files) + 1)]
    for path, content in zip(paths, files, strict=True):
        path.write_bytes(content)
    return paths


def sealed(count: int, **more: object) -> list[bytes]:
    link, found = chain.genesis("j" * 22), []
    for number in range(count):
        entry = {"@timestamp": f"2026-01-01T00:00:0{number}.000Z", "startgate": {"phase": "end"}, **more}
        line, link = chain.seal(entry, link)
        found.append(line)
    return found


def test_nothing_has_no_end(tmp_path: Path) -> None:
    assert read_tail([]).holds_lines is False
    tail = read_tail(written(tmp_path, b""))
    assert (tail.chain, tail.holds_lines, tail.time) == (None, False, "")


def test_the_last_place_and_time_are_found_over_empty_files(tmp_path: Path) -> None:
    one, two, three = sealed(3)
    tail = read_tail(written(tmp_path, one, two + three, b"", b""))
    assert tail.chain is not None
    assert tail.chain.seq == 3
    assert tail.time == "2026-01-01T00:00:02.000Z"


def test_a_chain_before_files_without_one_is_found(tmp_path: Path) -> None:
    one, two = sealed(2)
    tail = read_tail(written(tmp_path, one + two + WHOLE, WHOLE, WHOLE * 2))
    assert tail.chain is not None
    assert tail.chain.seq == 2
    assert tail.holds_lines
    assert tail.time == ""


def test_a_file_that_was_cut_in_a_line_is_read_up_to_there(tmp_path: Path) -> None:
    one, two = sealed(2)
    tail = read_tail(written(tmp_path, one + two[:50], b""))
    assert tail.chain is not None
    assert tail.chain.seq == 1


def test_garbage_between_old_lines_is_not_taken_for_the_chain(tmp_path: Path) -> None:
    [one] = sealed(1)
    tail = read_tail(written(tmp_path, one + b"garbage\n" + WHOLE))
    assert tail.chain is not None
    assert tail.chain.seq == 1


def test_a_last_line_longer_than_a_block_is_read_whole(tmp_path: Path) -> None:
    [one] = sealed(1, pad="x" * 200_000)
    tail = read_tail(written(tmp_path, WHOLE + one))
    assert tail.chain is not None


def test_the_file_and_line_are_told_of_what_is_wrong(tmp_path: Path) -> None:
    paths = written(tmp_path, WHOLE, WHOLE + sealed(1)[0].replace(b"end", b"out"))
    with pytest.raises(JournalError, match=r"starts-000002\.jsonl:2 is not what was written"):
        read_tail(paths)
