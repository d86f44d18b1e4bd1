"""Records one by one, of any kind: all of them, the last, and those to come."""

import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from proxy.journal import events as module
from proxy.journal.entry import Phase, administrative
from proxy.journal.events import Event, events, follow, last
from proxy.journal.lines import Position, Problem, refuse
from proxy.journal.query import Kind, Name, Query
from tests.journal.making import encode, granted, record, write

ALL = frozenset(Kind)
ADMIN = administrative("startgate-rules-reload", "reload", 0, outcome="success")


def lines(*records: dict[str, Any]) -> list[bytes]:
    """Records as lines."""
    return [encode(one) for one in records]


def told(found: Iterator[Event] | list[Event]) -> list[str]:
    """The ids of records."""
    return [one.record["event"]["id"] for one in found]


def test_all_records_come_as_they_were_written(tmp_path: Path) -> None:
    records = [ADMIN, record("a"), {"event": {"action": "x", "id": "new"}, "startgate": {"format": 2}}]
    write(tmp_path, lines(*records[:2]), lines(records[2]))
    found = list(events(tmp_path, Query(), ALL, refuse))
    assert [(one.kind, one.record, one.line + b"\n") for one in found] == [
        (kind, one, encode(one)) for kind, one in zip((Kind.ADMIN, Kind.START, Kind.OTHER), records, strict=True)
    ]
    assert told(events(tmp_path, Query(), frozenset({Kind.ADMIN}), refuse)) == ["reload"]


def test_a_garbage_line_is_told_and_hides_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, [*lines(record("a")), b"garbage\n", *lines(record("b"))])
    problems: list[Problem] = []
    assert told(events(tmp_path, Query(), ALL, problems.append)) == ["a", "b"]
    assert [one.line for one in problems] == [2]


def test_the_end_of_a_start_that_was_asked_for_is_shown(tmp_path: Path) -> None:
    anna, ben = granted("a", user="anna"), granted("b", user="ben")
    write(tmp_path, lines(*anna, *ben))
    query = Query(user=Name("anna"))
    assert told(events(tmp_path, query, ALL, refuse)) == ["a", "a", "a"]
    until = Query(user=Name("anna"), until=str(anna[2]["@timestamp"]))
    assert told(events(tmp_path, until, ALL, refuse)) == ["a", "a"]


def test_the_starts_that_are_remembered_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    ends = [record(receipt, Phase.END) for receipt in "abc"]
    write(tmp_path, lines(*(record(receipt, user="anna") for receipt in "abc"), *ends))
    assert told(events(tmp_path, Query(user=Name("anna")), ALL, refuse)) == ["a", "b", "c", "b", "c"]


@pytest.mark.parametrize("count", [0, 1, 3, 4, 100])
def test_the_last_records_are_read_from_the_newest_file_back(tmp_path: Path, count: int) -> None:
    write(tmp_path, lines(record("a"), record("b")), lines(record("c"), record("d")), lines(record("e")))
    found, end = last(tmp_path, Query(), ALL, refuse, count)
    assert told(found) == list("abcde")[max(0, 5 - count) :]
    assert (end.file, end.lines) == (3, 1)


def test_an_old_file_is_not_read_where_the_new_ones_are_enough(tmp_path: Path) -> None:
    write(tmp_path, [b"garbage\n"], lines(record("a"), record("b")))
    assert told(last(tmp_path, Query(), ALL, refuse, 2)[0]) == ["a", "b"]


def _following(folder: Path, steps: list[Callable[[], object]], after: Position) -> Iterator[Event]:
    """Follows a journal; each pause does one step, and there must be as many."""

    def step() -> None:
        steps.pop(0)()

    return follow(folder, Query(), ALL, refuse, after, pause=step)


def _add(path: Path, data: bytes) -> Callable[[], object]:
    def add() -> None:
        with path.open("ab") as file:
            file.write(data)

    return add


def test_records_are_shown_as_they_come_over_rotation(tmp_path: Path) -> None:
    write(tmp_path, lines(record("a")))
    first, second, third = (tmp_path / f"starts-00000{number}.jsonl" for number in (1, 2, 3))
    _, end = last(tmp_path, Query(), ALL, refuse, 10)
    half = encode(record("c"))
    steps = [
        _add(first, encode(record("b"))),
        _add(first, half[:20]),
        _add(first, half[20:]),
        lambda: (_add(first, encode(record("d")))(), _add(second, encode(record("e")))()),
        first.unlink,
        second.unlink,
        _add(third, encode(record("f"))),
    ]
    assert told(list(islice(_following(tmp_path, steps, end), 5))) == list("bcdef")


def test_an_empty_journal_is_followed_from_its_first_record(tmp_path: Path) -> None:
    _, end = last(tmp_path, Query(), ALL, refuse, 10)
    steps = [_add(tmp_path / "starts-000001.jsonl", encode(record("a")))]
    assert told(list(islice(_following(tmp_path, steps, end), 1))) == ["a"]


def test_a_record_that_was_taken_back_is_not_missed_behind(tmp_path: Path) -> None:
    """A write that fails is cut off again, after it was shown; what comes instead begins at the same place."""
    first = write(tmp_path, lines(record("a"))) / "starts-000001.jsonl"
    whole = first.stat().st_size
    _, end = last(tmp_path, Query(), ALL, refuse, 10)
    steps = [
        _add(first, encode(record("refused"))),
        lambda: os.truncate(first, whole),
        _add(first, encode(record("b"))),
    ]
    found = _following(tmp_path, steps, end)
    assert next(found).record["event"]["id"] == "refused"
    assert next(found).record["event"]["id"] == "b"
