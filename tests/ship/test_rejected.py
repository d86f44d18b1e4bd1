"""What a sink will never take is kept."""

import stat
from pathlib import Path

import msgspec
import pytest

from proxy.errors import JournalError
from proxy.ship.model import Cursor, Record, Rejection
from proxy.ship.rejected import count, keep, numbers, rejected_path
from tests.ship.samples import records

AT = "2026-11-24T12:00:00.000Z"


def test_rejected_records_are_kept_with_the_reason(tmp_path: Path) -> None:
    first, second = records(tmp_path, 2)
    keep(tmp_path, "fake", [Rejection(first, "bad"), Rejection(second, "worse")], AT)
    told = [msgspec.json.decode(line) for line in rejected_path(tmp_path, "fake").read_bytes().splitlines()]
    assert told[0] == {
        "@timestamp": AT,
        "file": "starts-000001.jsonl",
        "id": first.id,
        "line": first.line.decode(),
        "reason": "bad",
        "seq": 1,
    }
    assert [one["reason"] for one in told] == ["bad", "worse"]
    assert stat.S_IMODE(rejected_path(tmp_path, "fake").stat().st_mode) == 0o600
    assert numbers(tmp_path, "fake") == {1, 2}
    assert count(tmp_path, "fake") == 2


def test_they_are_added_to_those_before(tmp_path: Path) -> None:
    for record in records(tmp_path, 3):
        keep(tmp_path, "fake", [Rejection(record, "bad")], AT)
    assert numbers(tmp_path, "fake") == {1, 2, 3}


def test_a_line_that_is_no_text_is_kept_escaped(tmp_path: Path) -> None:
    broken = Record(b"\xff{", "id", 0, Cursor("starts-000001.jsonl"), "no record")
    keep(tmp_path, "fake", [Rejection(broken, broken.fault)], AT)
    (told,) = [msgspec.json.decode(line) for line in rejected_path(tmp_path, "fake").read_bytes().splitlines()]
    assert told["line"] == "\\xff{"
    assert numbers(tmp_path, "fake") == frozenset()
    assert count(tmp_path, "fake") == 1


def test_none_are_none(tmp_path: Path) -> None:
    assert numbers(tmp_path, "fake") == frozenset()
    assert count(tmp_path, "fake") == 0


def test_a_half_line_of_a_crash_is_passed_over(tmp_path: Path) -> None:
    (first,) = records(tmp_path, 1)
    rejected_path(tmp_path, "fake").write_bytes(b'{"seq": 7')
    keep(tmp_path, "fake", [Rejection(first, "bad")], AT)
    assert numbers(tmp_path, "fake") == {1}


def test_what_cannot_be_kept_is_an_error(tmp_path: Path) -> None:
    (first,) = records(tmp_path, 1)
    rejected_path(tmp_path, "fake").mkdir()
    with pytest.raises(JournalError, match="cannot be written"):
        keep(tmp_path, "fake", [Rejection(first, "bad")], AT)
    with pytest.raises(JournalError, match="cannot be read"):
        numbers(tmp_path, "fake")
    with pytest.raises(JournalError, match="cannot be read"):
        count(tmp_path, "fake")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (first,) = records(tmp_path, 1)
    (tmp_path / "target").touch()
    rejected_path(tmp_path, "fake").symlink_to(tmp_path / "target")
    with pytest.raises(JournalError):
        keep(tmp_path, "fake", [Rejection(first, "bad")], AT)
    assert not (tmp_path / "target").read_bytes()
