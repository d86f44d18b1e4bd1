"""What decoding a request head costs: the edge's own decoder beside llhttp (httptools) and a plain split of the lines.

Run: python -m bench.head. All three start from the bytes of a real client's head and end with what a proxy must know
before it can pass a request on: method, target, framing, keep-alive, and the header lines without those that belong to
the connection only. Docs: docs/decisions/001-own-decoder.md.
"""

import timeit
from collections.abc import Callable

import httptools

from proxy.wire.limits import HeadLimits
from proxy.wire.repeated import RequestDecoder
from proxy.wire.request import decode_request, encode_request

HEAD = (
    b"POST /kibana_sample_data_flights/_search?typed_keys=true HTTP/1.1\r\n"
    b"Host: localhost:9200\r\n"
    b"User-Agent: elasticsearch-py/8.19.0 (Python/3.11.9; elastic-transport/8.17.0)\r\n"
    b"Authorization: ApiKey VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==\r\n"
    b"Connection: keep-alive\r\n"
    b"accept: application/vnd.elasticsearch+json; compatible-with=8\r\n"
    b"content-type: application/vnd.elasticsearch+json; compatible-with=8\r\n"
    b"x-elastic-client-meta: es=8.19.0,py=3.11.9,t=8.17.0,ur=2.2.3\r\n"
    b"Content-Length: 41\r\n\r\n"
)
UNTIDY = HEAD.replace(b"Host: localhost", b"Host:localhost")
LIMITS = HeadLimits()
ROUNDS, REPEATS = 5_000, 50

_TOKEN = bytes(set(range(0x21, 0x7F)) - set(b'"(),/:;<=>?@[\\]{}'))
_CONTROLS = bytes(set(range(0x20)) - {9}) + b"\x7f"
_HOPS = frozenset({b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"})


class _Collector:
    """What httptools calls back: one call a header, as every server built on it does."""

    def __init__(self) -> None:
        self.target = b""
        self.kept: list[tuple[bytes, bytes]] = []
        self.lengths: list[bytes] = []
        self.hosts = 0

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower in _HOPS:
            return
        if lower == b"content-length":
            self.lengths.append(value)
        elif lower == b"host":
            self.hosts += 1
        self.kept.append((name, value))


def own(head: bytes = HEAD) -> object:
    """`proxy.wire.request`."""
    return decode_request(head, LIMITS)


def llhttp() -> object:
    """httptools: a parser and a collector a message."""
    collector = _Collector()
    parser = httptools.HttpRequestParser(collector)
    parser.feed_data(HEAD)
    lines = b"".join([b"%b: %b\r\n" % pair for pair in collector.kept])
    return parser.get_method(), collector.target, parser.should_keep_alive(), lines, collector.lengths


def split() -> object:
    """Split at CRLF and at the colon, every name and value checked by deleting what is allowed or not."""
    lines = HEAD[: HEAD.index(b"\r\n\r\n")].split(b"\r\n")
    method, target, version = lines[0].split(b" ")
    kept, lengths, hosts = [], [], 0
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        if not colon or not name or name.translate(None, _TOKEN) or len(value.translate(None, _CONTROLS)) != len(value):
            raise ValueError(line)
        lower, value = name.lower(), value.strip(b" \t")
        if lower in _HOPS:
            continue
        if lower == b"content-length":
            lengths.append(value)
        elif lower == b"host":
            hosts += 1
        kept.append(b"%b: %b\r\n" % (name, value))
    return method, target, version, b"".join(kept), lengths, hosts


def microseconds(call: Callable[[], object]) -> float:
    """The best of several rounds, per call."""
    return min(timeit.repeat(call, number=ROUNDS, repeat=REPEATS)) / ROUNDS * 1e6


def main() -> None:
    """Measure and print."""
    known = RequestDecoder(LIMITS)
    head = decode_request(HEAD, LIMITS)
    assert head is not None
    rows: list[tuple[str, Callable[[], object]]] = [
        ("own decoder", own),
        ("own decoder, head known again", lambda: known.decode(HEAD)),
        ("own decoder, head not canonical", lambda: own(UNTIDY)),
        ("httptools (llhttp) with callbacks", llhttp),
        ("split, checked line by line", split),
        ("own encoder", lambda: encode_request(head)),
    ]
    print(f"a head of {len(HEAD)} bytes with {HEAD.count(b': ')} headers")
    for name, call in rows:
        print(f"{name:36}{microseconds(call):6.2f} us")


if __name__ == "__main__":
    main()
