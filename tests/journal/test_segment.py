"""One file: a batch is on the disk or not there at all."""

import errno
from pathlib import Path

import pytest

from proxy.journal.segment import LeftOver, Segment, meddled, new_segment, open_segment
from tests.journal.disk import Disk


@pytest.fixture
def disk() -> Disk:
    return Disk()


def opened(folder: Path, disk: Disk) -> Segment:
    segment, notes = open_segment(folder / "file", disk)
    assert notes == []
    return segment


def test_a_batch_is_written_behind_what_is_there(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "file").write_bytes(b"a\n")
    (tmp_path / "file").chmod(0o600)
    segment = opened(tmp_path, disk)
    segment.write(b"b\n")
    assert disk.synced == [b"a\nb\n"]
    assert segment.size == 4
    assert segment.wrong() == ""
    segment.close()


def test_a_part_that_was_written_is_cut_off(tmp_path: Path, disk: Disk) -> None:
    segment = opened(tmp_path, disk)
    segment.write(b"first\n")
    disk.takes = [7, 5]
    with pytest.raises(OSError, match="No space left") as failure:
        segment.write(b"x" * 100)
    assert failure.value.errno == errno.ENOSPC
    assert (tmp_path / "file").read_bytes() == b"first\n"
    disk.takes = [3, 1, 100]
    segment.write(b"second\n")
    assert (tmp_path / "file").read_bytes() == b"first\nsecond\n"
    segment.close()


def test_what_could_not_be_cut_off_at_once_is_cut_off_before_the_next_batch(tmp_path: Path, disk: Disk) -> None:
    segment = opened(tmp_path, disk)
    disk.takes = [9]
    disk.fail("truncate")
    with pytest.raises(OSError, match="No space left"):
        segment.write(b"x" * 100)
    assert (tmp_path / "file").stat().st_size == 9
    # It is its own, and nobody's meddling.
    assert segment.wrong() == ""
    disk.takes = None
    disk.fail("truncate")
    with pytest.raises(OSError, match="Input/output"):
        segment.write(b"second\n")
    assert (tmp_path / "file").stat().st_size == 9
    segment.write(b"third\n")
    assert (tmp_path / "file").read_bytes() == b"third\n"
    segment.close()


def test_what_is_cut_off_does_not_come_back(tmp_path: Path, disk: Disk) -> None:
    segment = opened(tmp_path, disk)
    segment.write(b"first\n")
    segment.trim()
    assert disk.synced == [b"first\n"], "there is nothing to cut off"
    disk.fail("sync", 2)
    with pytest.raises(OSError, match="Input/output"):
        segment.write(b"refused\n")
    with pytest.raises(OSError, match="Input/output"):
        segment.trim()
    segment.trim()
    assert disk.synced == [b"first\n", b"first\n"]
    segment.close()


def test_what_an_fsync_refused_is_not_there_after_the_next(tmp_path: Path, disk: Disk) -> None:
    segment = opened(tmp_path, disk)
    disk.fail("sync")
    with pytest.raises(OSError, match="Input/output"):
        segment.write(b"refused\n")
    assert (tmp_path / "file").read_bytes() == b""
    segment.write(b"taken\n")
    assert disk.synced == [b"taken\n"]
    segment.close()


def test_a_file_that_somebody_changes_is_noticed(tmp_path: Path, disk: Disk) -> None:
    segment = opened(tmp_path, disk)
    segment.write(b"a\n")
    with (tmp_path / "file").open("ab") as other:
        other.write(b"x")
    assert segment.wrong() == "file was changed by somebody else while in use"
    (tmp_path / "file").write_bytes(b"b\n")
    assert segment.wrong() == ""
    (tmp_path / "file").rename(tmp_path / "away")
    assert segment.wrong() == "file was removed while in use"
    (tmp_path / "file").symlink_to(tmp_path / "away")
    assert segment.wrong() == "file was replaced while in use"
    assert str(meddled("text")) == f"[Errno {errno.ESTALE}] text"
    segment.close()


def test_a_new_file_is_whole_or_not_there(tmp_path: Path, disk: Disk) -> None:
    for call in ("open", "write", "sync", "sync_folder"):
        disk.fail(call)
        with pytest.raises(OSError, match="Input/output"):
            new_segment(tmp_path / "new", b"head\n", disk)
        assert not (tmp_path / "new").exists()
    new_segment(tmp_path / "new", b"head\n", disk).close()
    assert (tmp_path / "new").read_bytes() == b"head\n"
    with pytest.raises(FileExistsError):
        new_segment(tmp_path / "new", b"other\n", disk)
    assert (tmp_path / "new").read_bytes() == b"head\n"


def test_a_new_file_that_cannot_be_removed_again_is_told_as_such(tmp_path: Path, disk: Disk) -> None:
    disk.fail("sync_folder")
    disk.fail("remove")
    with pytest.raises(LeftOver, match="Input/output"):
        new_segment(tmp_path / "new", b"head\n", disk)
    assert (tmp_path / "new").exists()


def test_a_file_that_others_could_read_is_made_private(tmp_path: Path, disk: Disk) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "file").chmod(0o666)
    segment, notes = open_segment(tmp_path / "file", disk)
    segment.close()
    assert notes == ["others could read or write file (mode 0666); it is private now"]
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        open_segment(tmp_path / "folder", disk)
