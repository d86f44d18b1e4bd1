"""The queue: bounded, in turns, each for its time."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.edge.queue import FairQueue


class Waiter:
    """Somebody of an address."""

    def __init__(self, origin: str) -> None:
        self.origin = origin


def test_addresses_take_turns() -> None:
    queue: FairQueue[Waiter] = FairQueue(10, 5.0)
    for origin in "aaaab":
        assert queue.put(Waiter(origin), 0.0)
    queue.put(Waiter("c"), 0.0)
    assert [queue.pop().origin for _ in range(6)] == list("abcaaa")
    with pytest.raises(KeyError):
        queue.pop()


def test_of_one_address_the_first_is_first() -> None:
    queue: FairQueue[Waiter] = FairQueue(10, 5.0)
    all_of_them = [Waiter("a") for _ in range(5)]
    for one in all_of_them:
        queue.put(one, 0.0)
    assert [queue.pop() for _ in range(5)] == all_of_them


def test_it_is_bounded() -> None:
    queue: FairQueue[Waiter] = FairQueue(2, 5.0)
    assert [queue.put(Waiter("a"), 0.0) for _ in range(3)] == [True, True, False]
    queue.pop()
    assert queue.put(Waiter("b"), 0.0)


def test_those_who_waited_long_enough_leave() -> None:
    queue: FairQueue[Waiter] = FairQueue(9, 5.0)
    early, late = Waiter("a"), Waiter("a")
    assert len(queue) == 0
    queue.put(early, 1.0)
    queue.put(late, 2.0)
    assert queue.deadline == 6.0
    assert queue.overdue(5.9) == []
    assert queue.overdue(6.0) == [early]
    assert (queue.deadline, len(queue)) == (7.0, 1)
    assert queue.pop() is late


def test_who_left_is_not_served() -> None:
    queue: FairQueue[Waiter] = FairQueue(9, 5.0)
    one, two = Waiter("a"), Waiter("b")
    queue.put(one, 0.0)
    queue.put(two, 0.0)
    queue.discard(one)
    queue.discard(one)
    assert (len(queue), queue.pop()) == (1, two)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(("put", "pop", "leave")))))
def test_nobody_is_lost_or_served_twice(steps: list[tuple[str, str]]) -> None:
    queue: FairQueue[Waiter] = FairQueue(5, 5.0)
    waiting: list[Waiter] = []
    for origin, step in steps:
        if step == "put":
            one = Waiter(origin)
            if queue.put(one, 0.0):
                waiting.append(one)
            else:
                assert len(waiting) == 5
        elif waiting and step == "pop":
            waiting.remove(queue.pop())
        elif waiting:
            queue.discard(waiting.pop(0))
        assert len(queue) == len(waiting)
    assert Counter(queue.pop() for _ in range(len(waiting))) == Counter(waiting)
