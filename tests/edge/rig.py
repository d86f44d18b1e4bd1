"""A worker on real sockets between a raw client and scripted servers.

A script is a coroutine that is given each connection that the edge opens, as a `Wire`: it reads what arrived and writes
what it likes, whenever it likes. Nothing of the edge is replaced.
"""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proxy.edge.access import Access
from proxy.edge.context import Context
from proxy.edge.door import Entrance
from proxy.edge.nodes import gate_address
from proxy.edge.notes import Notes
from proxy.edge.pool import Pool
from proxy.edge.sides import Target
from proxy.edge.sweep import Sweep
from proxy.edge.worker import run
from proxy.settings import ClusterTls, EdgeLimits, EdgeSettings, Forwarded

# Long enough for a busy machine, short enough to fail in.
PATIENCE_S = 5.0


@dataclass
class Message:
    """A head (start line and lines) and a body, as they arrived; `whole` unless the connection ended first."""

    head: bytes
    body: bytes = b""
    whole: bool = True

    @property
    def start(self) -> bytes:
        """The start line."""
        return self.head.split(b"\r\n", 1)[0]

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.head.split(b" ", 2)[1])

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header."""
        return [match.strip() for match in re.findall(rb"(?i)\r\n" + name + rb":([^\r]*)", self.head)]


@dataclass
class Wire:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int = 0
    got: list[Message] = field(default_factory=list)

    async def send(self, data: bytes) -> None:
        """Write and wait until it may write more."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        """The next head, up to and with the empty line."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def message(self, *, bodiless: bool = False) -> Message:
        """The next message with its body, read by its own framing."""
        message = Message(await self.head())
        async with asyncio.timeout(PATIENCE_S):
            if not bodiless:
                await self._body(message)
        self.got.append(message)
        return message

    async def _body(self, message: Message) -> None:
        lengths = message.values(b"content-length")
        if message.values(b"transfer-encoding"):
            await self._chunks(message)
        elif lengths:
            message.body = await self.reader.readexactly(int(lengths[0]))
        elif message.start.startswith(b"HTTP/") and message.status >= 200 and message.status not in (204, 304):
            message.body = await self.reader.read()

    async def _chunks(self, message: Message) -> None:
        try:
            while size := int((await self.reader.readuntil(b"\r\n"))[:-2], 16):
                message.body += (await self.reader.readexactly(size + 2))[:-2]
            await self.reader.readuntil(b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            message.whole = False

    async def ended(self) -> bytes:
        """Everything up to the end of the connection; b"reset" is added if it was reset."""
        got = b""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while data := await self.reader.read(65536):
                    got += data
            except ConnectionError:
                return got + b"reset"
        return got

    @property
    def gone(self) -> bool:
        """Whether the other side has ended the connection, in order or with a reset."""
        return self.reader.at_eof() or self.reader.exception() is not None

    async def quiet(self, seconds: float = 0.1) -> bool:
        """Whether nothing arrives, not even an end, for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False

    async def send_for(self, block: bytes, seconds: float, *, pause_s: float = 0.0, at_most: int = 1 << 40) -> int:
        """Send `block` again and again for so long or so many bytes; how many bytes went out, or may have.

        Raises ConnectionError if the other side ends it.
        """
        sent = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while sent < at_most:
                    sent += len(block)
                    await self.send(block)
                    await asyncio.sleep(pause_s)
        return sent

    async def close(self) -> None:
        """Close in order."""
        self.writer.close()

    async def reset(self) -> None:
        """Close with a reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Wire], Awaitable[None]]


def answer(body: bytes = b"{}", status: str = "200 OK", *lines: str) -> bytes:
    """A whole answer with a length."""
    head = "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", *lines, f"content-length: {len(body)}"))
    return head.encode() + b"\r\n" + body


async def echo(wire: Wire) -> None:
    """Answers every request with its own bytes."""
    while True:
        request = await wire.message()
        await wire.send(answer(request.head + request.body))


class Upstream:
    """A scripted server; `wires` are the connections it was given so far."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.wires: list[Wire] = []
        self.server: asyncio.Server
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing = False

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    @property
    def requests(self) -> list[Message]:
        """All requests read so far, on whichever connection."""
        return [message for wire in self.wires for message in wire.got]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """asyncio: a connection."""
        wire = Wire(reader, writer, number=len(self.wires))
        self.wires.append(wire)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.script(wire)
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        except asyncio.CancelledError:
            if not self._closing:
                raise
        finally:
            self._tasks.discard(task)
            writer.close()

    async def close(self) -> None:
        """Stop listening and end what runs."""
        self._closing = True
        self.server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Edge:
    """A running worker."""

    def __init__(self, port: int, stop: asyncio.Event, task: asyncio.Task[None], tls: ssl.SSLContext | None) -> None:
        self.port = port
        self.stop = stop
        self.task = task
        self._tls = tls
        self.clients: list[Wire] = []

    async def connect(self, *, limit: int = 2**16) -> Wire:
        """A client's connection."""
        name = "localhost" if self._tls is not None else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=self._tls, server_hostname=name, limit=limit
        )
        wire = Wire(reader, writer)
        self.clients.append(wire)
        return wire

    async def ask(self, data: bytes, *, bodiless: bool = False) -> Message:
        """Send one request on a connection of its own and read the answer."""
        client = await self.connect()
        await client.send(data)
        message = await client.message(bodiless=bodiless)
        await client.close()
        return message

    async def shut(self) -> None:
        """Stop and wait until it has drained."""
        self.stop.set()
        async with asyncio.timeout(PATIENCE_S):
            await self.task


