"""The starts in memory: in order, by receipt, with what changed since a moment."""

import random

from proxy.admin.views import index as module
from proxy.admin.views.index import Change, Changes, Index
from proxy.admin.views.row import Entry, Place, entry_of
from proxy.journal.start import Start
from tests.admin.views.reading import denied, receipts


def entry(number: int, receipt: str = "") -> Entry:
    """The entry of a start whose record is the numbered one."""
    name = receipt or f"r{number}"
    return entry_of(Start(name, {"outcome": denied(name)}), (Place(1, number, 1),))


def test_entries_are_in_order_whatever_order_they_come_in() -> None:
    chance, index = random.Random(1), Index()  # noqa: S311 -- a repeatable test
    numbers = [*range(50)]
    chance.shuffle(numbers)
    index.apply(Changes(old=[entry(number) for number in numbers[:20]]))
    index.apply(Changes(new=[entry(number) for number in numbers[20:]]))
    assert receipts(index) == [f"r{number}" for number in range(49, -1, -1)]
    assert [index.before((1, number)) for number in (0, 7, 49, 99)] == [0, 7, 49, 50]
    assert index.before(None) == 50


class Sorted(list[Entry]):
    """Is not sorted again."""

    def sort(self, **_how: object) -> None:
        """Nobody asks for it."""
        raise AssertionError("it is in order")


def test_where_nothing_came_nothing_is_done() -> None:
    """That is four times a second, whatever is held."""
    index = Index()
    index.apply(Changes(old=[entry(number) for number in range(3)]))
    index._order = Sorted(index._order)
    index.apply(Changes(complete=True))
    assert receipts(index) == ["r2", "r1", "r0"]
    assert index.complete


def test_an_entry_takes_the_place_of_its_receipt() -> None:
    index = Index()
    index.apply(Changes(new=[entry(1, "a"), entry(2, "b")]))
    index.apply(Changes(new=[entry(3, "a")], old=[entry(9, "b")]))
    assert receipts(index) == ["a", "b"]
    found = index.get("a")
    assert found is not None
    assert found.key == (1, 3)
    assert [one.key for one in index.entries] == [(1, 2), (1, 3)], "what was read before is older than what is held"


def test_changes_since_a_moment() -> None:
    index, first = Index(), entry(1)
    begin = index.moment
    index.apply(Changes(new=[first]))
    middle = index.moment
    index.apply(Changes(new=[entry(2)], gone=["r1", "unknown"]))
    assert index.since(index.moment) == []
    assert index.since(middle) == [Change(2, None, entry(2)), Change(3, first, None)]
    assert len(index.since(begin) or ()) == 3
    assert receipts(index) == ["r2"]


def test_old_and_evicted_ones_are_no_news() -> None:
    index = Index()
    begin = index.moment
    index.apply(Changes(old=[entry(1), entry(2)]))
    index.apply(Changes(evicted=["r1"]))
    assert index.since(begin) == []
    assert receipts(index) == ["r2"]


def test_what_is_no_moment_of_ours_is_none() -> None:
    index, other = Index(), Index()
    for moment in (
        "",
        "x",
        "-",
        other.moment,
        f"{index.moment}9",
        f"{index.moment[:-1]}²",
        index.moment[:-1] + "9" * 99,
    ):
        assert index.since(moment) is None


def test_moments_of_long_ago_are_forgotten() -> None:
    index = Index()
    moments = []
    for number in range(module.CHANGES_HELD + 5):
        moments.append(index.moment)
        index.apply(Changes(new=[entry(number, "a")]))
    assert index.since(moments[4]) is None
    assert len(index.since(moments[5]) or ()) == module.CHANGES_HELD


def test_listeners_hear_of_each_change_and_of_a_new_beginning() -> None:
    index = Index()
    heard: list[Change | None] = []
    index.listeners.add(heard.append)
    index.apply(Changes(new=[entry(1)]))
    before = index.moment
    index.apply(Changes(anew=True))
    assert heard == [Change(1, None, entry(1)), None]
    assert (len(index), index.get("r1")) == (0, None)
    assert index.since(before) is None, "everything may be another"


def test_it_is_ready_with_the_first_starts_or_where_there_are_none() -> None:
    index, empty = Index(), Index()
    seen = []
    for changes in (Changes(more=True), Changes(old=[entry(1)], more=True), Changes(complete=True)):
        index.apply(changes)
        seen.append((index.ready.is_set(), index.complete))
    assert seen == [(False, False), (True, False), (True, True)]
    empty.apply(Changes(complete=True))
    assert empty.ready.is_set()


def test_problems_are_bounded() -> None:
    index = Index()
    index.apply(Changes(problems=[f"p{number}" for number in range(100)]))
    assert [*index.problems] == [f"p{number}" for number in range(95, 100)]
