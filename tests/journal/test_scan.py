"""Starts out of a journal of any length: joined, in order, filtered, in bounded memory, whatever lies between them."""

import random
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.journal import scan
from proxy.journal.entry import Phase, administrative
from proxy.journal.lines import Problem, refuse
from proxy.journal.query import Name, Query, Result
from proxy.journal.read import starts
from proxy.journal.scan import matching, newest, receipt_in
from tests.journal.making import encode, granted, record, write


def lines(*records: dict[str, Any]) -> list[bytes]:
    """Records as lines."""
    return [encode(one) for one in records]


def found(folder: Path, query: Query | None = None, window: int = scan.WINDOW_STARTS) -> list[str]:
    """The receipts that are found."""
    return [one.receipt for one in matching(folder, query or Query(), refuse, window=window)]


def test_records_are_joined_and_come_in_the_order_of_the_first(tmp_path: Path) -> None:
    a, b = granted("a"), granted("b")
    write(tmp_path, lines(a[0], b[0], b[1], record("c")), lines(a[1], b[2], a[2]))
    assert found(tmp_path) == ["a", "b", "c"]
    for one, read in zip(matching(tmp_path, Query(), refuse), starts(tmp_path), strict=True):
        assert one.start() == read


def test_starts_are_told_before_the_journal_ends(tmp_path: Path) -> None:
    """What waits for nothing and stands at the front need not wait for the rest."""
    write(tmp_path, lines(record("a"), *granted("b"), *granted("c", end=None)), [b"garbage\n"])
    told: list[Problem] = []
    reading = matching(tmp_path, Query(), told.append)
    assert [next(reading).receipt, next(reading).receipt] == ["a", "b"]
    assert told == []
    assert next(reading).receipt == "c"
    assert len(told) == 1, "whether its end comes is known at the end alone"


def _random_journal(chance: random.Random, folder: Path) -> None:
    """Starts whose records lie anywhere behind each other, over several files."""
    waiting = [granted(f"g{number}", end=chance.choice(["success", "failure", None])) for number in range(30)]
    waiting += [[record(f"d{number}")] for number in range(20)]
    waiting += [[record(f"o{number}", Phase.INTENT, "unknown")] for number in range(5)]
    chance.shuffle(waiting)
    written: list[dict[str, Any]] = []
    under_way: list[list[dict[str, Any]]] = []
    while waiting or under_way:
        if waiting and (len(under_way) < 8 or chance.random() < 0.3):
            under_way.append(waiting.pop())
        one = chance.choice(under_way)
        written.append(one.pop(0))
        under_way = [one for one in under_way if one]
    thirds = len(written) // 3
    write(folder, *(lines(*written[at : at + thirds]) for at in range(0, len(written), thirds)))


@pytest.mark.parametrize("window", [1, 2, 3, 7, 20, 1000])
def test_a_full_window_changes_nothing(tmp_path: Path, window: int) -> None:
    """Against the reader that holds all in memory: the same starts, whole, in the same order, none twice."""
    for seed in range(15):
        folder = tmp_path / f"{seed}"
        _random_journal(random.Random(seed), folder)  # noqa: S311 -- a repeatable test
        expected = starts(folder)
        assert [one.start() for one in matching(folder, Query(), refuse, window=window)] == expected
        for result in (Result.OPEN, Result.GRANTED, Result.FAILED, Result.REFUSED):
            query = Query(results=frozenset({result}))
            wanted = [one.receipt for one in expected if query.takes(one)]
            assert found(folder, query, window) == wanted


def test_a_window_is_bounded_in_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "WINDOW_BYTES", 3000)
    records = [part for number in range(20) for part in granted(f"g{number:02}", end=None)]
    write(tmp_path, lines(*records, *(record(f"g{number:02}", Phase.END) for number in range(20))))
    assert [one.start() for one in matching(tmp_path, Query(), refuse)] == starts(tmp_path)


def test_filters_take_whole_starts(tmp_path: Path) -> None:
    """An end names neither user nor index, and comes with its start all the same."""
    anna = granted("a", user="anna", job={"id": "flights", "sources": ["s-1"]})
    ben = granted("b", user="ben", job={"id": "other"}, end="failure")
    write(tmp_path, lines(anna[0], ben[0], anna[1], ben[1], record("x"), ben[2], anna[2]))
    for query in (Query(user=Name("anna")), Query(job=Name("fl*")), Query(index=Name("s-1"))):
        (one,) = matching(tmp_path, query, refuse)
        assert (one.receipt, [*one.start().records]) == ("a", ["intent", "outcome", "end"])
    assert found(tmp_path, Query(user=Name("ben"), job=Name("other"))) == ["b"]
    assert found(tmp_path, Query(user=Name("ben"), job=Name("flights"))) == []
    assert found(tmp_path, Query(results=frozenset({Result.FAILED}))) == ["b"]


