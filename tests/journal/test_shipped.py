"""How far sinks are: what is not known to be shipped is not."""

from pathlib import Path

import pytest

from proxy.journal.shipped import Shipped, shipped


def put(folder: Path, sink: str, text: str) -> None:
    (folder / f"cursor-{sink}.json").write_text(text)


def test_cursors_are_read_whatever_else_is_in_them(tmp_path: Path) -> None:
    put(tmp_path, "a", '{"file":"starts-000002.jsonl","offset":7,"seq":9,"hash":"x","journal":"j"}')
    put(tmp_path, "b", '{"file":"starts-000001.jsonl","offset":0,"seq":0}')
    assert shipped(tmp_path, ["a", "b"]) == (Shipped("starts-000002.jsonl", 9), Shipped("starts-000001.jsonl", 0))
    assert shipped(tmp_path, ["a"]) == (Shipped("starts-000002.jsonl", 9),)


@pytest.mark.parametrize("text", [None, "", "{}", "[]", '{"file":1,"seq":2}', '{"file":"f"}', "\udcff"])
def test_one_that_cannot_be_told_holds_all(tmp_path: Path, text: str | None) -> None:
    put(tmp_path, "a", '{"file":"starts-000002.jsonl","offset":7,"seq":9}')
    if text is not None:
        (tmp_path / "cursor-b.json").write_bytes(text.encode(errors="surrogateescape"))
    assert shipped(tmp_path, ["a", "b"]) == ()


def test_without_sinks_nothing_is_shipped(tmp_path: Path) -> None:
    put(tmp_path, "a", '{"file":"starts-000002.jsonl","offset":7,"seq":9}')
    assert shipped(tmp_path, []) == ()


@pytest.mark.parametrize(
    ("cursor", "file", "last_seq", "has"),
    [
        (("starts-000002.jsonl", 0), "starts-000001.jsonl", 9, True),
        (("starts-000002.jsonl", 0), "starts-000001.jsonl", None, True),
        (("starts-000001.jsonl", 9), "starts-000001.jsonl", 9, True),
        (("starts-000001.jsonl", 8), "starts-000001.jsonl", 9, False),
        (("starts-000001.jsonl", 9), "starts-000001.jsonl", None, False),
        (("starts-000001.jsonl", 9), "starts-000002.jsonl", 10, False),
        (("starts-1000000.jsonl", 0), "starts-999999.jsonl", 10, True),
        (("elsewhere", 10**9), "starts-000001.jsonl", 1, False),
    ],
)
def test_a_file_is_shipped_when_its_last_record_is(
    cursor: tuple[str, int], file: str, last_seq: int | None, has: bool
) -> None:
    assert Shipped(*cursor).has(file, last_seq) is has
