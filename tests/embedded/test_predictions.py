"""Predictions from neighbours."""

import pytest

from proxy.embedded.predictions import classifications, regressions


def test_a_regression_lies_between_its_neighbours() -> None:
    rows = [(float(n),) for n in range(20)]
    [low, high] = regressions(rows, [2.0 * n for n in range(20)], [(3.0,), (16.4,)])
    assert low == pytest.approx(6.0, abs=0.1)
    assert 30 < high < 36


def test_a_classification_is_what_most_neighbours_are() -> None:
    rows = [(float(n),) for n in range(20)]
    classes = ["low"] * 10 + ["high"] * 10
    [votes] = classifications(rows, classes, [(1.0,)])
    assert votes == [("low", 1.0)]
    [mixed] = classifications(rows, classes, [(9.6,)])
    assert {name for name, _ in mixed} == {"low", "high"}
    assert sum(share for _, share in mixed) == pytest.approx(1.0)
