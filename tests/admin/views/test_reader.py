"""The journal, read into the index: what is held is what a scan of all files finds, whatever happens to them."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.admin.views import reader as module
from proxy.admin.views.asked import Asked
from proxy.admin.views.index import Index
from proxy.admin.views.reader import Reader
from proxy.errors import JournalError
from proxy.journal.lines import refuse
from proxy.journal.query import Name, Query, Result
from proxy.journal.scan import matching
from proxy.journal.writer import open_journal
from proxy.settings import JournalSettings
from tests.admin.views.reading import append, denied, held, intent, read_all, receipts, who
from tests.journal.making import encode, granted, record, write

FIRST, SECOND = "starts-000001.jsonl", "starts-000002.jsonl"


def scanned(folder: Path, query: Query | None = None) -> list[str]:
    """What a scan of all files finds, newest first."""
    return [one.receipt for one in matching(folder, query or Query(), refuse)][::-1]


def filtered(reader: Reader, index: Index, query: Query) -> list[str]:
    """What is held and asked for, newest first."""
    asked = Asked(query, None, reader.with_all_names)
    return [entry.row.receipt for entry in reversed(index.entries) if asked.takes(entry)]


def _records(chance: random.Random, count: int) -> list[dict[str, Any]]:
    """Records of starts of all kinds, which lie anywhere behind each other."""
    users, jobs, names = ["anna", "ben", "b\u00e9a"], ["j1", "j2", "x*y"], ["i1", "i2", "logs-1", "out"]
    waiting: list[list[dict[str, Any]]] = []
    for number in range(count):
        name = chance.choice(users)
        ours: dict[str, Any] = {
            "user": name,
            "at_s": number,
            "caller": who(name),
            "job": {
                "id": chance.choice(jobs),
                "sources": chance.sample(names, chance.randint(0, 3))
                + [f"s{n}" for n in range(chance.choice([0, 99]))],
                "destination": "out",
            },
        }
        kind = chance.random()
        if kind < 0.4:
            waiting.append([denied(f"d{number}", **ours)])
        elif kind < 0.5:
            waiting.append([intent(f"o{number}", **ours)])
        else:
            waiting.append(granted(f"g{number}", end=chance.choice(["success", "failure", None]), **ours))
    chance.shuffle(waiting)
    written: list[dict[str, Any]] = []
    under_way: list[list[dict[str, Any]]] = []
    while waiting or under_way:
        if waiting and (len(under_way) < 6 or chance.random() < 0.3):
            under_way.append(waiting.pop())
        one = chance.choice(under_way)
        written.append(one.pop(0))
        under_way = [one for one in under_way if one]
    return written


QUERIES = st.builds(
    Query,
    user=st.none() | st.sampled_from(["anna", "b*", "*a", "nobody"]).map(Name),
    job=st.none() | st.sampled_from(["j1", "j*", "x*y", "*"]).map(Name),
    index=st.none() | st.sampled_from(["i1", "*1", "s98", "s9*", "out", "none"]).map(Name),
    results=st.none().map(lambda _: frozenset()) | st.sampled_from(list(Result)).map(lambda one: frozenset({one})),
    since=st.none() | st.sampled_from(["2023-11-14T22:13:25.000Z", "2023-11-14T22:13:40.000Z"]),
    until=st.none() | st.sampled_from(["2023-11-14T22:13:45.000Z", "2024-01-01T00:00:00.000Z"]),
)


@settings(max_examples=30)
@given(st.integers(0, 10**9), st.integers(1, 4), st.lists(QUERIES, min_size=1, max_size=6))
def test_a_filter_of_what_is_held_is_that_of_all_files(
    tmp_path_factory: pytest.TempPathFactory, seed: int, parts: int, queries: list[Query]
) -> None:
    """Read at once, and read while it is written."""
    chance = random.Random(seed)  # noqa: S311 -- a repeatable test
    records = _records(chance, 40)
    folder = tmp_path_factory.mktemp("journal")
    reader, index = Reader(folder, 1000), Index()
    size = -(-len(records) // parts)
    for number in range(parts):
        path = folder / f"starts-{number + 1:06d}.jsonl"
        path.touch()
        for record_ in records[number * size : (number + 1) * size]:
            append(path, record_)
            if chance.random() < 0.3:
                read_all(reader, index)
    assert read_all(reader, index) == scanned(folder)
    _, anew = held(folder)
    assert [*index.entries] == [*anew.entries], "whatever way it was read"
    for query in queries:
        # A scan that passes over intents of another time finds such starts where their outcomes are.
        wanted = {*scanned(folder, query)}
        assert filtered(reader, index, query) == [receipt for receipt in receipts(index) if receipt in wanted]


def test_the_newest_are_held_and_the_journal_is_known_to_have_more(tmp_path: Path) -> None:
    write(tmp_path, *([encode(denied(f"r{10 * file + one}")) for one in range(10)] for file in range(3)))
    for kept, complete in ((5, False), (10, False), (15, False), (29, False), (30, True), (100, True)):
        _, index = held(tmp_path, kept)
        assert receipts(index) == [f"r{number}" for number in range(29, max(-1, 29 - kept), -1)]
        assert index.complete is complete


def test_the_oldest_makes_way(tmp_path: Path) -> None:
    write(tmp_path, [encode(denied(f"r{number}")) for number in range(3)])
    reader, index = held(tmp_path, 3)
    append(tmp_path / FIRST, denied("r3"), denied("r4"))
    assert read_all(reader, index) == ["r4", "r3", "r2"]
    assert not index.complete
    append(tmp_path / FIRST, granted("r0")[2])
    assert read_all(reader, index) == ["r4", "r3", "r2"], "the end of one that is not held brings it not back"


def test_a_start_is_read_while_it_goes_on(tmp_path: Path) -> None:
    first, second, third = granted("a", user="anna")
    write(tmp_path, [encode(first)])
    reader, index = held(tmp_path)
    verdicts = [index.entries[0].row.verdict]
    for one in (second, third):
        append(tmp_path / FIRST, one)
        read_all(reader, index)
        verdicts.append(index.entries[0].row.verdict + index.entries[0].row.ended)
    assert verdicts == ["open", "granted", "grantedsuccess"]
    assert len(index) == 1


def test_what_is_forgotten_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The records of a start are not held: where others came between, they are read from their places."""
    monkeypatch.setattr(module, "RECENT", 1)
    a, b = granted("a", user="anna", job={"id": "j"}), granted("b", user="ben", job={"id": "k"})
    write(tmp_path, [])
    reader, index = held(tmp_path)
    for one in (a[0], b[0], a[1], b[1], a[2], b[2]):
        append(tmp_path / FIRST, one)
        read_all(reader, index)
    assert [(one.row.user, one.row.job, one.row.ended) for one in index.entries] == [
        ("anna", "j", "success"),
        ("ben", "k", "success"),
    ]


