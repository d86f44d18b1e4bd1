"""What is owed is said once it can be, all of it, and once."""

from collections.abc import Mapping
from typing import Any

from proxy.journal.debts import Debts
from proxy.journal.marks import RECEIPTS_NAMED, Mark


def told(records: list[Mapping[str, Any]]) -> list[tuple[str, int, list[str], str]]:
    fields = [(one["event"]["action"], one["startgate"]["admin"]["journal"]) for one in records]
    return [
        (action.removeprefix("startgate-journal-"), one["records"], one["receipts"], one["since"][17:23])
        for action, one in fields
    ]


def test_what_is_paid_is_forgotten() -> None:
    debts = Debts()
    assert not debts
    debts.owe(Mark.LOST, "a", 1000, "full")
    debts.owe(Mark.LOST, "", 2000, "full")
    debts.owe(Mark.LATE, "b", 3000, "slow")
    assert debts
    assert told(debts.take(9000)) == [("lost", 2, ["a"], "01.000"), ("late", 1, ["b"], "03.000")]
    assert debts
    debts.paid()
    assert not debts
    assert debts.take(9000) == []


def test_what_could_not_be_said_is_owed_with_what_came_since() -> None:
    debts = Debts()
    debts.owe(Mark.LOST, "a", 1000, "full")
    debts.take(9000)
    debts.owe(Mark.LOST, "b", 2000, "full")
    debts.owe(Mark.LATE, "c", 3000, "slow")
    debts.unpaid()
    assert told(debts.take(9000)) == [("lost", 2, ["a", "b"], "01.000"), ("late", 1, ["c"], "03.000")]


def test_all_are_counted_and_so_many_named() -> None:
    debts = Debts()
    for number in range(RECEIPTS_NAMED + 1):
        debts.owe(Mark.LOST, f"r{number}", 0, "full")
    debts.take(0)
    debts.owe(Mark.LOST, "more", 0, "full")
    debts.unpaid()
    [(_, count, receipts, _)] = told(debts.take(0))
    assert count == RECEIPTS_NAMED + 2
    assert receipts == [f"r{number}" for number in range(RECEIPTS_NAMED)]
