"""Receipts are unique and sort by time; peers are written so that they can be read back."""

import re
import time

import pytest

from proxy.clientcert import read
from proxy.edge.receipt import front_line, gate_headers, host_name, new_receipt, peer_name, subject_line


def test_receipts() -> None:
    before = time.time_ns() // 1_000_000
    receipts = [new_receipt() for _ in range(1000)]
    after = time.time_ns() // 1_000_000
    assert len(set(receipts)) == 1000
    assert all(re.fullmatch("[0-9a-f]{32}", receipt) for receipt in receipts)
    assert all(before <= int(receipt[:12], 16) <= after for receipt in receipts)
    assert sorted(receipt[:12] for receipt in receipts) == [receipt[:12] for receipt in receipts]


def test_gate_headers_are_lines_of_a_section() -> None:
    assert gate_headers("1.2.3.4:5", "abc") == b"\nX-Startgate-Peer: 1.2.3.4:5\r\nX-Startgate-Receipt: abc\r"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (("1.2.3.4", 5), "1.2.3.4:5"),
        (("::1", 5, 0, 0), "[::1]:5"),
        (("", 0), "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_peer_names(address: object, name: str) -> None:
    assert peer_name(address) == name


def test_a_certificate_is_one_line_whatever_its_names_hold() -> None:
    line = subject_line({"subject": ((("commonName", "ann\r\nX-Startgate-Peer: 9"),),)})
    name, _, value = line.decode().partition(": ")
    assert name == "\nX-Startgate-Tls-Subject"
    assert line.count(b"\n") == line.count(b"\r") == 1
    assert read(value.removesuffix("\r")).subject == ((("commonName", "ann\r\nX-Startgate-Peer: 9"),),)


@pytest.mark.parametrize("nothing", [None, {}])
def test_without_a_certificate_there_is_no_line(nothing: dict[str, object] | None) -> None:
    assert subject_line(nothing) == b""


def test_a_front_is_told_where_there_is_one() -> None:
    assert front_line("192.0.2.7:1", "10.0.0.9:2") == b"\nX-Startgate-Front: 10.0.0.9:2\r"
    assert front_line("192.0.2.7:1", "192.0.2.7:1") == b""


@pytest.mark.parametrize(
    ("address", "host"),
    [(("10.0.0.1", 55), "10.0.0.1"), (("::1", 55, 0, 0), "::1"), (("", 0), ""), ((), ""), ("/socket", ""), (None, "")],
)
def test_a_host_is_an_address_without_its_port(address: object, host: str) -> None:
    assert host_name(address) == host
