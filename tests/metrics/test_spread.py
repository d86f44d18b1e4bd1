"""Counting into buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.metrics.spread import CLASSES, FSYNC_S, REQUEST_S, START_S, Spread, Tally


@pytest.mark.parametrize(
    ("value", "place"),
    [(0.0, 0), (0.5, 0), (1.0, 0), (1.0001, 1), (2.0, 1), (2.1, 2), (1e9, 2), (float("inf"), 2)],
)
def test_a_bound_belongs_below_itself(value: float, place: int) -> None:
    spread = Spread((1.0, 2.0))
    spread.note(value)
    assert spread.counts == [int(place == number) for number in range(3)]
    assert spread.total == value


@given(values=st.lists(st.floats(min_value=0, max_value=1e6), max_size=50))
def test_nothing_is_lost(values: list[float]) -> None:
    spread = Spread(REQUEST_S)
    for value in values:
        spread.note(value)
    assert sum(spread.counts) == len(values)
    assert spread.total == pytest.approx(sum(values))
    for number, bound in enumerate(REQUEST_S):
        assert sum(spread.counts[: number + 1]) == sum(value <= bound for value in values)


@pytest.mark.parametrize("bounds", [REQUEST_S, START_S, FSYNC_S])
def test_bounds_rise(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert bounds[0] > 0


@pytest.mark.parametrize(
    ("status", "place"),
    [(100, 1), (200, 2), (299, 2), (302, 3), (404, 4), (503, 5), (599, 5), (600, 0), (999, 0), (99, 0)],
)
def test_answers_are_counted_by_class(status: int, place: int) -> None:
    tally = Tally()
    tally.note(status, 0.3)
    assert [sum(spread.counts) for spread in tally.spreads] == [int(number == place) for number in range(len(CLASSES))]
    assert tally.spreads[place].total == 0.3


@given(times=st.lists(st.floats(min_value=0, max_value=100), max_size=20))
def test_a_tally_counts_as_its_spread_would(times: list[float]) -> None:
    tally, spread = Tally(), Spread(REQUEST_S)
    for seconds in times:
        tally.note(200, seconds)
        spread.note(seconds)
    assert (tally.spreads[2].counts, tally.spreads[2].total) == (spread.counts, spread.total)


def test_tallies_add_up() -> None:
    one, other = Tally(), Tally()
    one.received, other.received = 5, 7
    one.note(200, 0.1)
    other.note(200, 0.2)
    other.note(404, 40.0)
    one.add(other)
    assert one.received == 12
    assert sum(one.spreads[2].counts) == 2
    assert one.spreads[2].total == pytest.approx(0.3)
    assert one.spreads[4].counts[-1] == 1
    assert sum(other.spreads[2].counts) == 1, "the other is left as it was"