def test_half_a_line_is_waited_for(tmp_path: Path) -> None:
    line = encode(denied("a"))
    write(tmp_path, [line[:50]])
    reader, index = held(tmp_path)
    assert receipts(index) == []
    with (tmp_path / FIRST).open("ab") as file:
        file.write(line[50:])
    assert read_all(reader, index) == ["a"]


def test_files_that_follow_are_read_to_their_end_first(tmp_path: Path) -> None:
    write(tmp_path, [encode(denied("a"))])
    reader, index = held(tmp_path)
    append(tmp_path / FIRST, denied("b"))
    append(tmp_path / SECOND, denied("c"))
    assert read_all(reader, index) == ["c", "b", "a"]


def test_what_is_retired_goes(tmp_path: Path) -> None:
    """A start whose outcome is in a later file stays, from there on; an end alone is no start."""
    a, b = granted("a", user="anna"), granted("b")
    write(tmp_path, [encode(one) for one in (denied("x"), a[0], b[0], b[1])], [encode(one) for one in (a[1], b[2])])
    reader, index = held(tmp_path)
    assert receipts(index) == ["b", "a", "x"]
    (tmp_path / FIRST).unlink()
    assert read_all(reader, index) == ["a"] == scanned(tmp_path)
    assert index.entries[0].key == (2, 0)
    append(tmp_path / SECOND, a[2])
    read_all(reader, index)
    assert index.entries[0].row.ended == "success"


