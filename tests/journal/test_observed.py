"""Observed calls are found among all other records, and a line that is none hinders nobody."""

from pathlib import Path

import msgspec
import pytest

from proxy.errors import JournalError
from proxy.journal.observed import observed


def line(**ours: object) -> bytes:
    return msgspec.json.encode({"event": {"id": "x"}, "startgate": ours}, order="sorted") + b"\n"


def write(folder: Path, name: str, *lines: bytes) -> None:
    (folder / name).write_bytes(b"".join(lines))


def test_they_are_found_in_order_over_all_files(tmp_path: Path) -> None:
    write(tmp_path, "starts-000002.jsonl", line(observed={"n": 3}))
    write(tmp_path, "starts-000001.jsonl", line(observed={"n": 1}), line(phase="intent"), line(observed={"n": 2}))
    write(tmp_path, "other.jsonl", line(observed={"n": 4}))
    assert [one["startgate"]["observed"]["n"] for one in observed(tmp_path)] == [1, 2, 3]


def test_who_quotes_it_is_none(tmp_path: Path) -> None:
    write(tmp_path, "starts-000001.jsonl", line(why='"observed":{'), line(admin={"observed": {"n": 1}}))
    assert list(observed(tmp_path)) == []


@pytest.mark.parametrize(
    "broken", [b'{"observed":{\n', b'"observed":{\xff\n', b'[{"observed":{}}]\n', b'{"observed":{}}\n']
)
def test_a_broken_line_is_passed_over_and_told(tmp_path: Path, broken: bytes, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, "starts-000001.jsonl", broken, line(observed={"n": 1}))
    assert len(list(observed(tmp_path))) == 1
    assert "starts-000001.jsonl:1 " in caplog.text


def test_a_last_line_that_is_cut_short_is_none(tmp_path: Path) -> None:
    write(tmp_path, "starts-000001.jsonl", line(observed={"n": 1}), line(observed={"n": 2})[:-1])
    assert len(list(observed(tmp_path))) == 1


def test_an_empty_folder_teaches_nothing(tmp_path: Path) -> None:
    assert list(observed(tmp_path)) == []


def test_files_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Beyond a million files names sort otherwise."""
    write(tmp_path, "starts-1000000.jsonl", line(observed={"n": 2}))
    write(tmp_path, "starts-999999.jsonl", line(observed={"n": 1}))
    assert [one["startgate"]["observed"]["n"] for one in observed(tmp_path)] == [1, 2]


def test_a_file_that_cannot_be_read_is_no_file_without_calls(tmp_path: Path) -> None:
    write(tmp_path, "starts-000001.jsonl", line(observed={"n": 1}))
    (tmp_path / "starts-000002.jsonl").mkdir()
    with pytest.raises(JournalError, match=r"starts-000002\.jsonl cannot be read"):
        list(observed(tmp_path))