class Rig:
    """Starts edges and upstreams and ends them."""

    def __init__(self, folder: Path) -> None:
        self.gate_socket = str(folder / "gate.sock")
        self._upstreams: list[Upstream] = []
        self._edges: list[Edge] = []

    async def upstream(
        self, script: Script, *, tls: ssl.SSLContext | None = None, sock: socket.socket | None = None
    ) -> Upstream:
        """A scripted node, on a socket that is bound already where one is given."""
        upstream = Upstream(script)
        sock = sock or socket.create_server(("127.0.0.1", 0))
        upstream.server = await asyncio.start_server(upstream.serve, sock=sock, ssl=tls, backlog=4096)
        self._upstreams.append(upstream)
        return upstream

    async def gate(self, script: Script) -> Upstream:
        """A scripted gate on its Unix socket."""
        upstream = Upstream(script)
        upstream.server = await asyncio.start_unix_server(upstream.serve, self.gate_socket)
        self._upstreams.append(upstream)
        return upstream

    async def edge(
        self,
        *nodes: Upstream | str,
        limits: EdgeLimits | None = None,
        cluster_tls: ClusterTls | None = None,
        listen_tls: ssl.SSLContext | None = None,
        client_tls: ssl.SSLContext | None = None,
        fronts: tuple[str, ...] = (),
        forwarded: Forwarded | None = None,
        sniffing: str = "pass",
        access: Access | None = None,
    ) -> Edge:
        """A running edge in front of `nodes`."""
        bases = [node if isinstance(node, str) else f"http://127.0.0.1:{node.port}" for node in nodes]
        settings = EdgeSettings(
            nodes=tuple(bases),
            gate_socket=self.gate_socket,
            cluster_tls=cluster_tls or ClusterTls(),
            limits=limits or EdgeLimits(drain_s=1.0),
            forwarded=forwarded or Forwarded(),
            sniffing=sniffing,
        )
        listener = socket.create_server(("127.0.0.1", 0))
        stop, ready = asyncio.Event(), asyncio.Event()
        port = listener.getsockname()[1]
        entrances = [Entrance(listener, listen_tls, fronts)]
        task = asyncio.ensure_future(run(settings, entrances, stop, ready.set, access=access))
        waiting = asyncio.ensure_future(ready.wait())
        await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        edge = Edge(port, stop, task, client_tls)
        self._edges.append(edge)
        return edge

    async def simple(self, script: Script = echo, **limits: float) -> tuple[Edge, Upstream]:
        """One edge in front of one scripted node, with some limits changed."""
        upstream = await self.upstream(script)
        return await self.edge(upstream, limits=make_limits(**limits)), upstream

    async def close(self) -> None:
        """End everything."""
        for edge in self._edges:
            for client in edge.clients:
                client.writer.close()
        for upstream in self._upstreams:
            await upstream.close()
        for edge in self._edges:
            if not edge.task.done():
                await edge.shut()
        # Transports close in the loop's next rounds.
        await asyncio.sleep(0.01)


def sends(*parts: bytes, pause_s: float = 0.0, then: str = "wait") -> Script:
    """A script that reads one request and sends `parts`, then waits, closes or resets."""

    async def script(wire: Wire) -> None:
        await wire.message()
        for part in parts:
            await wire.send(part)
            await asyncio.sleep(pause_s)
        if then == "close":
            await wire.close()
        elif then == "reset":
            await wire.reset()
        else:
            await wire.ended()

    return script


def reason(message: Message) -> str:
    """Why an answer is an error, which it must say in Elasticsearch's shape."""
    body = json.loads(message.body)
    assert body["status"] == message.status
    assert body["error"]["root_cause"][0]["reason"] == body["error"]["reason"]
    assert message.values(b"content-type") == [b"application/json"]
    text: str = body["error"]["reason"]
    return text


def alone(limits: EdgeLimits) -> Context:
    """What a client's connection needs, without servers and with a clock that stands still."""
    sweep = Sweep(asyncio.get_running_loop())
    sweep.stop()
    target = Target(Pool([gate_address("/nowhere")], limits, sweep), "down", "slow", "broken")
    return Context(limits=limits, sweep=sweep, cluster=target, gate=target, notes=Notes("/nowhere", limits))


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 -- a peer's bytes are on their way
            await asyncio.sleep(0.01)


def make_limits(**changed: float) -> EdgeLimits:
    """Limits for tests: a short drain, and what is `changed`."""
    values: dict[str, Any] = {"drain_s": 1.0, **changed}
    return EdgeLimits(**values)


def unused_port(count: int = 1) -> Sequence[int]:
    """Ports on which nothing listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def server_tls(pem: Path) -> ssl.SSLContext:
    """What a scripted node needs to speak TLS, from the files of the fixture `pem`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem / "server.pem", pem / "server.key")
    return context