def test_what_is_taken_back_goes(tmp_path: Path) -> None:
    a = granted("a", user="anna")
    write(tmp_path, [encode(a[0])])
    reader, index = held(tmp_path)
    size = (tmp_path / FIRST).stat().st_size
    append(tmp_path / FIRST, a[1], denied("b"))
    assert read_all(reader, index) == ["b", "a"]
    os.truncate(tmp_path / FIRST, size)
    assert read_all(reader, index) == ["a"]
    assert index.entries[0].row.verdict == "open"
    append(tmp_path / FIRST, denied("c"))
    assert read_all(reader, index) == ["c", "a"] == scanned(tmp_path)


def test_what_is_taken_back_and_written_over_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path, [encode(denied("a"))])
    reader, index = held(tmp_path)
    size = (tmp_path / FIRST).stat().st_size
    append(tmp_path / FIRST, denied("b"))
    read_all(reader, index)
    os.truncate(tmp_path / FIRST, size)
    append(tmp_path / FIRST, denied("c", job={"id": "a-longer-one"}), denied("d"))
    assert read_all(reader, index) == ["d", "c", "a"]


def test_another_folder_is_read_anew(tmp_path: Path) -> None:
    write(tmp_path, [encode(denied("a"))], [encode(denied("b"))])
    (tmp_path / FIRST).unlink()
    reader, index = held(tmp_path)
    assert receipts(index) == ["b"]
    for path in tmp_path.iterdir():
        path.unlink()
    assert read_all(reader, index) == []
    write(tmp_path, [encode(denied("z"))])
    assert read_all(reader, index) == ["z"]


def test_what_cannot_be_read_is_told_once_and_passed_over(tmp_path: Path) -> None:
    bad = encode(record("x")).replace(b'"outcome"', b"outcome", 1)
    write(tmp_path, [encode(denied("a")), b"garbage\n", bad, b"\n", encode(denied("b"))])
    reader, index = held(tmp_path)
    assert receipts(index) == ["b", "a"]
    append(tmp_path / FIRST, denied("c"))
    with (tmp_path / FIRST).open("ab") as file:
        file.write(b"more garbage\n")
    (tmp_path / SECOND).mkdir()
    told = []
    for _ in range(3):
        changes = reader.look()
        index.apply(changes)
        told += changes.problems
    assert receipts(index) == ["c", "b", "a"]
    assert len([text for text in told if "starts-000001.jsonl:7 is no record" in text]) == 1
    assert len([text for text in told if "starts-000002.jsonl cannot be read" in text]) == 1


def test_no_folder_is_an_error_and_an_empty_one_is_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        Reader(tmp_path / "none", 10).look()
    reader, index = held(tmp_path)
    assert (receipts(index), index.complete) == ([], True)
    append(tmp_path / FIRST, denied("a"))
    assert read_all(reader, index) == ["a"]


def test_a_slice_ends_and_the_rest_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time at all each look does the least that it can, and all is read in the end."""
    write(tmp_path, *([encode(denied(f"r{10 * file + one}")) for one in range(10)] for file in range(3)))
    monkeypatch.setattr(module, "CHUNK", 3)
    reader, index = Reader(tmp_path, 100), Index()
    monkeypatch.setattr(module, "SLICE_S", 0.0)
    looks = 0
    while (changes := reader.look()).more:
        index.apply(changes)
        looks += 1
    index.apply(changes)
    assert looks > 5
    assert receipts(index) == scanned(tmp_path)


async def test_what_the_writer_writes_is_read_while_it_rotates(tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal", JournalSettings(rotate_size_bytes=4096, append_limit_s=60))
    reader, index = Reader(journal.folder, 1000), Index()
    for number in range(30):
        for one in granted(f"g{number}", user="anna") if number % 2 else [denied(f"d{number}")]:
            await journal.append(one)
        await asyncio.to_thread(read_all, reader, index)
    await journal.close()
    assert len([*journal.folder.glob("starts-*")]) > 3
    assert read_all(reader, index) == scanned(journal.folder)
    assert len(index) == 30
    assert {entry.row.ended for entry in index.entries} == {"", "success"}
