"""Scores: far points score high, equal ones low."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.embedded.outliers import outliernesses, scores, standardised


def test_the_far_point_scores_highest() -> None:
    points = [(float(n % 5), float(n % 3)) for n in range(40)] + [(50.0, 1.0)]
    found = list(outliernesses(standardised(points)))
    scored = scores([each.distance for each in found], 0.05)
    assert max(range(41), key=scored.__getitem__) == 40
    assert scored[40] > 0.9
    assert found[40].influences[0] > 0.9


def test_standardising_a_constant_column_leaves_zeroes() -> None:
    assert standardised([(1.0, 2.0), (1.0, 4.0)]) == [(0.0, -1.0), (0.0, 1.0)]


@given(st.lists(st.floats(0, 1e6), max_size=50), st.floats(0, 1))
def test_scores_are_in_range_and_keep_the_order(distances: list[float], fraction: float) -> None:
    found = scores(distances, fraction)
    assert all(0.0 <= score <= 1.0 for score in found)
    pairs = sorted(zip(distances, found, strict=True))
    assert [score for _, score in pairs] == sorted(found)


def test_nothing_outlies_among_equals() -> None:
    found = list(outliernesses([(1.0,)] * 5))
    assert {each.distance for each in found} == {0.0}
    assert scores([each.distance for each in found], 0.05) == [0.0] * 5


def test_one_far_among_equals_is_an_outlier() -> None:
    assert scores([0.0] * 30 + [3.0], 0.01)[-1] == pytest.approx(0.5)
    assert scores([0.0] * 30 + [3.0], 0.5)[-1] == 1.0


def test_a_single_point_has_no_neighbours() -> None:
    [only] = outliernesses([(1.0, 2.0)])
    assert only.distance == 0.0
    assert only.influences == (0.5, 0.5)
