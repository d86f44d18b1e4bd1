"""What is repeated without credentials: one record at once, then one a window and peer, and none is lost."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.gate.fold import OTHERS, WINDOW_S, Fold, Folded


@dataclass
class Timers:
    """A loop's `call_later` with a clock of its own."""

    now_s: float = 0.0
    waiting: list[tuple[float, Callable[[], None], "Timer"]] = field(default_factory=list)

    def later(self, seconds: float, call: Callable[[], None]) -> "Timer":
        timer = Timer()
        self.waiting.append((self.now_s + seconds, call, timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due is called in order."""
        until = self.now_s + seconds
        while due := sorted((one for one in self.waiting if one[0] <= until), key=lambda one: one[0])[:1]:
            self.waiting.remove(due[0])
            self.now_s = due[0][0]
            if not due[0][2].cancelled:
                due[0][1]()
        self.now_s = until


@dataclass
class Timer:
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Made:
    """A fold with its timers and what it emitted."""

    peers: int = 3

    def __post_init__(self) -> None:
        self.timers = Timers()
        self.emitted: list[Folded] = []
        self.fold = Fold(self.timers.later, self.emitted.append, peers=self.peers)

    def attempt(self, peer: str) -> bool:
        return self.fold.counts(peer, int(self.timers.now_s * 1000))


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("[2001:db8:1:2::1]", "[2001:db8:1:2:ffff::9]", True),
        ("2001:db8:1:2::1", "[2001:db8:1:2::7]", True),
        ("[2001:db8:1:2::1]", "[2001:db8:1:3::1]", False),
        ("[::ffff:10.0.0.1]", "[::ffff:10.0.0.2]", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "x", False),
    ],
)
def test_who_can_choose_among_many_addresses_is_one_peer(one: str, other: str, together: bool) -> None:
    """Whoever has one IPv6 address has 2^64."""
    made = Made()
    assert [made.attempt(one), made.attempt(other)] == [False, together]
    assert [one.count for one in made.fold.flush()] == ([1] if together else [])


def test_the_first_is_recorded_and_the_rest_counted() -> None:
    made = Made()
    assert [made.attempt("a") for _ in range(3)] == [False, True, True]
    assert made.attempt("b") is False
    made.timers.advance(WINDOW_S)
    assert made.emitted == [Folded(peer="a", count=2, since_ms=0, until_ms=0)]


def test_who_goes_on_is_told_of_once_a_window() -> None:
    made = Made()
    for _ in range(3 * 60):
        made.attempt("a")
        made.timers.advance(1.0)
    assert [one.count for one in made.emitted] == [59, 60, 60]
    first, second, third = made.emitted
    assert first.until_ms < second.since_ms <= second.until_ms < third.since_ms


def test_who_was_quiet_for_a_window_is_new_again() -> None:
    made = Made()
    made.attempt("a")
    made.timers.advance(WINDOW_S)
    assert made.attempt("a") is False
    assert made.emitted == []


def test_a_window_is_not_over_before_its_end() -> None:
    made = Made()
    made.attempt("a")
    made.attempt("a")
    made.timers.advance(WINDOW_S - 0.001)
    assert made.emitted == []
    assert made.attempt("a") is True


def test_beyond_the_bound_peers_share_a_count() -> None:
    made = Made(peers=2)
    assert [made.attempt(peer) for peer in ("a", "b", "c", "d", "c", "a")] == [False, False, False, True, True, True]
    made.timers.advance(WINDOW_S)
    assert {one.peer: one.count for one in made.emitted} == {"a": 1, OTHERS: 2}


def test_at_the_end_all_is_told_and_no_timer_runs() -> None:
    made = Made()
    for peer in ("a", "a", "b", "c", "c", "c"):
        made.attempt(peer)
    assert {one.peer: one.count for one in made.fold.flush()} == {"a": 1, "c": 2}
    made.timers.advance(10 * WINDOW_S)
    assert made.emitted == []
    assert made.fold.flush() == []


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 70)), max_size=60))
def test_every_attempt_is_recorded_or_counted(attempts: list[tuple[str, float]]) -> None:
    made, recorded = Made(), 0
    for peer, pause_s in attempts:
        recorded += not made.attempt(peer)
        made.timers.advance(pause_s)
    counted = sum(one.count for one in (*made.emitted, *made.fold.flush()))
    assert recorded + counted == len(attempts)
