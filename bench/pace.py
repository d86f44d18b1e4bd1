"""Sends searches at a constant rate, whether or not those before have been answered.

A request whose time has come waits for a free connection where there is none, and its latency is told from its time on:
a proxy that stalls is charged with all that it held up, not with one request a connection. The event loop's timers are
as coarse as a millisecond, in which dozens of requests would be due at once; a timer of the kernel's is finer.
Prints one line of JSON (`load.LoadResult`). Run: python -m bench.pace PORT --per-second 10000 --seconds 2
"""

import argparse
import asyncio
import ctypes
import json
import os
import time
from array import array
from collections import deque
from dataclasses import asdict
from itertools import cycle
from typing import cast

import uvloop

from bench.load import HEADS, LoadResult, requests_of, whole

# Once everything has been sent: how long answers may still take.
_PATIENCE_S = 20.0
# What is due within so short a time goes out together.
_TICK_NS = 100_000
_CLOCK_MONOTONIC, _TFD_NONBLOCK = 1, os.O_NONBLOCK


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


def ticking() -> int:
    """The descriptor of a timer that is readable every 100 µs (timerfd_create(2); Python has it from 3.13 on).

    Raises:
        OSError: the system gives none.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    timer = int(libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK))
    tick = _Itimerspec(_Timespec(0, _TICK_NS), _Timespec(0, _TICK_NS))
    if timer < 0 or libc.timerfd_settime(timer, 0, ctypes.byref(tick), None):
        raise OSError(ctypes.get_errno(), "no timer")
    return timer


class Pace:
    """A run: request after request becomes due, and goes out over whichever connection is free; latencies in seconds,
    from when it was due."""

    def __init__(self, per_second: float, requests: int, heads: str) -> None:
        self._next = cycle(requests_of(heads)).__next__
        self._gap_s = 1 / per_second
        self._requests = requests
        self._sent = 0
        self._began = 0.0
        self.free: deque[Client] = deque()
        self.latencies = array("d")
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """The first request is due now."""
        self._began = time.perf_counter()

    def send_due(self) -> None:
        """Send what is due, as far as connections are free."""
        now = time.perf_counter()
        while self.free and self._sent < self._requests and (due := self._began + self._sent * self._gap_s) <= now:
            self._sent += 1
            self.free.popleft().send(self._next(), due)

    def answered(self, client: "Client", due: float) -> None:
        """An answer came whole."""
        self.latencies.append(time.perf_counter() - due)
        self.free.append(client)
        if len(self.latencies) == self._requests and not self.done.done():
            self.done.set_result(None)

    def fail(self, message: str) -> None:
        """End the run with an error (the first one wins)."""
        if not self.done.done():
            self.done.set_exception(ConnectionError(message))


class Client(asyncio.Protocol):
    """One keep-alive connection with at most one request in flight."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._due = 0.0
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: requests may be sent."""
        self._transport = cast("asyncio.Transport", transport)
        self._pace.free.append(self)

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at that time."""
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """asyncio: a piece of the answer."""
        got = self._got = self._got + data if self._got else data
        if not got.startswith(b"HTTP/1.1 200 "[: len(got)]):
            self._pace.fail(f"not the answer wanted: {got[:200]!r}")
        elif whole(got):
            self._got = b""
            self._pace.answered(self, self._due)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: before the end it is a failure of the proxy."""
        self._pace.fail(f"connection lost: {exc!r}")

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def pace(port: int, *, connections: int, per_second: float, seconds: float, heads: str) -> LoadResult:
    """Send at that rate for so long to the loopback `port`.

    Raises:
        ConnectionError: an answer was anything but a 200, or a connection was lost.
        TimeoutError: answers were missing 20 seconds after the last request was due.
    """
    loop = asyncio.get_running_loop()
    run = Pace(per_second, max(1, round(per_second * seconds)), heads)
    clients = [(await loop.create_connection(lambda: Client(run), "127.0.0.1", port))[1] for _ in range(connections)]
    timer = ticking()

    def tick() -> None:
        os.read(timer, 8)
        run.send_due()

    began = time.perf_counter()
    run.begin()
    loop.add_reader(timer, tick)
    try:
        async with asyncio.timeout(seconds + _PATIENCE_S):
            await run.done
        took = time.perf_counter() - began
    finally:
        loop.remove_reader(timer)
        os.close(timer)
        for client in clients:
            client.close()
    ordered = sorted(run.latencies)
    p50, p99 = (ordered[min(len(ordered) - 1, len(ordered) * part // 100)] * 1e6 for part in (50, 99))
    return LoadResult(requests=len(ordered), seconds=took, p50_us=p50, p99_us=p99)


def main() -> None:
    """Run as the command line says, and print the result as one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.pace")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--per-second", type=float, default=1000)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--heads", choices=HEADS, default="typical")
    options = parser.parse_args()
    run = pace(
        options.port,
        connections=options.connections,
        per_second=options.per_second,
        seconds=options.seconds,
        heads=options.heads,
    )
    print(json.dumps(asdict(uvloop.run(run))))


if __name__ == "__main__":
    main()
