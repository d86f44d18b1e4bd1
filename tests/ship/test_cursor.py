"""Cursors are whole or not there, and one process moves them."""

import stat
from pathlib import Path

import msgspec
import pytest

from proxy.errors import JournalError
from proxy.journal.shipped import Shipped, shipped
from proxy.ship.cursor import cursor_path, held, load, save
from proxy.ship.model import Cursor

CURSOR = Cursor("starts-000002.jsonl", 77, 9, "ab" * 32, "journal")


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    assert load(tmp_path, "fake") is None
    save(tmp_path, "fake", CURSOR)
    assert load(tmp_path, "fake") == CURSOR
    assert load(tmp_path, "other") is None


def test_the_file_is_one_object_for_retention_to_read(tmp_path: Path) -> None:
    save(tmp_path, "fake", CURSOR)
    path = tmp_path / "cursor-fake.json"
    told = msgspec.json.decode(path.read_bytes())
    assert {name: told[name] for name in ("file", "offset", "seq", "hash")} == {
        "file": CURSOR.file,
        "offset": 77,
        "seq": 9,
        "hash": CURSOR.hash,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_retention_reads_what_is_saved(tmp_path: Path) -> None:
    save(tmp_path, "fake", CURSOR)
    (told,) = shipped(tmp_path, ["fake"])
    assert told == Shipped(CURSOR.file, CURSOR.seq)
    assert told.has("starts-000001.jsonl", None)
    assert told.has(CURSOR.file, 9)
    assert not told.has(CURSOR.file, 10)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b'{"file": 1}', b'{"file": "a", "offset": -1}', b'{"file": "../a"}', b"\xff", b'{"seq": 1}'],
)
def test_what_is_no_cursor_is_none_and_logged(tmp_path: Path, text: bytes, caplog: pytest.LogCaptureFixture) -> None:
    cursor_path(tmp_path, "fake").write_bytes(text)
    assert load(tmp_path, "fake") is None
    assert "is no cursor" in caplog.text


def test_what_cannot_be_read_is_an_error_and_not_a_new_beginning(tmp_path: Path) -> None:
    cursor_path(tmp_path, "fake").mkdir()
    with pytest.raises(JournalError, match="cannot be read: Is a directory"):
        load(tmp_path, "fake")


def test_a_draft_of_a_crash_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "cursor-fake.json.new").write_bytes(b"half")
    save(tmp_path, "fake", CURSOR)
    assert load(tmp_path, "fake") == CURSOR
    assert [path.name for path in tmp_path.iterdir()] == ["cursor-fake.json"]


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "cursor-fake.json.new").symlink_to(target)
    save(tmp_path, "fake", CURSOR)
    assert target.read_text() == "precious"


def test_where_it_cannot_be_written_the_one_before_holds(tmp_path: Path) -> None:
    save(tmp_path, "fake", CURSOR)
    (tmp_path / "cursor-fake.json.new").mkdir()
    with pytest.raises(JournalError, match="cannot be written"):
        save(tmp_path, "fake", Cursor("starts-000003.jsonl"))
    assert load(tmp_path, "fake") == CURSOR


def test_one_holds_a_sink_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path, "fake") as first:
        assert first
        with held(tmp_path, "fake") as second, held(tmp_path, "other") as other:
            assert not second
            assert other
    with held(tmp_path, "fake") as again:
        assert again


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be used"), held(tmp_path / "none", "fake"):
        pass
