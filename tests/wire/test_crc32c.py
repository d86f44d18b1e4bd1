"""CRC32C: the standard's own examples, and what a checksum is for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.crc32c import crc32c


# RFC 3720 appendix B.4, and the check value that catalogues of checksums give.
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (
            bytes.fromhex(
                "01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000"
                "00000000"
            ),
            0xD9963A56,
        ),
    ],
)
def test_what_the_standard_says(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


@given(st.binary(min_size=1, max_size=100), st.data())
def test_one_wrong_bit_is_seen(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, 8 * len(data) - 1))
    changed = bytearray(data)
    changed[at // 8] ^= 1 << at % 8
    assert crc32c(bytes(changed)) != crc32c(data)
