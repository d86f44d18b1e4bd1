"""The client before the proxies: keeps N connections busy with searches of the official Python client.

Which searches, `--heads` says: always the `same` one; `typical` ones, whose target and length vary while the other
lines of their heads stay, as the official clients send them; or each with a head of its `own`, with identifiers that no
other has, as Kibana sends them.
Prints one line of JSON (`LoadResult`). Any answer but 200 ends it with an error: a fast refusal is no success.
Run: python -m bench.load PORT --connections 32 --requests 20000
"""

import argparse
import asyncio
import json
import time
from array import array
from dataclasses import asdict, dataclass
from itertools import cycle
from typing import cast

import uvloop

_BODY = (
    b'{"query":{"bool":{"filter":[{"term":{"DestCountry":"AU"}},{"range":{"DistanceMiles":{"gte":1000}}}]}},"size":2}'
)
_VARIANTS = 509  # a prime: no connection gets the same one again soon
HEADS = ("same", "typical", "own")
# Header names, spelling and order as elasticsearch-py 8.19 on urllib3 sends them (credentials are made up).
REQUEST = (
    b"POST /flights/_search HTTP/1.1\r\n"
    b"Host: 127.0.0.1:9400\r\n"
    b"Accept-Encoding: identity\r\n"
    b"Content-Length: %d\r\n"
    b"user-agent: elasticsearch-py/8.19.3 (Python/3.11.7; elastic-transport/8.19.0)\r\n"
    b"connection: keep-alive\r\n"
    b"authorization: ApiKey VnVhQ2ZHY0JDZGJrUW0tZTVhT3g6dWkybHAyYXhUTm1zeWFrdzl0dk5udw==\r\n"
    b"accept: application/vnd.elasticsearch+json; compatible-with=8\r\n"
    b"content-type: application/vnd.elasticsearch+json; compatible-with=8\r\n"
    b"x-elastic-client-meta: es=8.19.3,py=3.11.7,t=8.19.0,ur=2.8.0\r\n\r\n" % len(_BODY)
) + _BODY


def requests_of(heads: str) -> list[bytes]:
    """The requests to send in turn; `heads` as on the command line."""
    if heads == "same":
        return [REQUEST]
    found = []
    for number in range(_VARIANTS):
        body = _BODY + b" " * (number % 50)
        request = REQUEST.replace(b"/flights/", b"/flights-%03d/" % (number % 97))
        request = request.replace(b"Content-Length: %d" % len(_BODY), b"Content-Length: %d" % len(body))
        if heads == "own":
            own = b"\r\nx-opaque-id: %032x\r\ntraceparent: 00-%032x-%016x-01\r\n\r\n" % (number, number, number)
            request = request.replace(b"\r\n\r\n", own, 1)
        found.append(request + b" " * (number % 50))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """What a load saw: wall time and latency of whole answers, in the units that the names say."""

    requests: int
    seconds: float
    p50_us: float
    p99_us: float


class Run:
    """The requests of one load, shared by its connections: `left` to send, latencies in nanoseconds."""

    def __init__(self, requests: int, done: asyncio.Future[None], heads: str) -> None:
        self.next = cycle(requests_of(heads)).__next__
        self.left = requests
        self.total = requests
        self.latencies = array("q")
        self.done = done

    def fail(self, message: str) -> None:
        """End the load with an error (the first one wins)."""
        if not self.done.done():
            self.done.set_exception(ConnectionError(message))


class Client(asyncio.Protocol):
    """One keep-alive connection with one request in flight."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what requests are written to."""
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        """Send the next request, or close where none is left."""
        if not self._run.left:
            self._transport.close()
            return
        self._run.left -= 1
        self._sent_ns = time.perf_counter_ns()
        self._transport.write(self._run.next())

    def data_received(self, data: bytes) -> None:
        """Count the answer once it is whole, then send the next request."""
        got = self._got = self._got + data if self._got else data
        if not got.startswith(b"HTTP/1.1 200 "):
            if len(got) >= 13:
                self._run.fail(f"not the answer wanted: {got[:200]!r}")
            return
        if not whole(got):
            return
        self._got = b""
        run = self._run
        run.latencies.append(time.perf_counter_ns() - self._sent_ns)
        if len(run.latencies) == run.total and not run.done.done():
            run.done.set_result(None)
        self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection lost while requests are open is a failure of the proxy."""
        if self._run.left or self._got:
            self._run.fail(f"connection lost in the middle: {exc!r}")


def whole(answer: bytes) -> bool:
    """Whether all of an answer has come, as far as its length, or its last chunk, tells."""
    head_end = answer.find(b"\r\n\r\n") + 4
    if head_end < 4:
        return False
    head = answer[:head_end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return answer.endswith(b"\r\n0\r\n\r\n")
    return len(answer) >= head_end + int(head[at + 17 : head.index(b"\r\n", at + 17)])


async def load(port: int, connections: int, requests: int, heads: str = "same") -> LoadResult:
    """Send `requests` over `connections` to the loopback `port`.

    Raises:
        OSError: the proxy refused, dropped, or answered anything but 200.
    """
    loop = asyncio.get_running_loop()
    run = Run(requests, loop.create_future(), heads)
    clients = [(await loop.create_connection(lambda: Client(run), "127.0.0.1", port))[1] for _ in range(connections)]
    began = time.perf_counter()
    for client in clients:
        client.send()
    await run.done
    seconds = time.perf_counter() - began
    ordered = sorted(run.latencies)
    p50, p99 = (ordered[min(len(ordered) - 1, len(ordered) * part // 100)] / 1000 for part in (50, 99))
    return LoadResult(requests=requests, seconds=seconds, p50_us=p50, p99_us=p99)


def main() -> None:
    """Run one load as the command line says, and print its result as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--heads", choices=HEADS, default="same")
    options = parser.parse_args()
    print(json.dumps(asdict(uvloop.run(load(options.port, options.connections, options.requests, options.heads)))))


if __name__ == "__main__":
    main()
