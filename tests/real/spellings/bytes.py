"""Builds requests byte by byte, with nothing put right."""

PATH = b"/_ml/data_frame/analytics/x/_start"
JSON = b"Content-Type: application/json"
ROOT = b"GET / HTTP/1.1\r\nHost: es\r\n\r\n"
# Sent inside or after other requests, where a proxy and a node may differ about where a request ends.
SMUGGLED = b"POST " + PATH + b" HTTP/1.1\r\nHost: es\r\nX-Smuggled: yes\r\nContent-Length: 0\r\n\r\n"


def head(target: bytes = PATH, *headers: bytes, line: bytes = b"POST %b HTTP/1.1", end: bytes = b"\r\n") -> bytes:
    """A request head; `line` is the request line with a place for the target."""
    return end.join([line.replace(b"%b", target), b"Host: es", *headers, b"", b""])


def framed(*headers: bytes, body: bytes = b"", target: bytes = PATH) -> bytes:
    """A request with exactly these headers after Host, and a body."""
    return head(target, *headers) + body
