"""CRC32C, the checksum of the PROXY protocol (RFC 3720 appendix B.4): the polynomial is Castagnoli's, not zlib's."""

from typing import Final

# 0x1EDC6F41 with its bits in the other order.
_POLYNOMIAL: Final = 0x82F63B78


def _entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE: Final = tuple(_entry(byte) for byte in range(256))


def crc32c(data: bytes) -> int:
    """The checksum of `data`, 32 bits. Some tenths of a microsecond a byte: for headers, not for bodies."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFF_FFFF
