"""A node of a cluster that is told what to answer, byte for byte, and remembers what reached it, byte for byte."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from proxy.cluster.transport import Transport
from proxy.errors import error_body
from proxy.model import Credential
from proxy.settings import ClusterTls, GateLimits

ANN = Credential(whose="caller", headers=(("authorization", "Basic YW5u"), ("x-opaque-id", "o1")))


@dataclass(frozen=True)
class Seen:
    """One request: `line` and `headers` as they came, in order."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def call(self) -> str:
        """Method and path, without the query."""
        method, target, _ = self.line.split(" ")
        return f"{method} {target.partition('?')[0]}"

    def header(self, name: str) -> str | None:
        """The first header of this name."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def reply(status: int = 200, content: Any = None, *headers: tuple[str, str], raw: bytes | None = None) -> bytes:
    """An answer of JSON, or of the bytes given."""
    body = json.dumps({} if content is None else content).encode() if raw is None else raw
    named = [("content-type", "application/json"), *headers] if raw is None else list(headers)
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in named), f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(status: int, type: str = "security_exception", reason: str = "no") -> bytes:
    """A refusal in Elasticsearch's shape."""
    return reply(status, error_body(status, type, reason))


Script = Mapping[str, bytes | Sequence[bytes]]


@dataclass
class Node:
    """Answers by `script`, from a call such as `GET /_security/_authenticate` to an answer, or to answers for one time
    after the other. An empty answer hangs up; what is not in the script is answered with 404. `pause_s` comes before
    each answer; a node that `hangs_up` does so after each."""

    script: dict[str, bytes | list[bytes]] = field(default_factory=dict)
    pause_s: float = 0.0
    hangs_up: bool = False
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None

    @property
    def calls(self) -> list[str]:
        """What was called, in order."""
        return [one.call for one in self.seen]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while answer := await self._next(reader):
                writer.write(answer)
                await writer.drain()
                if self.hangs_up:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
        pairs = [(name, value.strip()) for name, _, value in (one.partition(":") for one in fields)]
        length = next((int(value) for name, value in pairs if name.lower() == "content-length"), 0)
        one = Seen(line, tuple(pairs), await reader.readexactly(length))
        self.seen.append(one)
        await asyncio.sleep(self.pause_s)
        answer = self.script.get(one.call, refusal(404, "resource_not_found_exception", f"no answer for {one.call}"))
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else b""
        return answer


@asynccontextmanager
async def node(script: Script | None = None, **more: Any) -> AsyncIterator[Node]:
    """A node that listens on a port of the system's choice."""
    whole = {call: answer if isinstance(answer, bytes) else list(answer) for call, answer in (script or {}).items()}
    one = Node(whole, **more)
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        task = asyncio.get_running_loop().create_task(one.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=one.tls)
    one.url = f"http{'s' if one.tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield one
    finally:
        # Whoever has just come is let in first: from Python 3.12 on a server that is closed meanwhile forgets them.
        for _ in range(5):
            await asyncio.sleep(0)
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A task that was cancelled before it began has closed nothing, and what nobody reads is never sent.
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def transport(*nodes: str, timeout_s: float = 5, limits: GateLimits | None = None) -> AsyncIterator[Transport]:
    """An open transport to these nodes."""
    opened = Transport(nodes, ClusterTls(), timeout_s, limits)
    try:
        yield opened
    finally:
        await opened.close()


def nowhere() -> str:
    """An address where nobody listens."""
    return "http://127.0.0.1:9"
