"""The mixed traffic of the soak: every kind of client, each over and over, every answer checked.

A kind is a coroutine that plays one round; what goes wrong in it is a fault of the proxy's and told.
"""

import asyncio
import json
import random
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_BIG = 8 * 1024 * 1024
_PIECE = 64 * 1024
_PATIENCE_S = 60.0
_CHANCE = random.Random()  # noqa: S311 -- lengths and names: nothing to be kept secret
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r", re.IGNORECASE)


class Fault(Exception):
    """An answer was not the one wanted."""


@dataclass(slots=True)
class Scene:
    """Where traffic goes: two ports of the proxy, and who may start jobs; `rounds` and `faults` are what came of it."""

    port: int
    tls_port: int
    tls: ssl.SSLContext
    starter: str
    stranger: str
    rounds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    jobs: int = 0


class Link:
    """One connection to the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *pieces: bytes, pause_s: float = 0.0) -> None:
        """Write piece by piece."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if pause_s:
                await asyncio.sleep(pause_s)

    async def answer(self, status: int = 200, *, pause_s: float = 0.0) -> int:
        """Read an answer whole, with a pause behind each piece; how long its body is.

        Raises:
            Fault: the status is another.
        """
        head = await self.reader.readuntil(b"\r\n\r\n")
        found = _STATUS.match(head)
        length = _LENGTH.search(head)
        if found is None or int(found[1]) != status:
            rest = await self.reader.read(500) if length and int(length[1]) else b""
            raise Fault(f"{head.splitlines()[0]!r} instead of {status}: {rest!r}")
        return await (self._body(int(length[1]), pause_s) if length else self._chunks(pause_s))

    async def _body(self, length: int, pause_s: float) -> int:
        left = length
        while left:
            piece = await self.reader.read(min(left, _PIECE))
            if not piece:
                raise Fault(f"closed with {left} of {length} bytes missing")
            left -= len(piece)
            if pause_s:
                await asyncio.sleep(pause_s)
        return length

    async def _chunks(self, pause_s: float) -> int:
        length = 0
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            await self.reader.readexactly(size + 2)
            length += size
            if pause_s:
                await asyncio.sleep(pause_s)
        await self.reader.readexactly(2)
        return length


@asynccontextmanager
async def link(scene: Scene, *, tls: bool = False) -> AsyncIterator[Link]:
    """A connection that is reset at the end, unless the proxy closed it before."""
    port, context = (scene.tls_port, scene.tls) if tls else (scene.port, None)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        yield Link(reader, writer)
    finally:
        writer.transport.abort()


def _get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: soak\r\nx-opaque-id: {_CHANCE.getrandbits(64):x}\r\n\r\n".encode()


def _post(length: int | None) -> bytes:
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"POST /sink/ HTTP/1.1\r\nHost: soak\r\nContent-Type: application/x-ndjson\r\n{framing}\r\n\r\n".encode()


async def _ask(connection: Link, target: str, length: int, *, pause_s: float = 0.0) -> None:
    await connection.send(_get(target))
    came = await connection.answer(pause_s=pause_s)
    if came != length:
        raise Fault(f"{target}: {came} bytes: the answer to another request")


async def _small(scene: Scene, *, tls: bool) -> None:
    async with link(scene, tls=tls) as connection:
        for _ in range(100):
            length = _CHANCE.randrange(4096)
            await _ask(connection, f"/sink/{length}", length)
            await asyncio.sleep(0.005)


async def small(scene: Scene) -> None:
    """Small requests over one connection."""
    await _small(scene, tls=False)


async def small_tls(scene: Scene) -> None:
    """The same over TLS."""
    await _small(scene, tls=True)


async def handshakes(scene: Scene) -> None:
    """A new connection with TLS for one request."""
    async with link(scene, tls=True) as connection:
        await _ask(connection, "/sink/100", 100)


async def pipelined(scene: Scene) -> None:
    """Requests sent ahead of their answers."""
    async with link(scene) as connection:
        lengths = [_CHANCE.randrange(20_000) for _ in range(20)]
        await connection.send(b"".join(_get(f"/sink/{length}") for length in lengths))
        for length in lengths:
            if await connection.answer() != length:
                raise Fault("pipelined answers are out of order")


