"""Counters of refusals, and lines that do not fill the disk."""

import logging
from pathlib import Path

import pytest

from proxy.edge.refusals import ADDRESSES_PER_REASON, LINES_PER_ADDRESS, WINDOW_S, Reason, Refusals
from proxy.edge.sweep import NEVER


def test_each_reason_is_counted_for_itself() -> None:
    refusals = Refusals()
    assert set(refusals.counts) == set(Reason)
    assert not any(refusals.counts.values())
    for _ in range(3):
        refusals.note(Reason.MALFORMED, "192.0.2.1:1", "400: no", 0.0)
    refusals.note(Reason.CONNECTIONS, "192.0.2.1:1", "full", 0.0)
    counted = {reason: count for reason, count in refusals.counts.items() if count}
    assert counted == {Reason.MALFORMED: 3, Reason.CONNECTIONS: 1}


def test_each_reason_is_explained() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "wire.md").read_text(encoding="utf-8")
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in text] == []


def test_what_was_read_does_not_change() -> None:
    refusals = Refusals()
    before = refusals.counts
    refusals.note(Reason.ROUTE, "192.0.2.1:1", "no", 0.0)
    assert (before[Reason.ROUTE], refusals.counts[Reason.ROUTE]) == (0, 1)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log's lines."""
    caplog.set_level(logging.INFO, "proxy.edge.refusals")
    return caplog


def test_a_refusal_names_the_peer_and_the_reason_in_fields(told: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    refusals.note(Reason.MALFORMED, "[2001:db8::1]:4242", "400: no", 0.0)
    refusals.note(Reason.UNASKED, "http://10.0.0.1:9200", "bytes came", 0.0)
    first, second = (record.__dict__["ecs"] for record in told.records)
    assert first == {
        "source.address": "[2001:db8::1]:4242",
        "source.ip": "2001:db8::1",
        "source.port": 4242,
        "event.reason": "malformed",
    }
    assert second == {"source.address": "http://10.0.0.1:9200", "event.reason": "unasked"}


def test_a_flood_of_one_address_is_a_few_lines_and_a_number(told: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for number in range(100_000):
        refusals.note(Reason.MALFORMED, f"192.0.2.1:{number % 60_000}", f"400: {number}", 5.0)
    assert told.messages == [f"refused 192.0.2.1:{n} [malformed]: 400: {n}" for n in range(LINES_PER_ADDRESS)]
    refusals.expire()
    assert told.messages[LINES_PER_ADDRESS:] == [
        f"refused 192.0.2.1 [malformed]: {100_000 - LINES_PER_ADDRESS} more within 60 s"
    ]
    assert refusals.counts[Reason.MALFORMED] == 100_000
    assert refusals.deadline == NEVER


def test_a_flood_of_one_address_hides_no_other_and_no_other_reason(told: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for _ in range(1000):
        refusals.note(Reason.MALFORMED, "[2001:db8::1]:1", "400: no", 0.0)
    told.clear()
    refusals.note(Reason.MALFORMED, "[2001:db8::2]:1", "400: other", 0.0)
    refusals.note(Reason.ROUTE, "[2001:db8::1]:1", "400: route", 0.0)
    assert told.messages == [
        "refused [2001:db8::2]:1 [malformed]: 400: other",
        "refused [2001:db8::1]:1 [route]: 400: route",
    ]


def test_beyond_so_many_addresses_only_their_number_is_kept(told: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for number in range(ADDRESSES_PER_REASON + 30):
        for _ in range(2):
            refusals.note(Reason.HANDSHAKE, f"192.0.2.{number}:1", "no", 0.0)
    assert len(told.messages) == 2 * ADDRESSES_PER_REASON
    told.clear()
    refusals.expire()
    assert told.messages == ["refused other addresses [tls_handshake]: 60 more within 60 s"]
    told.clear()
    refusals.expire()
    assert not told.messages, "a number is told once"


def test_a_window_begins_with_what_is_told_first_and_ends_by_the_sweep_or_the_next(
    told: pytest.LogCaptureFixture,
) -> None:
    refusals = Refusals()
    assert refusals.deadline == NEVER, "nothing to do while nothing is refused"
    for _ in range(LINES_PER_ADDRESS + 1):
        refusals.note(Reason.ROUTE, "192.0.2.1:1", "no", 7.0)
    assert refusals.deadline == 7.0 + WINDOW_S
    refusals.note(Reason.ROUTE, "192.0.2.1:1", "no", refusals.deadline - 0.001)
    told.clear()
    refusals.note(Reason.ROUTE, "192.0.2.1:1", "again", 7.0 + WINDOW_S)
    assert told.messages == [
        "refused 192.0.2.1 [route]: 2 more within 60 s",
        "refused 192.0.2.1:1 [route]: again",
    ]
    assert refusals.deadline == 7.0 + 2 * WINDOW_S


@pytest.mark.parametrize(
    ("peer", "other", "one"),
    [
        ("192.0.2.1:1", "192.0.2.1:2", True),
        ("[2001:db8::1]:1", "[2001:db8::1]:2", True),
        ("unknown", "unknown", True),
        ("http://node:9200", "http://node:9200", True),
        ("192.0.2.1:1", "192.0.2.11:1", False),
        ("[2001:db8::1]:1", "[2001:db8::2]:1", False),
    ],
)
def test_an_address_is_one_whatever_its_port(told: pytest.LogCaptureFixture, peer: str, other: str, one: bool) -> None:
    refusals = Refusals()
    for _ in range(LINES_PER_ADDRESS):
        refusals.note(Reason.ROUTE, peer, "no", 0.0)
    told.clear()
    refusals.note(Reason.ROUTE, other, "no", 0.0)
    assert (not told.messages) is one
