"""The node behind the proxies: answers every request with one fixed search answer, as cheaply as Python can.

It must not be what limits a proxy, so it knows a head it has seen before by its bytes alone.
Run: python -m bench.origin PORT [small | chunked | large | large-chunked]
"""

import asyncio
import sys
from typing import cast

import uvloop

_HIT = (
    '{"_index":"flights","_id":"%s","_score":1.0,"_source":{"FlightNum":"9HY9SWR","DestCountry":"AU","OriginWeather":'
    '"Sunny","OriginCityName":"Frankfurt am Main","AvgTicketPrice":841.2656419677076,"DistanceMiles":10247.856675613455'
    ',"FlightDelay":false,"DestWeather":"Rain","Dest":"Sydney Kingsford Smith International Airport","timestamp":'
    '"2018-01-01T00:00:00"}}'
)
_BODY = (
    '{"took":2,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0},"hits":{"total":{"value":'
    '2000,"relation":"eq"},"max_score":1.0,"hits":[' + ",".join(_HIT % i for i in ("Fq1", "Gq1")) + "]}}"
).encode()
# The header names and their spelling are those of an 8.x node.
_HEAD = (
    b"HTTP/1.1 200 OK\r\nX-elastic-product: Elasticsearch\r\n"
    b"content-type: application/vnd.elasticsearch+json;compatible-with=8\r\n"
)
_CHUNK_BYTES = 8 * 1024


def _whole(body: bytes) -> bytes:
    return _HEAD + b"content-length: %d\r\n\r\n" % len(body) + body


def _in_chunks(body: bytes) -> bytes:
    chunks = (body[at : at + _CHUNK_BYTES] for at in range(0, len(body), _CHUNK_BYTES))
    coded = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return _HEAD + b"transfer-encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n"


_LARGE = _BODY + b" " * (100 * 1024 - len(_BODY))
# A node sends short answers whole, and many big ones chunk by chunk as they are made.
ANSWERS = {
    "small": _whole(_BODY),
    "chunked": _in_chunks(_BODY),
    "large": _whole(_LARGE),
    "large-chunked": _in_chunks(_LARGE),
}
_CHUNKED = -1
_KNOWN_HEADS = 1024


class Origin(asyncio.Protocol):
    """One connection; requests are answered in order once their body is in."""

    _lengths: dict[bytes, int] = {}  # noqa: RUF012 - shared by all connections on purpose: heads repeat

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in what has come; keep the rest."""
        waiting = self._waiting + data if self._waiting else data
        while waiting and (end := request_end(waiting, self._lengths)):
            self._transport.write(self._answer)
            waiting = waiting[end:]
        self._waiting = waiting


def request_end(data: bytes, lengths: dict[bytes, int]) -> int:
    """Where the first request ends, or 0 while it is not whole."""
    head_end = data.find(b"\r\n\r\n") + 4
    if head_end < 4:
        return 0
    head = data[:head_end]
    length = lengths.get(head)
    if length is None:
        length = _body_length(head)
        if len(lengths) < _KNOWN_HEADS:
            lengths[head] = length
    if length == _CHUNKED:  # the load is JSON: the last chunk's bytes cannot occur in it
        return data.find(b"0\r\n\r\n", head_end - 2) + 5 if b"0\r\n\r\n" in data[head_end - 2 :] else 0
    return head_end + length if len(data) >= head_end + length else 0


def _body_length(head: bytes) -> int:
    length = 0
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"transfer-encoding":
            return _CHUNKED
        if name == b"content-length":
            length = int(value)
    return length


async def serve(port: int, answer: bytes) -> None:
    """Answer on `port` of the loopback interface until cancelled."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Origin(answer), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), ANSWERS[sys.argv[2] if len(sys.argv) > 2 else "small"]))
