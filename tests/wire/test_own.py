"""The one field of Startgate's own that a client may send is found as it came, and nothing that only resembles it."""

import pytest

from proxy.wire.limits import HeadLimits
from proxy.wire.own import wish_lines
from proxy.wire.request import decode_request

LIMITS = HeadLimits(line_bytes=1000, head_bytes=10_000, fields=100)
START = b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: x\r\n"
ONE = b"\nX-Startgate-Plan: only\r"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (b"", b""),
        (b"X-Startgate-Plan: only\r\n", ONE),
        (b"x-startgate-plan:only\r\n", ONE),
        (b"X-STARTGATE-PLAN: \t only \t\r\n", ONE),
        (b"X-Startgate-Plan: only\r\nA: b\r\nX-Startgate-Plan: only\r\n", ONE + ONE),
        (b"X-Startgate-Plan:\r\n", b"\nX-Startgate-Plan: \r"),
        (b"X-Startgate-Plan: no, only\r\n", b"\nX-Startgate-Plan: no, only\r"),
        (b"X-Startgate-Planned: only\r\n", b"\nX-Startgate-Plan: X-Startgate-Planned: only\r"),
        (b"x-startgate-plan-only:\r\n", b"\nX-Startgate-Plan: x-startgate-plan-only:\r"),
        (b"X-X-Startgate-Plan: only\r\n", b""),
        (b"x-startgate-EXPLAIN: only\r\n", b"\nX-Startgate-Explain: only\r"),
        (b"X-Startgate-Explained: only\r\n", b"\nX-Startgate-Explain: X-Startgate-Explained: only\r"),
        (b"X-Startgate-Explain: a\r\nX-Startgate-Plan: b\r\n", b"\nX-Startgate-Explain: a\r\nX-Startgate-Plan: b\r"),
        (b"X-Startgate-Peer: 1.2.3.4:5\r\nX-Startgate-Receipt: X-Startgate-Plan: only\r\n", b""),
    ],
)
def test_it_is_found_in_any_spelling(lines: bytes, found: bytes) -> None:
    raw = START + lines + b"\r\n"
    head = decode_request(raw + b"\nX-Startgate-Plan: from-the-body\r\n", LIMITS)
    assert head is not None
    assert wish_lines(raw[: head.end]) == found
    assert b"\nx-startgate" not in head.section.lower(), "ordinary traffic never carries it on"
