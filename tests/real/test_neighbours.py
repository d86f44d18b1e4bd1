"""What one client sends never harms the next, though both share the proxy's connections to a node.

After some answers a node keeps a connection open and never answers on it again; after others it reads the rest of a
refused body as a new request. A connection in either state must not be used for anybody else.
"""

import pytest

from tests.real.node import RealNode
from tests.real.proxied import DenyingProxy
from tests.real.wire import exchange

pytestmark = pytest.mark.real

PLAIN = b"GET /_cat/health?h=cluster HTTP/1.1\r\nHost: es\r\n\r\n"
# Would show in the count of the handler if a node took it for a request.
START = b"POST /_ml/data_frame/analytics/x/_start HTTP/1.1\r\nHost: es\r\nContent-Length: 0\r\n\r\n"


def request(*headers: bytes, line: bytes = b"GET / HTTP/1.1", body: bytes = START) -> tuple[bytes, bytes]:
    """A request whose body is a start, in two parts."""
    return b"\r\n".join([line, b"Host: es", *headers, b"", b""]), body


LENGTH = b"Content-Length: %d" % len(START)
HARMFUL = {
    "unknown expectation": request(b"Expect: magic", LENGTH),
    "unknown expectation beside the known one": request(b"Expect: 100-continue, magic", LENGTH),
    "unknown expectation, HTTP/1.0": request(
        b"Expect: magic", b"Connection: keep-alive", LENGTH, line=b"GET / HTTP/1.0"
    ),
    "expectation of too much": request(b"Expect: 100-continue", b"Content-Length: 209715200"),
    "too much": request(b"Content-Length: 209715200"),
    "head over 8 KiB": request(b"X-A: " + b"a" * 9000, body=b""),
    "head over 16 KiB": request(b"X-A: " + b"a" * 17000, body=b""),
    "head over 16 KiB, with a body": request(b"X-A: " + b"a" * 17000, LENGTH),
    "request line over 4 KiB": request(line=b"GET /?" + b"a" * 5000 + b" HTTP/1.1", body=b""),
    "two opaque ids": request(b"X-Opaque-Id: a", b"X-Opaque-Id: b", body=b""),
    "two content types": request(b"Content-Type: text/plain", b"Content-Type: text/css", LENGTH),
    "no gzip": request(b"Content-Encoding: gzip", b"Content-Type: application/json", LENGTH),
    "unknown format": request(line=b"GET /?format=none HTTP/1.1", body=b""),
}


@pytest.mark.parametrize("name", HARMFUL)
@pytest.mark.parametrize("together", [True, False], ids=["at once", "in two parts"])
def test_the_next_client_is_answered(real_node: RealNode, name: str, together: bool) -> None:
    parts = HARMFUL[name]
    real_node.forget_hits()
    expected = exchange(real_node.port, (PLAIN,), quiet_s=0.04).data
    with DenyingProxy((real_node.url,)) as proxy:
        heard = exchange(proxy.port, (b"".join(parts),) if together else parts, wait_s=2.0)
        assert heard.data or heard.closed
        # More than one, since a pool may hand out another connection first.
        assert [exchange(proxy.port, (PLAIN,), quiet_s=0.04, wait_s=2.0).data for _ in range(3)] == [expected] * 3
    assert real_node.hits() == 0