def test_times_are_those_of_outcomes(tmp_path: Path) -> None:
    first, second = granted("a", at_s=0), granted("b", at_s=100, user="anna")
    late = record("b", outcome="unknown", at_s=500, reconciled=True)
    write(tmp_path, lines(*first[:2], second[0], late, record("c", at_s=600), first[2]))
    at_500, at_600 = str(late["@timestamp"]), str(record("c", at_s=600)["@timestamp"])
    assert found(tmp_path, Query(since=at_500)) == ["b", "c"]
    assert found(tmp_path, Query(since=at_500, until=at_600)) == ["b"]
    assert found(tmp_path, Query(until=at_500)) == ["a"]
    assert found(tmp_path, Query(since=at_500, user=Name("anna"))) == ["b"], "its intent lies before that time"


def test_intents_that_are_put_by_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "EARLY", 2)
    intents = [record(receipt, Phase.INTENT, "unknown", user="anna") for receipt in "abc"]
    outcomes = [record(receipt, at_s=500) for receipt in "abc"]
    write(tmp_path, lines(*intents, *outcomes))
    since = str(outcomes[0]["@timestamp"])
    phases = [sorted(one.phases) for one in matching(tmp_path, Query(since=since), refuse)]
    assert phases == [["outcome"], ["intent", "outcome"], ["intent", "outcome"]]
    assert found(tmp_path, Query(since=since, user=Name("anna"))) == ["b", "c"]


def test_an_intent_that_was_put_by_and_is_none_is_told(tmp_path: Path) -> None:
    broken = encode(record("a", Phase.INTENT, "unknown"))[:-2] + b"x}\n"
    late = record("a", at_s=500)
    write(tmp_path, [broken, encode(late)])
    told: list[Problem] = []
    assert [one.receipt for one in matching(tmp_path, Query(since=late["@timestamp"]), told.append)] == ["a"]
    assert [one.line for one in told] == [1]


def test_an_end_whose_start_is_gone_is_none(tmp_path: Path) -> None:
    write(tmp_path, lines(record("gone", Phase.END), record("a")))
    assert found(tmp_path) == ["a"]


def test_a_plan_waits_for_no_end(tmp_path: Path) -> None:
    write(tmp_path, lines(record("p", outcome="success", plan_only=True)), [b"garbage\n"])
    assert next(matching(tmp_path, Query(), refuse)).receipt == "p"


@pytest.mark.parametrize(
    "garbage",
    [
        *(b"garbage", b"", b"{}", b"[]", b"null", b"\0" * 100, b"\xff\xfe", b'{"startgate":', b"[" * 100_000),
        b'{"startgate":{"phase":"outcome","receipt":"\xff"}}',
        # At a glance this is a record.
        b'{"startgate":{"phase":"outcome","receipt":"g"},"x":"\xff"}',
    ],
)
@pytest.mark.parametrize("query", [Query(), Query(user=Name("anna"))], ids=["all", "filtered"])
def test_a_garbage_line_is_told_and_hides_nothing_else(tmp_path: Path, garbage: bytes, query: Query) -> None:
    write(tmp_path, [*lines(record("a", user="anna")), garbage + b"\n", *lines(record("b", user="anna"))])
    told: list[Problem] = []
    assert [one.receipt for one in matching(tmp_path, query, told.append)] == ["a", "b"]
    whole = garbage.startswith(b"{") and garbage.endswith(b"}")
    if query == Query() or not whole:
        assert [(one.path.name, one.line) for one in told] == [("starts-000001.jsonl", 2)]
    else:
        assert told == [], "a filter looks into no line that cannot be asked for"


def test_a_start_is_shown_without_its_broken_record(tmp_path: Path) -> None:
    intent, outcome, end = lines(*granted("a"))
    write(tmp_path, [intent, outcome.replace(b"success", b"\xffuccess"), end])
    told: list[Problem] = []
    (one,) = matching(tmp_path, Query(), told.append)
    assert [*one.start().records] == ["intent", "end"]
    assert [problem.line for problem in told] == [2]


def test_records_of_other_kinds_are_passed_over(tmp_path: Path) -> None:
    newer = {"event": {"action": "x"}, "startgate": {"format": 2, "receipt": "n"}}
    write(tmp_path, lines(administrative("x", "y", 0, outcome="success"), record("a"), newer))
    assert found(tmp_path) == ["a"]


def test_the_newest_are_the_last_ones(tmp_path: Path) -> None:
    write(tmp_path, lines(*(record(f"{number}") for number in range(10))))
    assert [one.receipt for one in newest(matching(tmp_path, Query(), refuse), 3)] == ["7", "8", "9"]


def test_a_receipt_is_seen_in_a_line() -> None:
    assert receipt_in(encode(record("abc"))) == b"abc"
    assert receipt_in(msgspec.json.encode({"a": 1})) == b""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_journal(tmp_path: Path) -> None:
    """Running jobs by the thousand, each of which may end at the very end."""
    with (tmp_path / "starts-000001.jsonl").open("wb") as file:
        for number in range(12_000):
            file.write(b"".join(lines(*granted(f"{number:032x}", end=None))))
    tracemalloc.start()
    try:
        assert sum(1 for _ in matching(tmp_path, Query(), refuse, window=500)) == 12_000
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()
