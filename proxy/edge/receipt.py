"""What the edge tells the gate about a request, in headers that no client can set (`wire.hops` takes theirs out)."""

import os
import time
from typing import Any, Final

from proxy import clientcert

RECEIPT_HEADER: Final = "X-Startgate-Receipt"
PEER_HEADER: Final = "X-Startgate-Peer"
SUBJECT_HEADER: Final = "X-Startgate-Tls-Subject"
FRONT_HEADER: Final = "X-Startgate-Front"


def new_receipt() -> str:
    """A fresh receipt: 32 lower-case hex digits, of which the first 12 are the time in milliseconds since 1970, so
    that receipts sort by time, and the other 20 are random."""
    return f"{time.time_ns() // 1_000_000 & 0xFFFF_FFFF_FFFF:012x}{os.urandom(10).hex()}"


def gate_headers(peer: str, receipt: str) -> bytes:
    """The lines to add to a request for the gate, in the form of `wire.fields`. `peer` is `ip:port`."""
    return f"\n{PEER_HEADER}: {peer}\r\n{RECEIPT_HEADER}: {receipt}\r".encode("ascii")


def front_line(peer: str, connected: str) -> bytes:
    """The line that tells who connected (`ip:port`), where that is a front that told the peer by PROXY protocol; empty
    where nobody stands between."""
    return f"\n{FRONT_HEADER}: {connected}\r".encode("ascii") if connected != peer else b""


def subject_line(peercert: dict[str, Any] | None) -> bytes:
    """The line that tells of a verified client certificate (`SSLSocket.getpeercert()`), in the form of `gate_headers`;
    empty where there is none."""
    told = clientcert.told(peercert)
    return f"\n{SUBJECT_HEADER}: {told}\r".encode("ascii") if told else b""


def peer_name(address: object) -> str:
    """`ip:port` (`[ip]:port` for IPv6) for a socket's peer address, or `unknown` for what is no internet address."""
    if not isinstance(address, tuple) or len(address) < 2 or not address[0]:
        return "unknown"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def host_name(address: object) -> str:
    """The address in a socket's peer address, without its port; empty for what is no internet address."""
    return str(address[0]) if isinstance(address, tuple) and address else ""
