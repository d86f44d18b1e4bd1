"""What is held of a start: its row, what it can be asked by, all of it bounded."""

from dataclasses import astuple
from sys import getsizeof
from typing import Any

import pytest

from proxy.admin.views.row import CHARACTERS_HELD, NAMES_HELD, REASON_CHARACTERS, Place, entry_of, own_of, row_of
from proxy.journal.query import Result
from proxy.journal.start import Start
from tests.admin.views.reading import denied, intent, who
from tests.journal.making import granted, record

PLACES = (Place(3, 100, 50),)


def start(*records: dict[str, Any]) -> Start:
    """A start with these records."""
    return Start("r", {one["startgate"]["phase"]: one for one in records})


def test_a_row_tells_what_the_records_say() -> None:
    made = denied(
        "r",
        user="anna",
        caller=who("anna"),
        secondary=who("ben"),
        job={"id": "flights", "sources": ["a", "b"], "destination": "out"},
    )
    made["http"] = {"response": {"status_code": 403}}
    made["event"]["duration"] = 12_345_678
    row = row_of(start(made))
    assert (row.receipt, row.time, row.job) == ("r", "2023-11-14T22:13:20.000Z", "flights")
    assert (row.user, row.realm, row.secondary) == ("anna", "native1", "ben")
    assert (row.sources, row.destination, row.verdict) == (("a", "b"), "out", "denied")
    assert (row.status, row.reason, row.duration_ms, row.ended) == (403, "no read", 12.346, "")


def test_what_the_outcome_lacks_other_records_tell() -> None:
    """As one that was found after a crash."""
    told = record("r", outcome="unknown", reconciled={"started": "unknown"}, at_s=50)
    told["event"]["duration"] = 5
    row = row_of(start(intent("r", user="anna", job={"id": "j", "sources": ["s"]}), told))
    assert (row.user, row.job, row.sources, row.verdict) == ("anna", "j", ("s",), "unknown")
    assert row.time == told["@timestamp"]
    assert row.duration_ms is None, "how long the caller waited is not known"


def test_how_the_job_ended_stands_beside_the_verdict() -> None:
    made = granted("r", end="failure")
    made[2]["event"]["reason"] = "out of memory"
    row = row_of(start(*made))
    assert (row.verdict, row.ended, row.reason) == ("granted", "failure", "out of memory")
    assert entry_of(start(*made), PLACES).results == {Result.GRANTED, Result.ALLOWED, Result.FAILED}


def test_an_entry_is_bounded_and_says_so() -> None:
    many = [f"i{number}" for number in range(2000)]
    made = denied("r", job={"id": "j", "sources": many})
    made["event"]["reason"] = "x" * 5000
    entry = entry_of(start(made), PLACES)
    assert (len(entry.indices), entry.more) == (NAMES_HELD, True)
    assert entry.row.sources[-1] == "…[2000 entries]"
    assert len(entry.row.reason) == REASON_CHARACTERS + 1
    whole = entry_of(start(made), PLACES, names=10_000)
    assert (whole.indices, whole.more) == (tuple(many), False)
    assert len(row_of(start(made), sources=2000, reason=9000).sources) == 2000


def test_whose_own_a_start_is() -> None:
    """Name and realm: an anna of another realm is another. Who acts through another's credentials is who they are."""
    asked = record("r", caller=who("kibana", "reserved"), secondary=who("anna"))
    assert own_of(start(asked)) == {("kibana", "reserved"), ("anna", "native1")}
    through = record("r", caller=who("anna", "file1", run_as={"lookup_realm": "native1"}))
    assert own_of(start(through)) == {("anna", "native1")}
    assert own_of(start(record("r", caller={"name": "anna"}))) == frozenset()
    assert own_of(start(record("r"))) == frozenset()


@pytest.mark.parametrize("odd", [None, 1, [], {}, ["x"], {"name": 1}, True])
def test_odd_records_are_shown_all_the_same(odd: object) -> None:
    made = record("r", job=odd, caller=odd, secondary=odd, destination=odd, verdict=odd)
    made["user"], made["http"] = odd, odd
    made["@timestamp"] = odd
    entry = entry_of(start(made), PLACES)
    assert entry.row.receipt == "r"
    assert entry.row.status is None
    assert entry.key == (3, 100)


def test_the_longest_names_take_no_more_room_than_usual_ones() -> None:
    """10,000 of these entries are held, and whoever may make jobs chooses what stands in them."""
    longest = [f"{number:04}" + "\N{GRINNING FACE}" * 1020 for number in range(1000)]
    made = denied(
        "r", user="u" * 507, caller=who("u" * 507), job={"id": "j", "sources": longest, "destination": "o" * 255}
    )
    made["event"]["reason"] = "\N{GRINNING FACE}" * 262_144
    entry = entry_of(start(made), PLACES)
    assert entry.more
    assert 0 < sum(map(len, entry.indices)) <= CHARACTERS_HELD
    assert entry.row.sources == (*longest[:2], "…[1000 entries]")
    texts = {*entry.users, *entry.jobs, *entry.indices, *(one for one in astuple(entry.row) if isinstance(one, str))}
    assert sum(map(getsizeof, {*texts, *entry.row.sources})) < 24 * 1024
    whole = entry_of(start(made), PLACES, names=10**6)
    assert len(whole.indices) >= 1000, "a filter that needs all names has them"
    assert not whole.more
