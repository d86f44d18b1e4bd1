"""A server that answers wrongly, in ways that a seed chooses: split answers, lengths that lie, answers unasked for.

Whatever it sends because of a request names that request's tag, also in answers that are smuggled: so one that reaches
the client in the place of another shows.
"""

import asyncio
import threading
from collections.abc import Callable
from random import Random
from typing import Final, Self

from tests.fuzz.heard import Unreadable, next_answer
from tests.fuzz.mutate import CHANGES
from tests.fuzz.origin import answer
from tests.fuzz.readings import STRICT, Seen, read_one

START_TIMEOUT_S = 10
# A broken answer may leave both sides waiting; the server then gives up, as real ones do after a while.
GIVES_UP_S = 1.0

# Stands for the request's tag until the answer is ready; as long as one.
MARK: Final = b"TAGTAGTAG.#"
_NAMED: Final = b"X-Opaque-Id: " + MARK + b"\r\n"
_OK: Final = b"HTTP/1.1 200 OK\r\n" + _NAMED
_EVIL: Final = _OK + b"Content-Length: 4\r\n\r\nevil"
_EARLY: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"

ANSWERS: Final[tuple[bytes, ...]] = (
    _OK + b"Content-Length: 2\r\n\r\nok",
    _OK + b"Content-Length: 2\r\n\r\nok" + _EVIL,
    _OK + b"Content-Length: 2\r\n\r\nok\r\n",
    _OK + b"Content-Length: 9\r\n\r\nok",
    _OK + b"Content-Length: 0\r\n\r\n" + _EVIL,
    _OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    _OK + b"Content-Length: 2\r\nContent-Length: %d\r\n\r\nok" % (2 + len(_EVIL)) + _EVIL,
    _OK + b"Content-Length: 2, 2\r\n\r\nok",
    _OK + b"Content-Length: +2\r\n\r\nok",
    _OK + b"Content-Length: 2\r\n" + _CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n" + _EVIL,
    _OK + _CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n",
    _OK + _CHUNKED + b"\r\n2\r\nok\r\n0\r\n\r\n" + _EVIL,
    _OK + _CHUNKED + b"\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n" + _EVIL,
    _OK + _CHUNKED + b"\r\n2\r\nok\r\n",
    _OK + _CHUNKED + b"\r\n2;a=b\r\nok\r\n0\r\n\r\n",
    _OK + _CHUNKED + b"\r\n2\nok\n0\n\n" + _EVIL,
    _OK + _CHUNKED + b"\r\n100000002\r\nok\r\n0\r\n\r\n" + _EVIL,
    _OK + _CHUNKED + b"\r\nzz\r\nok",
    _OK + b"Transfer-Encoding: gzip\r\n\r\nok",
    _OK + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _EVIL,
    _OK + b"\r\nuntil the end",
    _OK + b"X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    _OK + b"X-A: a\rX-B: b\r\nContent-Length: 0\r\n\r\n",
    _OK + b"X-A: a\n\n" + _EVIL,
    _OK + b"X-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
    _OK + b"Connection: content-length\r\nContent-Length: 2\r\n\r\nok",
    _OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok" + _EVIL,
    _EARLY * 50 + _OK + b"Content-Length: 2\r\n\r\nok",
    _EARLY * 300,
    b"HTTP/1.1 100 Continue\r\n\r\n" + _OK + b"Content-Length: 0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\nContent-Length: 4\r\n\r\nevil" + _EVIL,
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + _EVIL,
    b"HTTP/1.1 199 Odd\r\n" + _NAMED + b"\r\n" + _EVIL,
    b"HTTP/1.1 204 No Content\r\n" + _NAMED + b"Content-Length: 4\r\n\r\nevil",
    b"HTTP/1.1 204 No Content\r\n" + _NAMED + b"\r\n" + _EVIL,
    b"HTTP/1.1 304 Not Modified\r\n" + _NAMED + b"Content-Length: %d\r\n\r\n" % len(_EVIL) + _EVIL,
    b"HTTP/1.1 400 Bad Request\r\n" + _NAMED + b"Content-Length: 2\r\n\r\nno" + _EVIL,
    b"HTTP/1.0 200 OK\r\n" + _NAMED + b"Content-Length: 2\r\n\r\nok" + _EVIL,
    b"HTTP/1.0 200 OK\r\n" + _NAMED + _CHUNKED + b"\r\n0\r\n\r\n",
    b"HTTP/2.0 200 OK\r\n\r\n",
    b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 200\r\n\r\n",
    b"ICY 200 OK\r\n\r\n",
    b"<html>no answer at all</html>",
    b"\r\n\r\n" + _EVIL,
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"",
)


def wrong(chance: Random) -> bytes:
    """An answer that is one of the above, or a mutant of it."""
    data = chance.choice(ANSWERS)
    for _ in range(chance.choice((0, 1, 1, 2))):
        data = chance.choice(CHANGES)(chance, data) or data
    if chance.random() < 0.15:
        data += chance.choice((_EVIL, b"\r\n", b"\x00", b"garbage", _EARLY))
    return data


def in_parts(chance: Random, data: bytes) -> tuple[bytes, ...]:
    """`data` in one or two parts. What follows a whole answer comes with its last byte: bytes that come after the
    connection was given to another request cannot be told from its answer (RFC 9112 §9.2), in no proxy."""
    latest = len(data)
    try:
        at, found = 0, next_answer(data, 0)
        while found is not None and found.whole:
            latest = min(latest, found.end if found.status >= 200 else len(data))
            at = found.end
            found = next_answer(data, at) if found.status < 200 else None
    except (Unreadable, ValueError):
        pass
    if latest < 2 or chance.random() < 0.5:
        return (data,)
    # Even an answer to a HEAD, which ends with its head, is then not split behind its end.
    head = data.find(b"\r\n\r\n") + 2
    cut = chance.randrange(1, max(2, min(latest, head if head > 1 else latest)))
    return data[:cut], data[cut:]


class Broken:
    """Runs in a thread while the `with` block does. `plan` says for a request's tag in which parts it is answered, and
    whether the connection is then closed; None: it is answered rightly."""

    def __init__(self, plan: Callable[[bytes], tuple[tuple[bytes, ...], bool] | None]) -> None:
        self.port = 0
        self.plan = plan
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="broken", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT_S):
            raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *failure: object) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(START_TIMEOUT_S)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()


class _Connection(asyncio.Protocol):
    def __init__(self, server: Broken) -> None:
        self._server = server
        self._data = b""
        self._over = False
        self._continued = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while not self._over and (seen := read_one(self._data, 0, STRICT)) is not None:
            plan = self._server.plan(seen.tag)
            if seen.end is None and plan is None:
                if seen.expects and not self._continued:
                    self._continued = True
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            self._data = self._data[seen.end :] if seen.end is not None else b""
            self._continued = False
            if plan is None:
                self.transport.write(answer(seen))
            else:
                self._break(seen, *plan)

    def _break(self, seen: Seen, parts: tuple[bytes, ...], close: bool) -> None:
        """Answer as planned, at once, whether or not the request's body has come; what follows is not answered."""
        self._over = True
        loop = asyncio.get_running_loop()
        for at, part in enumerate(parts):
            loop.call_later(at * 0.005, self.transport.write, part)
        loop.call_later(len(parts) * 0.005 if close else GIVES_UP_S, self.transport.close)
