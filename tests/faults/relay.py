"""A small TCP relay that does wrong: it stands between a worker and a node, and spoils what passes.

What happens to a connection is decided when it is opened, by the fault that is set then, or when the fault changes to
`down`. Bytes are counted in the direction from the node: that is where a cut can be mistaken for an answer.
"""

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong on a connection."""

    NONE = "none"
    # A reset once so many bytes of answers have passed.
    RESET = "reset"
    # The node's side ends in order there, in the middle of an answer.
    TRUNCATE = "truncate"
    # The way to the node is closed in order after the first bytes of a request; answers still pass.
    HALF_CLOSE = "half_close"
    # A byte at a time.
    DRIP = "drip"
    # Everything is accepted and nothing passes.
    BLACKHOLE = "blackhole"
    # Connections are reset as soon as they are opened.
    REFUSE = "refuse"


@dataclass(slots=True)
class _Pair:
    """The writers of the two sides of a connection."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter

    def reset(self) -> None:
        """Both sides see a reset."""
        for writer in (self.near, self.far):
            raw = writer.get_extra_info("socket")
            if raw is not None and not writer.is_closing():
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Relay:
    """Relays to a port of this machine. `fault` holds for connections that are opened from now on; `after_bytes` is
    where a cut happens; `opened` counts connections."""

    def __init__(self, port: int) -> None:
        self.fault = Fault.NONE
        self.after_bytes = 0
        self.opened = 0
        self._far_port = port
        self._pairs: list[_Pair] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """As a node's base address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> "Relay":
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    def reset_all(self) -> None:
        """As where a node is killed: every connection is reset."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.reset()

    async def close(self) -> None:
        """End everything."""
        self._server.close()
        self.reset_all()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.opened += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await self._relay(self.fault, reader, writer)
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _relay(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if fault is Fault.REFUSE:
            _Pair(writer, writer).reset()
            return
        if fault is Fault.BLACKHOLE:
            while await reader.read(65536):
                pass
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far_port)
        pair = _Pair(writer, far_writer)
        self._pairs.append(pair)
        there = asyncio.ensure_future(self._there(fault, reader, far_writer))
        try:
            await self._back(fault, far_reader, pair)
        finally:
            there.cancel()
            await asyncio.gather(there, return_exceptions=True)
            far_writer.transport.abort()
            with contextlib.suppress(ValueError):
                self._pairs.remove(pair)

    async def _there(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
            if fault is Fault.HALF_CLOSE:
                writer.write_eof()
                return
        writer.write_eof()

    async def _back(self, fault: Fault, reader: asyncio.StreamReader, pair: _Pair) -> None:
        left = self.after_bytes
        while data := await reader.read(65536):
            if fault in (Fault.RESET, Fault.TRUNCATE) and len(data) >= left:
                pair.near.write(data[:left])
                await pair.near.drain()
                if fault is Fault.RESET:
                    # What was written before a reset may be lost with it: that, too, is what networks do.
                    pair.reset()
                else:
                    pair.near.close()
                    await pair.near.wait_closed()
                return
            left -= len(data)
            await self._pass(fault, data, pair.near)
        pair.near.close()

    async def _pass(self, fault: Fault, data: bytes, writer: asyncio.StreamWriter) -> None:
        size = 1 if fault is Fault.DRIP else len(data)
        for at in range(0, len(data), size):
            writer.write(data[at : at + size])
            await writer.drain()
            if fault is Fault.DRIP:
                await asyncio.sleep(0)
