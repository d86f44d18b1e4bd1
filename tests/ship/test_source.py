"""Records behind a cursor, over files, while others write; and what becomes of cursors that fit no more."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import JournalError
from proxy.journal.chain import canonical
from proxy.ship import source
from proxy.ship.model import Cursor
from tests.ship.samples import FIRST, JOURNAL, SECOND, THIRD, Written, entry


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def numbers(written: Written, cursor: Cursor, count: int = 1000, size: int = 1 << 30) -> list[int]:
    return [record.seq for record in source.read(written.folder, cursor, count, size)]


def test_records_come_in_order_over_files(written: Written) -> None:
    written.append(3)
    written.append(2, SECOND)
    written.append(2, THIRD)
    found = written.records()
    assert [record.seq for record in found] == [1, 2, 3, 4, 5, 6, 7]
    assert [record.line for record in found] == written.lines
    assert [record.after.file for record in found] == [FIRST] * 3 + [SECOND] * 2 + [THIRD] * 2
    assert found[0].id.startswith(f"{JOURNAL}-1-")
    assert len({record.id for record in found}) == 7


def test_each_cursor_leads_to_the_next_record(written: Written) -> None:
    for file in (FIRST, SECOND, THIRD):
        written.append(3, file)
    cursor, got = source.beginning(written.folder), []
    while found := source.read(written.folder, cursor, 1, 1):
        got += [record.seq for record in found]
        cursor = found[-1].after
    assert got == list(range(1, 10))


@settings(max_examples=30)
@given(data=st.data())
def test_batches_of_any_size_miss_nothing_and_double_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    written = Written(tmp_path_factory.mktemp("journal"))
    for number in range(1, data.draw(st.integers(1, 4)) + 1):
        written.append(data.draw(st.integers(0, 6)), f"starts-{number:06}.jsonl")
    cursor, got = source.beginning(written.folder), []
    while found := source.read(
        written.folder, cursor, data.draw(st.integers(1, 5)), data.draw(st.sampled_from([1, 400, 900, 10_000]))
    ):
        got += [record.line for record in found]
        cursor = found[-1].after
    assert got == written.lines


def test_batches_are_bounded(written: Written) -> None:
    written.append(10)
    start = source.beginning(written.folder)
    assert numbers(written, start, count=4) == [1, 2, 3, 4]
    length = len(written.lines[0])
    assert numbers(written, start, size=3 * length) == [1, 2, 3]
    assert numbers(written, start, size=3 * length + 1) == [1, 2, 3]
    assert numbers(written, start, size=1) == [1], "one comes through, however large it is"


def test_a_line_without_its_end_is_not_read_yet(written: Written) -> None:
    written.append(2)
    whole = (written.folder / FIRST).read_bytes()
    (written.folder / FIRST).write_bytes(whole[:-1])
    assert [record.seq for record in written.records()] == [1]
    (written.folder / FIRST).write_bytes(whole)
    assert [record.seq for record in written.records()] == [1, 2]


def test_an_empty_journal_has_a_beginning(tmp_path: Path) -> None:
    start = source.beginning(tmp_path)
    assert start == Cursor(FIRST)
    assert source.read(tmp_path, start, 10, 10) == ()
    assert source.resume(tmp_path, start) == (start, "")
    assert source.head(tmp_path) == source.Head()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal at"):
        source.beginning(tmp_path / "none")


def test_lines_of_a_version_before_the_chain_have_ids_of_their_own(written: Written) -> None:
    for number in (1, 2):
        written.raw(canonical(entry(number)) + b"\n")
    written.append(2)
    found = written.records()
    assert [record.seq for record in found] == [0, 0, 1, 2]
    assert all(record.id.startswith("line-") for record in found[:2])
    assert found[0].id != found[1].id
    assert [record.id for record in written.records()] == [record.id for record in found]
    assert not any(record.fault for record in found)


@pytest.mark.parametrize(
    "line",
    [b"garbage", b"{}", b"[]", b"", b"\xff\xfe", b'{"startgate":{"chain":{"seq":"x"}}}', b"[" * 100_000, b'{"a":\x00}'],
)
def test_a_line_that_is_no_record_is_told_and_hides_nothing(written: Written, line: bytes) -> None:
    written.append(1)
    written.raw(line + b"\n")
    written.append(1)
    before, broken, after = written.records()
    assert (before.seq, after.seq) == (1, 2)
    assert broken.fault
    assert (broken.after.seq, broken.after.hash) == (1, before.after.hash)


def test_a_line_beyond_the_limit_is_told_and_not_held(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LINE_LIMIT_BYTES", 4096)
    written.raw(b'{"startgate":{},"a":"' + b"x" * (4096 - 24) + b'"}\n')
    written.raw(b'{"startgate":{},"a":"' + b"x" * (4096 - 23) + b'"}\n')
    written.append(1)
    fits, beyond, after = written.records()
    assert (len(fits.line), fits.fault, after.seq) == (4095, "", 1)
    assert beyond.fault == "the line is longer than 4096 bytes"
    assert len(beyond.line) == 1024


def test_a_line_beyond_the_limit_that_is_being_written_is_not_read(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LINE_LIMIT_BYTES", 4096)
    written.raw(b"x" * 10_000)
    assert written.records() == ()


def test_what_is_not_on_the_disk_yet_is_not_read(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is taken before the fsync: what comes in between may be taken back."""
    written.append(2)
    real = os.fsync

    def fsync(file: int) -> None:
        real(file)
        written.append(1)

    monkeypatch.setattr(os, "fsync", fsync)
    assert numbers(written, source.beginning(written.folder)) == [1, 2]


