"""The starts of a journal that the cluster may have taken."""

from pathlib import Path
from typing import Any

import pytest

from proxy.bypasses.model import Beginning, Meant, Recorded
from proxy.bypasses.recorded import Gathering, read, record_ms
from proxy.errors import JournalError
from proxy.journal import marks
from proxy.journal.chain import genesis, seal
from proxy.journal.entry import Phase
from proxy.journal.marks import Mark
from tests.journal.making import BEGIN_MS, encode, granted, opened, record

JOB = {"id": "j", "create_time": 5}


def gathered(*records: Any) -> tuple[Meant, ...]:
    """The starts in these records."""
    gathering = Gathering()
    for one in records:
        gathering.add(one)
    return gathering.recorded().starts


def test_a_start_with_its_end() -> None:
    intent, outcome, end = granted("r1", at_s=10, job=JOB)
    end["startgate"]["end"] = {"state": "stopped"}
    (one,) = gathered(intent, outcome, end)
    assert one == Meant(
        receipt="r1",
        job="j",
        create_time=5,
        granted=True,
        begun_ms=BEGIN_MS + 10_000,
        told_ms=BEGIN_MS + 11_000,
        ended_ms=BEGIN_MS + 3_610_000,
    )
    assert gathered(outcome, end, intent, outcome) == (one,), "in whatever order, and twice"


def test_an_end_that_nobody_saw_is_none() -> None:
    assert gathered(*granted("r1", job=JOB))[0].ended_ms is None


def test_the_arrival_counts_where_it_is_earlier() -> None:
    intent, outcome = granted("r1", at_s=10, end=None, job=JOB)
    outcome["event"]["start"] = "2023-11-14T22:13:25.000Z"
    assert gathered(intent, outcome)[0].begun_ms == BEGIN_MS + 5_000


@pytest.mark.parametrize(
    ("phases", "count", "is_granted"),
    [
        ([(Phase.INTENT, "unknown")], 1, False),
        ([(Phase.INTENT, "unknown"), (Phase.OUTCOME, "unknown")], 1, False),
        ([(Phase.INTENT, "unknown"), (Phase.OUTCOME, "success")], 1, True),
        ([(Phase.OUTCOME, "success")], 1, True),
        # These explain nothing: the cluster took none of them.
        ([(Phase.OUTCOME, "failure")], 0, False),
        ([(Phase.OUTCOME, "unknown")], 0, False),
        ([(Phase.INTENT, "unknown"), (Phase.OUTCOME, "failure")], 0, False),
    ],
)
def test_which_starts_the_cluster_may_have_taken(
    phases: list[tuple[Phase, str]], count: int, *, is_granted: bool
) -> None:
    found = gathered(*(record("r1", phase, outcome, job=JOB) for phase, outcome in phases))
    assert [one.granted for one in found] == [is_granted] * count


@pytest.mark.parametrize("wish", ["plan_only", "explain_only"])
def test_who_only_asked_started_nothing(wish: str) -> None:
    assert gathered(record("r1", Phase.OUTCOME, "success", job=JOB, **{wish: True})) == ()


def test_records_that_say_nothing_are_passed_over() -> None:
    odd = [{}, {"@timestamp": "x"}, {"@timestamp": "2026-01-01T00:00:00Z", "startgate": 5}, opened()]
    assert gathered(*odd) == ()
    assert gathered(record("r1", Phase.OUTCOME, "success")) == (), "of no job"
    assert record_ms({"@timestamp": 5}) is None


def test_where_records_were_lost() -> None:
    gathering = Gathering()
    gathering.add(marks.missing(Mark.LOST, "x", BEGIN_MS + 9, count=1, receipts=[], since_ms=BEGIN_MS, reason="full"))
    assert gathering.recorded().lost == ((BEGIN_MS, BEGIN_MS + 9),)


def test_the_source_that_reaches_further_back_counts() -> None:
    gathering = Gathering()
    gathering.begins("one", 7, 700)
    gathering.begins("one", 1, 100)
    gathering.begins("one", 9, 900)
    gathering.begins("two", 3, 300)
    assert gathering.recorded() == Recorded(beginnings=(Beginning(ms=100, first=True), Beginning(ms=300, first=False)))


def test_a_journal_is_read_from_its_files(tmp_path: Path) -> None:
    link = genesis("journal-one")
    lines = []
    for one in [opened(), *granted("r1", end=None, job=JOB)]:
        line, link = seal(one, link)
        lines.append(line)
    (tmp_path / "starts-000001.jsonl").write_bytes(b"".join(lines) + b"no record\n")
    problems: list[str] = []
    gathering = Gathering()
    assert read(tmp_path, gathering, lambda problem: problems.append(str(problem))) == 3
    assert [problem.split(" ")[0] for problem in problems] == [f"{tmp_path}/starts-000001.jsonl:4"]
    assert gathering.recorded().beginnings == (Beginning(ms=BEGIN_MS, first=True),)
    assert [one.receipt for one in gathering.recorded().starts] == ["r1"]


def test_a_journal_whose_first_files_were_retired_begins_with_what_is_left(tmp_path: Path) -> None:
    _, link = seal(opened(), genesis("journal-one"))
    line, _ = seal(record("r1", Phase.OUTCOME, "success", at_s=60, job=JOB), link)
    (tmp_path / "starts-000002.jsonl").write_bytes(line)
    gathering = Gathering()
    read(tmp_path, gathering, lambda _: None)
    assert gathering.recorded().beginnings == (Beginning(ms=BEGIN_MS + 60_000, first=False),)


def test_a_journal_from_before_the_chain_may_have_had_older_records(tmp_path: Path) -> None:
    (tmp_path / "starts-000001.jsonl").write_bytes(encode(record("r1", Phase.OUTCOME, "success", job=JOB)))
    gathering = Gathering()
    read(tmp_path, gathering, lambda _: None)
    assert gathering.recorded().beginnings == (Beginning(ms=BEGIN_MS, first=False),)


def test_no_journal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError):
        read(tmp_path / "none", Gathering(), lambda _: None)