async def upload(scene: Scene) -> None:
    """A big body with its length, without TLS and with it."""
    async with link(scene, tls=_CHANCE.random() < 0.3) as connection:
        await connection.send(_post(_BIG), *(bytes(_PIECE) for _ in range(_BIG // _PIECE)))
        await connection.answer()


async def upload_chunked(scene: Scene) -> None:
    """A big body in chunks."""
    async with link(scene) as connection:
        chunk = b"%x\r\n%b\r\n" % (_PIECE, bytes(_PIECE))
        await connection.send(_post(None), *(chunk for _ in range(_BIG // _PIECE)), b"0\r\n\r\n")
        await connection.answer()


async def download(scene: Scene) -> None:
    """Big answers, with length and in chunks, without TLS and with it."""
    async with link(scene, tls=_CHANCE.random() < 0.5) as connection:
        await _ask(connection, f"/sink/{_BIG}", _BIG)
        await _ask(connection, f"/sink/chunked/{_BIG}", _BIG)


async def slow_reader(scene: Scene) -> None:
    """A client that reads an answer more slowly than it comes."""
    async with link(scene) as connection:
        await _ask(connection, f"/sink/{_BIG}", _BIG, pause_s=0.02)


async def slow_writer(scene: Scene) -> None:
    """Head and body in small pieces."""
    async with link(scene) as connection:
        await connection.send(*(_post(2000)[at : at + 20] for at in range(0, 200, 20)), pause_s=0.01)
        await connection.send(*(bytes(200) for _ in range(10)), pause_s=0.05)
        await connection.answer()


async def half_head(scene: Scene) -> None:
    """A client that goes in the middle of a head."""
    async with link(scene) as connection:
        await connection.send(_post(5)[:40], pause_s=0.1)


async def half_body(scene: Scene) -> None:
    """A client that goes in the middle of a body."""
    async with link(scene) as connection:
        await connection.send(_post(_BIG), bytes(_PIECE), bytes(_PIECE), pause_s=0.05)


async def half_answer(scene: Scene) -> None:
    """A client that goes in the middle of an answer."""
    async with link(scene) as connection:
        await connection.send(_get(f"/sink/{_BIG}"))
        await connection.reader.readexactly(_PIECE)


async def malformed(scene: Scene) -> None:
    """A request that is refused."""
    async with link(scene) as connection:
        await connection.send(
            b"POST /sink/ HTTP/1.1\r\nHost: soak\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"
        )
        await connection.answer(400)


async def _call(connection: Link, method: str, target: str, user: str, status: int, body: str = "") -> None:
    head = f"{method} {target} HTTP/1.1\r\nHost: soak\r\nAuthorization: {user}\r\n"
    more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    await connection.send(f"{head}{more}\r\n{body}".encode())
    try:
        await connection.answer(status)
    except Fault as fault:
        raise Fault(f"{method} {target}: {fault}") from None


async def starts(scene: Scene) -> None:
    """The life of a job, three in ten of them over TLS."""
    await life(scene, tls=_CHANCE.random() < 0.3)


async def life(scene: Scene, *, tls: bool) -> None:
    """A job made, its start denied to one and granted to another, stopped, deleted."""
    scene.jobs += 1
    job, index = f"/_ml/data_frame/analytics/soak-{scene.jobs}", f"/out-soak-{scene.jobs}"
    body = {
        "source": {"index": ["flights"]},
        "dest": {"index": index[1:], "results_field": "ml"},
        "analysis": {"outlier_detection": {"n_neighbors": 2}},
        "analyzed_fields": {"includes": ["AvgTicketPrice", "DistanceMiles"]},
        "model_memory_limit": "50mb",
    }
    async with link(scene, tls=tls) as connection:
        await _call(connection, "PUT", job, scene.starter, 200, json.dumps(body))
        await _call(connection, "POST", f"{job}/_start", scene.stranger, 403)
        await _call(connection, "POST", f"{job}/_start", scene.starter, 200)
        await _call(connection, "POST", f"{job}/_stop?force=true", scene.starter, 200)
        await _call(connection, "DELETE", f"{job}?force=true", scene.starter, 200)
        await _call(connection, "DELETE", index, scene.starter, 200)


# How many of each kind there are at a time, and the pause behind each round in seconds.
KINDS: tuple[tuple[Callable[[Scene], Awaitable[None]], int, float], ...] = (
    (small, 3, 0.05),
    (small_tls, 1, 0.05),
    (handshakes, 1, 0.1),
    (pipelined, 1, 0.2),
    (upload, 1, 1.0),
    (upload_chunked, 1, 1.5),
    (download, 1, 1.0),
    (slow_reader, 2, 0.5),
    (slow_writer, 2, 0.5),
    (half_head, 1, 0.3),
    (half_body, 1, 0.5),
    (half_answer, 1, 0.5),
    (malformed, 1, 0.5),
    (starts, 2, 0.2),
)


async def over_and_over(
    kind: Callable[[Scene], Awaitable[None]], pause_s: float, scene: Scene, stop: asyncio.Event
) -> None:
    """Play a kind until told to stop; a round that is under way is played to its end."""
    name = getattr(kind, "__name__", "")
    while not stop.is_set():
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await kind(scene)
            scene.rounds[name] += 1
        except (Fault, OSError, EOFError, ValueError) as fault:  # TimeoutError is an OSError
            scene.faults.append(f"{name}: {type(fault).__name__}: {fault}")
        await asyncio.sleep(pause_s)
