"""How many failures a peer may have; the clock is the test's."""

import pytest

from proxy.errors import Refusal
from proxy.identity import guesses
from proxy.identity.guesses import Guesses, peer_group


@pytest.mark.parametrize(
    ("peer", "group"),
    [
        ("10.0.0.5:1", "10.0.0.5"),
        ("10.0.0.5:2", "10.0.0.5"),
        ("[2001:db8:1:2:3::4]:1", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::5]:9", "2001:db8:1:2::/64"),
        ("[::ffff:10.0.0.5]:1", "10.0.0.5"),
        ("unknown", "unknown"),
    ],
)
def test_what_counts_as_one_peer(peer: str, group: str) -> None:
    assert peer_group(peer) == group


def test_failures_are_bounded_in_any_window() -> None:
    limit = Guesses(2, 60.0)
    limit.charge("a", 100.0)
    limit.charge("a", 130.0)
    with pytest.raises(Refusal) as told:
        limit.charge("a", 150.5)
    assert (told.value.status, told.value.headers) == (429, (("Retry-After", "10"),))
    assert "try again in 10 s" in told.value.reason
    limit.charge("b", 150.0)
    limit.charge("a", 160.0)
    with pytest.raises(Refusal):
        limit.charge("a", 189.9)
    limit.charge("a", 190.0)


def test_what_was_right_is_given_back() -> None:
    limit = Guesses(1, 60.0)
    for now in range(10):
        limit.charge("a", float(now))
        limit.refund("a", float(now))
    limit.charge("a", 10.0)
    with pytest.raises(Refusal):
        limit.charge("a", 10.0)
    limit.refund("a", 9.0)
    limit.refund("z", 9.0)
    with pytest.raises(Refusal):
        limit.charge("a", 10.0)


def test_peers_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guesses, "PEERS", 2)
    limit = Guesses(1, 60.0)
    for peer in "abc":
        limit.charge(peer, 1.0)
    for peer in "bc":
        with pytest.raises(Refusal):
            limit.charge(peer, 1.0)
    limit.charge("a", 1.0)
