"""A server of our own behind the proxy: answers each request with its tag, and reads what arrived as
lenient servers would, in several ways.
"""

import asyncio
import threading
from typing import Self

from tests.fuzz.readings import READINGS, STRICT, Seen, read_all, read_one

START_TIMEOUT_S = 10


class Origin:
    """Runs in a thread while the `with` block does; `port` is where it listens.

    `faults` tells what must never arrive: a start, or bytes that two servers would read as different requests.
    """

    def __init__(self) -> None:
        self.port = 0
        self.faults: list[str] = []
        self.requests = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="origin", daemon=True)
        self._open: set[_Connection] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S):
            raise RuntimeError("the origin did not start")
        return self

    def __exit__(self, *failure: object) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_TIMEOUT_S)
        self.check()

    def check(self) -> list[str]:
        """Judge what is still open, too; all faults so far."""
        for connection in tuple(self._open):
            connection.judge()
        return self.faults

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self, self._open), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for connection in tuple(self._open):
            connection.transport.abort()


class _Connection(asyncio.Protocol):
    """One connection; the bytes since the last request that all readings agreed on are kept."""

    def __init__(self, origin: Origin, known: "set[_Connection]") -> None:
        self._origin = origin
        self._known = known
        self._data = b""
        self._continued = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._known.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.judge()
        self._known.discard(self)

    def judge(self) -> None:
        """Read what is kept in every way; where two differ, or one finds a start, that is a fault."""
        data = self._data
        readings = {tuple(read_all(data, how)) for how in READINGS}
        if len(readings) > 1:
            self._origin.faults.append(f"ambiguous: servers would differ about {data!r}")
        if any(seen.starts for found in readings for seen in found):
            self._origin.faults.append(f"reach: some server would find a start in {data!r}")

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (seen := read_one(self._data, 0, STRICT)) is not None:
            if seen.end is None:
                if seen.expects and not self._continued:
                    self._continued = True
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self._answer(seen)

    def _answer(self, seen: Seen) -> None:
        self._origin.requests += 1
        self._continued = False
        self.judge()
        assert seen.end is not None
        self._data = self._data[seen.end :]
        self.transport.write(answer(seen))


def answer(seen: Seen) -> bytes:
    """A whole answer to a request, which names its tag twice; in chunks, or with a length, as its tag has it."""
    body = b'{"tag":"%b"}' % seen.tag
    head = b"HTTP/1.1 %b\r\nX-Opaque-Id: %b\r\n" % (
        b"404 Not Found" if b"nothing" in seen.target else b"200 OK",
        seen.tag,
    )
    chunked = seen.tag[8:9] in b"02468ace"
    framing = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: %d\r\n\r\n" % len(body)
    if seen.method == b"HEAD":
        return head + framing
    return head + framing + (b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)