def test_a_disk_that_cannot_sync_gives_nothing(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    written.append(2)

    def fsync(_file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(JournalError, match="cannot be read: Input/output error"):
        written.records()


def test_a_cursor_that_stands_is_kept(written: Written) -> None:
    written.append(3)
    written.append(3, SECOND)
    for record in written.records():
        assert source.resume(written.folder, record.after) == (record.after, "")
    start = source.beginning(written.folder)
    assert source.resume(written.folder, start) == (start, "")


def test_a_cursor_whose_file_was_retired_goes_on_with_the_next(written: Written) -> None:
    written.append(3)
    written.append(3, SECOND)
    cursor = written.records()[2].after
    (written.folder / FIRST).unlink()
    assert numbers(written, cursor) == [4, 5, 6]
    assert source.resume(written.folder, cursor) == (Cursor(SECOND), "")
    (written.folder / SECOND).unlink()
    written.append(3, THIRD)
    assert source.resume(written.folder, cursor)[0] == Cursor(THIRD)
    assert source.resume(written.folder, cursor)[1], "records 4 to 6 are nowhere"


def test_a_cursor_finds_its_record_again_in_another_place(written: Written) -> None:
    written.append(5)
    cursor = written.records()[2].after
    moved = replace(cursor, offset=cursor.offset - 5)
    assert source.resume(written.folder, moved) == (
        cursor,
        f"{FIRST} is not as it was: going on behind record 3",
    )
    (written.folder / FIRST).rename(written.folder / SECOND)
    found, told = source.resume(written.folder, cursor)
    assert found == replace(cursor, file=SECOND)
    assert told


def test_a_cursor_of_another_journal_begins_anew(written: Written) -> None:
    written.append(5)
    cursor = written.records()[2].after
    (written.folder / FIRST).unlink()
    other = Written(written.folder, "another-journal")
    other.append(9)
    found, told = source.resume(written.folder, cursor)
    assert found == Cursor(FIRST)
    assert told == f"{FIRST} does not hold record 3 any more: beginning with what the journal holds"


def test_a_cursor_beyond_a_file_that_was_cut_begins_anew(written: Written) -> None:
    written.append(5)
    cursor = written.records()[4].after
    lines = (written.folder / FIRST).read_bytes().splitlines(keepends=True)
    (written.folder / FIRST).write_bytes(b"".join(lines[:3]))
    assert source.resume(written.folder, cursor)[0] == Cursor(FIRST)


def test_the_head_is_the_last_chained_record(written: Written) -> None:
    written.append(3)
    written.append(2, SECOND)
    assert source.head(written.folder) == source.Head(5, written.records()[-1].after.hash, JOURNAL)
    written.raw(b"garbage\n" + b"half", SECOND)
    assert source.head(written.folder).seq == 5
    (written.folder / THIRD).touch()
    assert source.head(written.folder).seq == 5


@pytest.mark.parametrize("size", [10, 65_536, 65_537, 200_000])
def test_the_head_is_found_behind_lines_of_any_length(written: Written, size: int) -> None:
    written.append(2, text="y" * size)
    assert source.head(written.folder).seq == 2
    written.raw(b"z" * size, FIRST)
    assert source.head(written.folder).seq == 2


def test_bytes_behind_are_counted_over_files(written: Written) -> None:
    written.append(2)
    written.append(2, SECOND)
    sizes = [(written.folder / file).stat().st_size for file in (FIRST, SECOND)]
    start = source.beginning(written.folder)
    assert source.bytes_behind(written.folder, start) == sum(sizes)
    assert source.bytes_behind(written.folder, written.records()[1].after) == sizes[1]
    assert source.bytes_behind(written.folder, written.records()[3].after) == 0


def test_timestamps_are_told_where_there_are_any(written: Written) -> None:
    written.append(1)
    assert source.timestamp(written.records()[0]) == "2026-11-24T12:00:00.000Z"
    assert source.timestamp(replace(written.records()[0], line=b"garbage")) == ""


def test_a_forged_journal_id_is_not_put_into_an_id(tmp_path: Path) -> None:
    forged = Written(tmp_path, "x" * 5000)
    forged.append(1)
    (record,) = forged.records()
    assert record.id.startswith("line-")
    assert len(record.id) < 512
