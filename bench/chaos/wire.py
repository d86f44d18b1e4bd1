"""A client of one connection. It asks once: what a library would quietly ask again is a failure to be explained."""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PATIENCE_S = 60.0


class Broken(Exception):
    """No whole answer came."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read whole; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 -- decoded JSON
        """The body, decoded."""
        return json.loads(self.body)


class Client:
    """Requests to a port of the loopback interface, one after another, over one connection as long as it stands."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Send a request once.

        Raises:
            Broken: no whole answer came; what the proxy did with the request is not known.
        """
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._asked(method, target, headers, body)
        except (
            OSError,
            EOFError,
            ValueError,
        ) as failure:  # TimeoutError is an OSError, IncompleteReadError an EOFError
            self.close()
            raise Broken(f"{type(failure).__name__}: {failure}") from None

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _asked(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        reader, writer = await self._connected()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        length = f"content-length: {len(body)}\r\n" if body or method in ("POST", "PUT") else ""
        writer.write(f"{method} {target} HTTP/1.1\r\nhost: chaos\r\n{lines}{length}\r\n".encode() + body)
        await writer.drain()
        reply = await _read(reader)
        if reply.headers.get("connection") == "close":
            self.close()
        return reply

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        streams = self._streams
        if streams is not None and (streams[0].at_eof() or streams[1].is_closing() or streams[0].exception()):
            self.close()  # ended while nothing was asked: an ordinary end of an idle connection
            streams = None
        if streams is None:
            streams = self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return streams


async def _read(reader: asyncio.StreamReader) -> Reply:
    head = await reader.readuntil(b"\r\n\r\n")
    found = _STATUS.match(head)
    if found is None:
        raise ValueError(f"no answer: {head[:100]!r}")
    headers = {}
    for line in head.decode("latin-1").split("\r\n")[1:-2]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        return Reply(int(found[1]), headers, await _chunks(reader))
    return Reply(int(found[1]), headers, await reader.readexactly(int(headers.get("content-length", "0"))))


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    with contextlib.suppress(asyncio.IncompleteReadError):
        await reader.readexactly(2)
    return b"".join(pieces)
