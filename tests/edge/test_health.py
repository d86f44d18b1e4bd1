"""When a node is asked last, for how long, and how it gets its share back."""

import pytest

from proxy.edge.health import Health
from proxy.settings import EdgeLimits

LIMITS = EdgeLimits(
    upstream_eject_failures=3, upstream_eject_s=1.0, upstream_eject_longest_s=5.0, upstream_return_s=10.0
)


def test_one_that_did_nothing_wrong() -> None:
    health = Health(LIMITS)
    assert (health.troubled, health.ejected(0.0), health.share(0.0)) == (False, False, 1.0)


def test_a_refused_connection_ejects_at_once_and_longer_each_time() -> None:
    health = Health(LIMITS)
    now, lengths = 100.0, []
    for _ in range(5):
        assert health.refused(now)
        lengths.append(health.down_until - now)
        assert health.ejected(now)
        now = health.down_until
        assert not health.ejected(now)
    assert lengths == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_further_failures_meanwhile_change_nothing() -> None:
    health = Health(LIMITS)
    assert health.refused(0.0)
    until = health.down_until
    assert not health.refused(0.5)
    assert [health.failed(0.6) for _ in range(3)] == [False, False, False]
    assert health.down_until == until


def test_broken_answers_eject_only_in_a_row() -> None:
    health = Health(LIMITS)
    assert [health.failed(0.0), health.failed(0.0)] == [False, False]
    health.worked(0.0)
    assert [health.failed(0.0), health.failed(0.0), health.failed(0.0)] == [False, False, True]
    assert health.ejected(0.0)


def test_its_share_comes_back_slowly() -> None:
    health = Health(LIMITS)
    health.refused(0.0)
    shares = [health.share(now) for now in (1.0, 1.5, 6.0, 10.9, 11.0, 99.0)]
    assert shares == pytest.approx([0.1, 0.1, 0.5, 0.99, 1.0, 1.0])


def test_the_past_is_forgotten_once_it_has_its_whole_share() -> None:
    health = Health(LIMITS)
    health.refused(0.0)
    health.worked(5.0)
    assert health.troubled
    health.refused(5.0)
    assert health.down_until == 7.0, "not forgotten: twice as long"
    health.worked(17.0)
    health.refused(20.0)
    assert health.down_until == 21.0


def test_a_probe_ends_the_time_early_and_the_share_still_grows_slowly() -> None:
    health = Health(LIMITS)
    health.answers(0.0)
    assert health.share(0.0) == 1.0, "nothing to end"
    health.refused(0.0)
    health.answers(0.5)
    assert not health.ejected(0.5)
    assert health.share(0.5) == pytest.approx(0.1)
    assert health.share(10.5) == 1.0


def test_many_ejections_are_no_overflow() -> None:
    health = Health(LIMITS)
    now = 0.0
    for _ in range(2000):
        health.refused(now)
        now = health.down_until
    assert health.down_until - now == 0.0
    health.refused(now)
    assert health.down_until - now == 5.0
