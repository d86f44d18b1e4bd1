"""`proxy.fronts.model`."""

import pytest

from proxy.fronts.model import Address


@pytest.mark.parametrize(
    ("host", "written"), [("10.0.0.1", "10.0.0.1:9200"), ("es", "es:9200"), ("fd00::1", "[fd00::1]:9200")]
)
def test_addresses_are_written_as_all_fronts_read_them(host: str, written: str) -> None:
    assert str(Address(host=host, port=9200)) == written
