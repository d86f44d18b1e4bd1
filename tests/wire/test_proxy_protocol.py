"""The PROXY protocol: every form that the specification has, and nothing else; one answer however bytes are cut."""

import ipaddress
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.crc32c import crc32c
from proxy.wire.proxy_protocol import (
    HEADER_BYTES,
    LINE_BYTES,
    SIGNATURE,
    ProxyHeader,
    ProxyProtocolError,
    decode_proxy_header,
)

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
V4 = socket.inet_aton("192.0.2.7") + socket.inet_aton("10.0.0.1") + struct.pack("!HH", 4711, 443)
V6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    + socket.inet_pton(socket.AF_INET6, "::1")
    + struct.pack("!HH", 1, 65535)
)


def binary(payload: bytes, *, command: int = 0x21, family: int = 0x11) -> bytes:
    """A header of version 2."""
    return SIGNATURE + bytes((command, family)) + struct.pack("!H", len(payload)) + payload


def extension(kind: int, value: bytes) -> bytes:
    """A TLV."""
    return struct.pack("!BH", kind, len(value)) + value


def summed(header: bytes, *behind: bytes) -> bytes:
    """A header of version 2 with a checksum behind its extensions, and others `behind` that."""
    tail = b"".join(behind)
    size = int.from_bytes(header[14:16], "big") + 7 + len(tail)
    zeros = header[:14] + struct.pack("!H", size) + header[16:] + extension(3, bytes(4)) + tail
    at = len(header) + 3
    return zeros[:at] + struct.pack("!I", crc32c(zeros)) + zeros[at + 4 :]


