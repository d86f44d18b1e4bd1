"""Whether an address is in a network that was named."""

import pytest

from proxy.edge.networks import Networks

NAMED = Networks(("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"))


@pytest.mark.parametrize("address", ["10.0.0.1", "10.255.255.255", "192.0.2.7", "2001:db8::9", "::ffff:10.1.1.1"])
def test_in(address: str) -> None:
    assert address in NAMED


@pytest.mark.parametrize(
    "address", ["11.0.0.1", "192.0.2.8", "2001:db9::", "::1", "", "unknown", "10.0.0", None, "::ffff:11.1.1.1"]
)
def test_out(address: str | None) -> None:
    assert address not in NAMED


def test_zones_mean_nothing() -> None:
    assert "fe80::1%eth0" in Networks(("fe80::/10",))


def test_nothing_is_in_no_network() -> None:
    assert "10.0.0.1" not in Networks(())
