"""Pauses double up to the longest, and chance takes up to half."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ship.pace import pause_s


@pytest.mark.parametrize(
    ("failures", "pause"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (9, 60.0), (10**9, 60.0)]
)
def test_pauses_double_up_to_the_longest(failures: int, pause: float) -> None:
    assert pause_s(failures, 0.5, 60.0, 0.0) == pause
    assert pause_s(failures, 0.5, 60.0, 1.0) == pause / 2


@given(st.integers(1, 200), st.floats(0, 1))
def test_no_pause_is_longer_than_the_longest_or_shorter_than_half_the_first(failures: int, chance: float) -> None:
    assert 0.25 <= pause_s(failures, 0.5, 60.0, chance) <= 60.0