# What `send-proxy-v2` of HAProxy with `proxy-v2-options crc32c` sends for 192.0.2.7:4711 to 10.0.0.1:443, reckoned bit
# by bit from the specification and not by the code that is tested.
CRC_OF_V4 = bytes.fromhex("bde71953")
GOOD = [
    (summed(binary(V4)), ("192.0.2.7", 4711)),
    (binary(V4 + extension(0x03, CRC_OF_V4)), ("192.0.2.7", 4711)),
    (summed(binary(V6, family=0x21)), ("2001:db8::7", 1)),
    (
        summed(binary(V4 + extension(0x01, b"h2") + extension(0xEA, b"vpce")), extension(0x04, b"xx")),
        ("192.0.2.7", 4711),
    ),
    (summed(binary(b"x" * 216, family=0x31)), ("", 0)),
    (binary(V4 + extension(0x20, b"\x01\x00\x00\x00\x00" + extension(0x21, b"TLSv1.3"))), ("192.0.2.7", 4711)),
    (binary(V4 + extension(0x03, bytes(4)), command=0x20), None),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n", ("192.0.2.7", 4711)),
    (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", ("255.255.255.255", 65535)),
    (b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", ("0.0.0.0", 0)),
    (b"PROXY TCP6 2001:db8::7 ::1 1 65535\r\n", ("2001:db8::7", 1)),
    (b"PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 2\r\n", ("2001:db8::7", 1)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 whatever it likes\r\n", None),
    (binary(V4), ("192.0.2.7", 4711)),
    (binary(V6, family=0x21), ("2001:db8::7", 1)),
    (binary(V4 + extension(0x01, b"h2") + extension(0x04, b"")), ("192.0.2.7", 4711)),
    (binary(V4 + extension(0xEA, b"x" * 1000)), ("192.0.2.7", 4711)),
    (binary(b"x" * 216, family=0x31), ("", 0)),
    (binary(b"", family=0x00), None),
    (binary(b"what nobody knows", family=0x00), None),
    (binary(b"", command=0x20, family=0x00), None),
    (binary(V4, command=0x20), None),
    (binary(b"xy", command=0x20, family=0x99), None),
    (binary(V4 + extension(0x04, b"x" * (HEADER_BYTES - 16 - 12 - 3))), ("192.0.2.7", 4711)),
]

BAD = [
    (b"GET / HTTP/1.1\r\n", "does not begin with a PROXY header"),
    (b"\x16\x03\x01", "does not begin with a PROXY header"),
    (b"proxy TCP4", "does not begin with a PROXY header"),
    (b"\r\n\r\n\x00\r\nQUIX", "does not begin with a PROXY header"),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n", "the PROXY line is not"),
    (b"PROXY TCP4  192.0.2.7 10.0.0.1 4711 443\r\n", "the PROXY line is not"),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443 \r\n", "the PROXY line is not"),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\nGET\r\n", "the PROXY line is not"),
    (b"PROXY TCP5 192.0.2.7 10.0.0.1 4711 443\r\n", "the PROXY line is not"),
    (b"PROXY UDP4 192.0.2.7 10.0.0.1 4711 443\r\n", "the PROXY line is not"),
    (b"PROXY UNKNOWNISH\r\n", "the PROXY line is not"),
    (b"PROXY \r\n", "the PROXY line is not"),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 -1 443\r\n", "the PROXY line is not"),
    (b"PROXY TCP4 192.0.2.07 10.0.0.1 4711 443\r\n", "has no TCP4 address"),
    (b"PROXY TCP4 192.0.2 10.0.0.1 4711 443\r\n", "has no TCP4 address"),
    (b"PROXY TCP4 ::1 10.0.0.1 4711 443\r\n", "has no TCP4 address"),
    (b"PROXY TCP4 192.0.2.7 here 4711 443\r\n", "has no TCP4 address"),
    (b"PROXY TCP4 192.0.2.\xb2 10.0.0.1 4711 443\r\n", "has no TCP4 address"),
    (b"PROXY TCP6 192.0.2.7 ::1 4711 443\r\n", "has no TCP6 address"),
    (b"PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n", "with a zone"),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n", "has no port"),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 0443\r\n", "has no port"),
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 000000443\r\n", "has no port"),
    (b"PROXY UNKNOWN " + b"x" * LINE_BYTES, f"longer than {LINE_BYTES} bytes"),
    (SIGNATURE + b"\x11", "version 1"),
    (binary(V4, command=0x31), "version 3"),
    (binary(V4, command=0x22), "command 2"),
    (binary(V4, family=0x12), "0x12"),
    (binary(V4, family=0x41), "0x41"),
    (binary(V4[:-1]), "too short"),
    (binary(V4, family=0x21), "too short"),
    (binary(b"x" * 215, family=0x31), "too short"),
    (binary(V4 + b"x"), "extensions"),
    (binary(V4 + b"\x01\x00\x02x"), "extensions"),
    (binary(V4 + b"\x01\x00\x00\x01"), "extensions"),
    (binary(V4 + extension(0x03, bytes(4))), "is not that of its bytes"),
    (binary(V4 + extension(0x03, CRC_OF_V4[::-1])), "is not that of its bytes"),
    (binary(V4[:3] + b"\x08" + V4[4:] + extension(0x03, CRC_OF_V4)), "is not that of its bytes"),
    (summed(binary(V4), extension(0x04, b"xx"))[:-1] + b"y", "is not that of its bytes"),
    (binary(V4 + extension(0x03, b"")), "has 0 bytes"),
    (binary(V4 + extension(0x03, CRC_OF_V4 + b"\x00")), "has 5 bytes"),
    (summed(summed(binary(V4))), "more than one checksum"),
    (binary(V4 + extension(0x03, CRC_OF_V4)[:-1]), "extensions"),
    (SIGNATURE + b"\x21\x11\xff\xff", f"longer than {HEADER_BYTES} bytes"),
    (SIGNATURE + b"\x20\x11" + struct.pack("!H", HEADER_BYTES - 15), f"longer than {HEADER_BYTES} bytes"),
]


@pytest.mark.parametrize(("header", "source"), GOOD)
@pytest.mark.parametrize("behind", [b"", REQUEST, b"\r\n\r\n", b"PROXY UNKNOWN\r\n"])
def test_what_is_a_header(header: bytes, source: tuple[str, int] | None, behind: bytes) -> None:
    assert decode_proxy_header(header + behind) == ProxyHeader(source, len(header))


@pytest.mark.parametrize(("header", "source"), GOOD)
def test_a_part_is_no_header_yet(header: bytes, source: tuple[str, int] | None) -> None:
    assert [decode_proxy_header(header[:cut]) for cut in range(len(header))] == [None] * len(header)


@pytest.mark.parametrize(("data", "why"), BAD)
def test_what_is_none(data: bytes, why: str) -> None:
    with pytest.raises(ProxyProtocolError, match=why):
        decode_proxy_header(data)


def test_a_line_of_the_greatest_length_is_taken_and_no_longer_one() -> None:
    longest = b"PROXY UNKNOWN " + b"f" * (LINE_BYTES - len(b"PROXY UNKNOWN \r\n")) + b"\r\n"
    assert len(longest) == LINE_BYTES
    assert decode_proxy_header(longest) == ProxyHeader(None, LINE_BYTES)
    with pytest.raises(ProxyProtocolError):
        decode_proxy_header(longest[:-2] + b"f\r\n")


@given(st.integers(0, 8 * len(summed(binary(V4 + extension(0xEA, b"vpce")))) - 1))
def test_with_a_checksum_no_bit_can_turn_over(at: int) -> None:
    """It is no header, or not yet; or the bit is one of those that say that it has a checksum, or tells of nobody."""
    header = bytearray(summed(binary(V4 + extension(0xEA, b"vpce"))))
    kind = len(header) - 7
    header[at // 8] ^= 1 << at % 8
    found = outcome(bytes(header))
    if isinstance(found, ProxyHeader):
        # Only LOCAL, UNSPEC, or a checksum that is not called one.
        assert found.source is None or at // 8 in (*range(28, 35), kind)


def outcome(data: bytes) -> ProxyHeader | str | None:
    """What comes of these bytes."""
    try:
        return decode_proxy_header(data)
    except ProxyProtocolError as error:
        return str(error)


@given(
    st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda rest: b"PROXY " + rest)
    | st.binary(max_size=60).map(lambda rest: SIGNATURE + rest)
    | st.tuples(st.sampled_from([header for header, _ in GOOD]), st.integers(0, 60), st.integers(0, 255)).map(
        lambda drawn: drawn[0][: drawn[1]] + bytes([drawn[2]]) + drawn[0][drawn[1] + 1 :]
    )
)
def test_more_bytes_never_change_what_was_decided(data: bytes) -> None:
    decided = [outcome(data[:cut]) for cut in range(len(data) + 1)]
    known = [one for one in decided if one is not None]
    assert decided == [None] * (len(decided) - len(known)) + known
    for cut, one in enumerate(decided):
        if isinstance(one, ProxyHeader):
            assert one == known[0]
            assert one.end <= cut


@given(st.ip_addresses(v=4), st.ip_addresses(v=4), st.integers(0, 65535), st.integers(0, 65535), st.binary(max_size=40))
def test_version_1_is_read_as_it_was_written(
    source: ipaddress.IPv4Address, target: ipaddress.IPv4Address, port: int, other: int, behind: bytes
) -> None:
    line = f"PROXY TCP4 {source} {target} {port} {other}\r\n".encode()
    assert decode_proxy_header(line + behind) == ProxyHeader((str(source), port), len(line))


@given(
    st.ip_addresses(v=6),
    st.integers(0, 65535),
    st.lists(st.tuples(st.integers(0, 255).filter(lambda kind: kind != 3), st.binary(max_size=50)), max_size=5),
    st.binary(max_size=40),
)
def test_version_2_is_read_as_it_was_written(
    source: ipaddress.IPv6Address, port: int, extensions: list[tuple[int, bytes]], behind: bytes
) -> None:
    tail = b"".join(extension(kind, value) for kind, value in extensions)
    header = binary(source.packed + bytes(16) + struct.pack("!HH", port, 1) + tail, family=0x21)
    assert decode_proxy_header(header + behind) == ProxyHeader((str(source), port), len(header))
