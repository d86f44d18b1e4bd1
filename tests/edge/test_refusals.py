"""Counters of refusals, and lines that do not fill the disk."""

import logging

import pytest

from proxy.edge.refusals import LINES_PER_WINDOW, WINDOW_S, Reason, Refusals


def test_each_reason_is_counted_for_itself() -> None:
    refusals = Refusals()
    assert set(refusals.counts) == set(Reason)
    assert not any(refusals.counts.values())
    for _ in range(3):
        refusals.note(Reason.MALFORMED, "192.0.2.1:1", "400: no", 0.0)
    refusals.note(Reason.CONNECTIONS, "192.0.2.1:1", "full", 0.0)
    counted = {reason: count for reason, count in refusals.counts.items() if count}
    assert counted == {Reason.MALFORMED: 3, Reason.CONNECTIONS: 1}


def test_what_was_read_does_not_change() -> None:
    refusals = Refusals()
    before = refusals.counts
    refusals.note(Reason.ROUTE, "192.0.2.1:1", "no", 0.0)
    assert (before[Reason.ROUTE], refusals.counts[Reason.ROUTE]) == (0, 1)


def test_lines_name_the_peer_and_are_held_to_a_few(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    with caplog.at_level(logging.INFO, "proxy.edge.refusals"):
        for number in range(LINES_PER_WINDOW + 7):
            refusals.note(Reason.MALFORMED, f"192.0.2.1:{number}", "400: no", 5.0)
        assert len(caplog.records) == LINES_PER_WINDOW
        refusals.note(Reason.ROUTE, "192.0.2.2:1", "400: other", 5.0)
        assert len(caplog.records) == LINES_PER_WINDOW + 1, "another reason has lines of its own"
        refusals.note(Reason.MALFORMED, "192.0.2.3:1", "400: again", 5.0 + WINDOW_S)
    assert caplog.records[0].getMessage() == "refused 192.0.2.1:0 [malformed]: 400: no"
    assert caplog.records[-1].getMessage().endswith("400: again (7 more of this kind were not told)")
    assert refusals.counts[Reason.MALFORMED] == LINES_PER_WINDOW + 8
