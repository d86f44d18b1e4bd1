r"""The PROXY protocol, versions 1 and 2: who really connected, as a front tells it before anything else.

Source: "The PROXY protocol, versions 1 & 2" by HAProxy (`doc/proxy-protocol.txt`), section numbers in comments. Who may
tell it is not judged here: anybody can write such a header.

Strict: a header that could be read in two ways is none. Of the extensions (TLVs) of version 2 the checksum is held
against the header where there is one; all others are skipped, but they must fill the space that the header claims.
"""

import ipaddress
import re
from typing import Final, NamedTuple

from proxy.wire.crc32c import crc32c

# §2.2: chosen so that no other protocol's first bytes can be taken for it.
SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
# §2.1: with its line end; a reader needs no more than this.
LINE_BYTES: Final = 107
# Version 2 could claim 64 KiB. A front's own extensions are some hundred bytes, a certificate's names among them.
HEADER_BYTES: Final = 4096

_PREFIX: Final = b"PROXY "
_LINE = re.compile(rb"PROXY (?:(UNKNOWN)(?: [^\r\n]*)?|(TCP[46]) ([^ ]+) ([^ ]+) ([0-9]+) ([0-9]+))\r\n")
_FIXED_BYTES: Final = 16
# §2.2: the lower half of the 13th byte.
_LOCAL, _PROXY = 0x0, 0x1
# §2.2: address family and transport in one byte, and how long two addresses with their ports are. A datagram cannot
# have brought what a connection brings.
_UNSPEC, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
# §2.2.3: type, two bytes of length, and so many bytes with the checksum.
_CRC32C: Final = 0x03
_CRC32C_BYTES: Final = 4
_ADDRESS_BYTES: Final = {_UNSPEC: 0, _TCP4: 12, _TCP6: 36, _UNIX: 216}


class ProxyHeader(NamedTuple):
    """What a front told. `source` is address and port of who connected to it; empty address for one without (a Unix
    socket); None where it spoke for itself or does not know, and its own address is to be taken (§2.1 UNKNOWN, §2.2
    LOCAL and UNSPEC). `end` is how many bytes the header took."""

    source: tuple[str, int] | None
    end: int


class ProxyProtocolError(Exception):
    """What came is no PROXY header, and no continuation could make it one. The connection must be closed (§2)."""


def decode_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header that `data` begins with, or None while it is incomplete; all of `data` belongs to it then.

    Raises ProxyProtocolError as soon as it is clear that there is none.
    """
    if data.startswith(SIGNATURE):
        return _version_2(data)
    if data.startswith(_PREFIX):
        return _version_1(data)
    if SIGNATURE.startswith(data) or _PREFIX.startswith(data):
        return None
    raise ProxyProtocolError("the connection does not begin with a PROXY header")


def _version_1(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, LINE_BYTES)
    if end < 0:
        if len(data) >= LINE_BYTES:
            raise ProxyProtocolError(f"the PROXY line is longer than {LINE_BYTES} bytes")
        return None
    match = _LINE.fullmatch(data[: end + 2])
    if match is None:
        raise ProxyProtocolError("the PROXY line is not 'PROXY TCP4|TCP6 source destination port port' or UNKNOWN")
    unknown, family, source, destination, source_port, destination_port = match.groups()
    if unknown:
        # §2.1: what follows UNKNOWN is ignored.
        return ProxyHeader(None, end + 2)
    _address(destination, family)
    _port(destination_port)
    return ProxyHeader((_address(source, family), _port(source_port)), end + 2)


def _address(written: bytes, family: bytes) -> str:
    """§2.1: only the canonical forms; a zone (`%eth0`) is the front's own matter and means nothing here."""
    try:
        text = written.decode("ascii")
        address = ipaddress.IPv4Address(text) if family == b"TCP4" else ipaddress.IPv6Address(text)
    except ValueError:  # UnicodeDecodeError is one
        raise ProxyProtocolError(f"the PROXY line has no {family.decode()} address where one belongs") from None
    if "%" in text:
        raise ProxyProtocolError("the PROXY line has an address with a zone")
    return str(address)


def _port(written: bytes) -> int:
    """§2.1: 0 to 65535, without leading zeros."""
    if len(written) > 5 or int(written) > 65535 or (written[:1] == b"0" and len(written) > 1):
        raise ProxyProtocolError("the PROXY line has no port where one belongs")
    return int(written)


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) > 12 and data[12] >> 4 != 2:
        raise ProxyProtocolError(f"version {data[12] >> 4} of the binary PROXY header is not known")
    if len(data) < _FIXED_BYTES:
        return None
    command, family = data[12] & 0xF, data[13]
    end = _FIXED_BYTES + int.from_bytes(data[14:16], "big")
    if command not in (_LOCAL, _PROXY):
        raise ProxyProtocolError(f"command {command} of the PROXY header is not known")
    if end > HEADER_BYTES:
        raise ProxyProtocolError(f"the PROXY header is longer than {HEADER_BYTES} bytes")
    if command == _PROXY and family not in _ADDRESS_BYTES:
        raise ProxyProtocolError(f"family and transport 0x{family:02x} of the PROXY header are none of a connection")
    if len(data) < end:
        return None
    if command == _LOCAL:
        # §2.2: the front's own, such as a probe; all else in the header is to be ignored.
        return ProxyHeader(None, end)
    return ProxyHeader(_source(family, data[:end]), end)


def _source(family: int, header: bytes) -> tuple[str, int] | None:
    payload = header[_FIXED_BYTES:]
    size = _ADDRESS_BYTES[family]
    if len(payload) < size:
        raise ProxyProtocolError("the PROXY header is too short for its addresses")
    if family == _UNSPEC:
        # §2.2: nothing is known of what follows, so it is no list of extensions either.
        return None
    _check_extensions(header, _FIXED_BYTES + size)
    if family == _UNIX:
        return "", 0
    half = 4 if family == _TCP4 else 16
    return str(ipaddress.ip_address(payload[:half])), int.from_bytes(payload[2 * half : 2 * half + 2], "big")


def _check_extensions(header: bytes, at: int) -> None:
    """§2.2.1: from `at` on each is a type, two bytes of length, and so many bytes."""
    sums = []
    while at + 3 <= len(header):
        value = at + 3
        end = value + int.from_bytes(header[at + 1 : value], "big")
        if header[at] == _CRC32C:
            sums.append((value, end))
        at = end
    if at != len(header):
        raise ProxyProtocolError("the extensions of the PROXY header do not end where it ends")
    if len(sums) > 1:
        raise ProxyProtocolError("the PROXY header has more than one checksum")
    for value, end in sums:
        _check_sum(header, value, end)


def _check_sum(header: bytes, at: int, end: int) -> None:
    """§2.2.3: that of the whole header, with zeros in its own place."""
    if end - at != _CRC32C_BYTES:
        raise ProxyProtocolError(f"the checksum of the PROXY header has {end - at} bytes, not {_CRC32C_BYTES}")
    if int.from_bytes(header[at:end], "big") != crc32c(header[:at] + bytes(_CRC32C_BYTES) + header[end:]):
        raise ProxyProtocolError("the checksum of the PROXY header is not that of its bytes")
