"""Sending inputs, many at a time, and hearing what comes back until the other side ends the connection."""

import asyncio
import itertools
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.fuzz.case import Case

# Between two parts: enough for them to arrive as two reads mostly. Nothing depends on it.
GAP_S = 0.002
# A proxy whose limits are a second ends every connection within a few; this is for a machine that is very busy.
PATIENCE_S = 60.0
AT_ONCE = 200

_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came back; `ended` tells whether the other side ended the connection."""

    data: bytes
    ended: bool


class _Listener(asyncio.Protocol):
    def __init__(self) -> None:
        self.data = bytearray()
        self.over = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self.heard.set()

    def connection_lost(self, _: Exception | None) -> None:
        self.heard.set()
        if not self.over.done():
            self.over.set_result(None)


async def send(
    port: int, case: Case, *, quiet_s: float = 0.0, patience_s: float = PATIENCE_S, spread: int = 0
) -> Outcome:
    """Sends `case` as it is and waits for the connection's end, for `patience_s` at most.

    With `quiet_s` silence of that length ends the wait, too: a node keeps waiting for what never comes. `spread`
    chooses the address to come from, so that a long run does not use up the ports of one.
    """
    loop = asyncio.get_running_loop()
    source = (f"127.0.0.{2 + spread % 200}", 0)
    transport, listener = await loop.create_connection(_Listener, "127.0.0.1", port, local_addr=source)
    peer = transport.get_extra_info("socket")
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        for at, part in enumerate(case.parts):
            if at:
                await asyncio.sleep(GAP_S)
            transport.write(part)
        ended = await _wait(listener, quiet_s, patience_s)
        return Outcome(bytes(listener.data), ended)
    finally:
        if not listener.over.done():
            # Reset, so that no port is left waiting for late packets.
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        # Also where the other side has ended it: what it never read would keep the socket open.
        transport.abort()
        await asyncio.sleep(0)


async def _wait(listener: _Listener, quiet_s: float, patience_s: float) -> bool:
    try:
        async with asyncio.timeout(patience_s):
            if not quiet_s:
                await listener.over
            while not listener.over.done():
                listener.heard.clear()
                await asyncio.wait_for(listener.heard.wait(), quiet_s)
    except TimeoutError:
        return False
    return True


async def each(
    cases: Iterable[tuple[int, Case]], work: Callable[[int, Case], Awaitable[None]], at_once: int = AT_ONCE
) -> None:
    """Does `work` for every numbered case, `at_once` side by side."""
    waiting: Iterator[tuple[int, Case]] = iter(cases)

    async def worker() -> None:
        for number, case in waiting:
            await work(number, case)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


def batches(cases: Iterable[tuple[int, Case]], size: int) -> Iterator[list[tuple[int, Case]]]:
    """`cases` in lists of `size`."""
    rest = iter(cases)
    while batch := list(itertools.islice(rest, size)):
        yield batch
