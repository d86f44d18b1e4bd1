"""A node that may be killed: it relays to the embedded cluster, whose state outlives it as a disk would, and answers
tagged calls by itself (`bench.chaos.answers`).

Each call with a body that is whole is written to a file before it is answered, so that one that comes twice is found.
SIGUSR1 has it reset all its connections. Run: python -m bench.chaos.node PORT UPSTREAM_PORT FILE
"""

import asyncio
import json
import os
import re
import signal
import socket
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bench.chaos import answers

_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OPAQUE = re.compile(rb"\r\nx-opaque-id: *(\S+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)


@dataclass(slots=True)
class Node:
    """Where it relays to, the file of what came (a descriptor), and the connections of clients."""

    upstream_port: int
    came: int
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, until it ends."""
        self.open.add(writer)
        try:
            while True:
                await self._one(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # a side has gone
        finally:
            self.open.discard(writer)
            writer.transport.abort()

    def reset_all(self) -> None:
        """Every client sees a reset."""
        for writer in self.open:
            raw = writer.get_extra_info("socket")
            if raw is not None and not writer.is_closing():
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _body(head, reader)
        line = _LINE.match(head)
        if line is None:
            raise ConnectionError("no request")
        method, target = line[1].decode(), line[2].decode("latin-1")
        if opaque := _OPAQUE.search(head):
            os.write(self.came, f"{method} {target} {opaque[1].decode('latin-1')}\n".encode())
        own = _own(method, target, body)
        if own is None:
            await self._relay(head, body, writer)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
            writer.write(b"content-length: %d\r\n\r\n" % len(own) + own)
        await writer.drain()

    async def _relay(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        """Have the cluster answer, over a connection for this one request."""
        from_cluster, to_cluster = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        try:
            to_cluster.write(_plain(head, body) + body)
            answer = await from_cluster.readuntil(b"\r\n\r\n")
            length = None if head.startswith(b"HEAD ") else _LENGTH.search(answer)
            writer.write(answer + await from_cluster.readexactly(int(length[1]) if length else 0))
        finally:
            to_cluster.transport.abort()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    if not _CHUNKED.search(head):
        length = _LENGTH.search(head)
        return await reader.readexactly(int(length[1]) if length else 0)
    pieces = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(pieces)


def _plain(head: bytes, body: bytes) -> bytes:
    """The head for a body that comes with its length."""
    return _CHUNKED.sub(b"\r\ncontent-length: %d" % len(body), head)


def _own(method: str, target: str, body: bytes) -> bytes | None:
    """The answer to a tagged call; None where the call is the cluster's."""
    split = urlsplit(target)
    parts = split.path.strip("/").split("/")
    if parts == ["_search", "scroll"]:
        tag, _, number = str(json.loads(body)["scroll_id"]).rpartition(".")
        return answers.page(tag, int(number) + 1)
    if parts[0] != "chaos":
        return None
    if parts[1] == "_search":
        return answers.page(parse_qs(split.query)["tag"][0], 0)
    return answers.once(parts[2], body) if method == "POST" else answers.echo(parts[2], int(parts[3]))


async def serve(port: int, upstream_port: int, came: Path) -> None:
    """Answer on `port` of the loopback interface until killed."""
    node = Node(upstream_port, os.open(came, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, node.reset_all)
    server = await asyncio.start_server(node.serve, "127.0.0.1", port, limit=1 << 20, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
