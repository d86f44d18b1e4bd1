"""Handing the listening sockets to a new version, so that no connection is refused or lost in between.

The running supervisor listens on a Unix socket. `startgate serve --takeover` connects there and is sent the listening
sockets themselves (SCM_RIGHTS, unix(7)): both versions then accept from the same queues. The new one starts its
workers, says `ready`, and the old one stops in order: it finishes what it has, and its end, which closes the
connection, tells the new one to start its gate. Two gates never run at a time: they share the journal.
See docs/decisions/103-a-new-version-takes-over.md.
"""

import asyncio
import contextlib
import logging
import os
import select
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from proxy.errors import CannotServe, ExitStatus
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

READY: Final = b"ready\n"

# Linux passes at most 253 descriptors in one message (SCM_MAX_FD).
_BATCH: Final = 200
_LENGTH: Final = struct.Struct("!I")
# The other side is a process on this machine that does nothing else just then.
_PATIENCE_S: Final = 10.0
# Lines of the old version come one in minutes, if at all.
_SAID_BYTES: Final = 4096
_MODE: Final = 0o600
_ENDED: Final = "the other side closed the connection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is handed over. `addresses` are host and port as the configuration names them, one for each socket, in
    order; `gate_socket` is where the old gate listens, and the new one is to; `private`: in a folder of its own;
    `drain_s`: how long, in seconds, requests in flight may keep the old version from its end."""

    addresses: tuple[tuple[str, int], ...]
    gate_socket: str
    private: bool
    drain_s: float = 0.0


def _nobody(_line: bytes) -> None:
    """Whoever has no ear for it."""


class Heir:
    """The new version, as far as there is one: what it is told from when it asks for the sockets on reaches it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._asked = False
        self._last = b""

    def tell(self, line: bytes) -> None:
        """Tell it a line; of those that come before the sockets are with it, the last one. Never waits."""
        with self._lock:
            if self._connection is not None:
                self._say(self._connection, line)
            elif self._asked:
                self._last = line

    def asks(self) -> None:
        """It has come."""
        with self._lock:
            self._asked, self._connection, self._last = True, None, b""

    def has_all(self, connection: socket.socket) -> None:
        """It has the sockets: what comes over the connection from now on are lines."""
        with self._lock:
            self._connection = connection
            if self._last:
                self._say(connection, self._last)

    def gone(self) -> None:
        """It did not take over."""
        with self._lock:
            self._asked, self._connection = False, None

    def _say(self, connection: socket.socket, line: bytes) -> None:
        try:
            # A version that does not listen, as one from before this was said, has room for hundreds of lines.
            connection.send(line, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError as failure:
            logger.warning("the new version could not be told of a change of the log: %s", failure.strerror or failure)


class Taken:
    """What a new version was given. `sockets` are its own from now on."""

    def __init__(self, connection: socket.socket, offer: Offer, sockets: Sequence[socket.socket]) -> None:
        self.offer = offer
        self.sockets = list(sockets)
        self._connection = connection

    def ready(self) -> None:
        """The new workers serve: the old version is to stop."""
        try:
            self._connection.sendall(READY)
        except OSError:
            # It has been told to stop, or was killed. The sockets are here: to give up now would refuse everybody.
            logger.warning("the version that is taken over from is stopping already")

    async def over(self, patience_s: float, heard: Callable[[bytes], None] = _nobody) -> None:
        """Returns when the old version has ended; `heard` is called with each line that it says until then.

        Raises:
            CannotServe: it has not within `patience_s` seconds: its gate may still hold the journal.
        """
        self._connection.setblocking(False)
        try:
            async with asyncio.timeout(patience_s):
                await self._hear(heard)
        except TimeoutError:
            text = f"the version that is taken over from did not end within {patience_s:g} s"
            raise CannotServe(ExitStatus.ADDRESS, text) from None
        except OSError:
            logger.warning("the version that was taken over from ended without a word")
        finally:
            self._connection.close()

    async def _hear(self, heard: Callable[[bytes], None]) -> None:
        """Every line, to the end of the connection."""
        held = b""
        while data := await asyncio.get_running_loop().sock_recv(self._connection, _SAID_BYTES):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                heard(line)

    def leave(self) -> None:
        """Ends the connection. The sockets stay."""
        self._connection.close()

    def close(self) -> None:
        """Takes nothing over after all: the old version goes on."""
        self._connection.close()
        for one in self.sockets:
            one.close()


def take(path: Path) -> Taken:
    """Asks the version that serves at `path` for its sockets. Blocks for as long as a local exchange takes.

    Raises:
        CannotServe: nobody answers there, or not as it should.
    """
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE_S)
    fds: list[int] = []
    try:
        connection.connect(str(path))
        (length,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
        offer = msgspec.json.decode(_exactly(connection, length), type=Offer)
        _receive(connection, len(offer.addresses), fds)
    except (OSError, EOFError, msgspec.MsgspecError) as failure:
        connection.close()
        for fd in fds:
            os.close(fd)
        raise CannotServe(ExitStatus.ADDRESS, f"nothing can be taken over at {path}: {failure}") from None
    sockets = [socket.socket(fileno=fd) for fd in fds]
    for one in sockets:
        one.setblocking(False)
    return Taken(connection, offer, sockets)


def _receive(connection: socket.socket, count: int, fds: list[int]) -> None:
    """Adds so many descriptors to `fds`; what it already added is the caller's to close if this fails."""
    while len(fds) < count:
        data, some, _, _ = socket.recv_fds(connection, 1, _BATCH)
        fds += some
        if not data:
            raise EOFError(_ENDED)


def give(
    connection: socket.socket,
    offer: Offer,
    fds: Sequence[int],
    given: Callable[[socket.socket], None] = lambda _connection: None,
) -> bool:
    """Sends the offer with its sockets, calls `given`, and waits for the other side's word. Blocks. Whether it took
    over: if it ended without saying so, nothing has changed."""
    connection.settimeout(_PATIENCE_S)
    text = msgspec.json.encode(offer)
    connection.sendall(_LENGTH.pack(len(text)) + text)
    for at in range(0, len(fds), _BATCH):
        socket.send_fds(connection, [b"."], list(fds[at : at + _BATCH]))
    # Its workers take as long to start as they take.
    connection.settimeout(None)
    given(connection)
    return _upto(connection, len(READY)) == READY


@asynccontextmanager
async def offering(
    path: Path,
    offer: Callable[[], tuple[Offer, Sequence[int]]],
    taken_over: Callable[[], None],
    heir: Heir | None = None,
) -> AsyncIterator[None]:
    """Meanwhile, a new version may take over at `path`; `taken_over` is called once it serves, and what it has to know
    until then is told to `heir`. The connection to it is kept to the end, which is the end of this process: that is
    what it waits for.

    A path that cannot be listened on costs the possibility to hand over, and a warning.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        _bind(listener, path)
    except OSError as failure:
        listener.close()
        logger.warning("no new version can take over: %s: %s", path, failure.strerror or failure)
        yield
        return
    task = spawn(_offer(listener, offer, taken_over, heir or Heir()), name="handover")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        listener.close()
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _bind(listener: socket.socket, path: Path) -> None:
    # Whatever is left there is of a process that is gone: the gate, which serves by now, has the journal's lock.
    path.unlink(missing_ok=True)
    mask = os.umask(0o777 & ~_MODE)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(1)
    listener.setblocking(False)


# Connections to versions that took over: closed by the end of the process alone.
_kept: Final[list[socket.socket]] = []


async def _offer(
    listener: socket.socket,
    offer: Callable[[], tuple[Offer, Sequence[int]]],
    taken_over: Callable[[], None],
    heir: Heir,
) -> None:
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        logger.info("a new version asks to take over")
        heir.asks()
        giving = asyncio.ensure_future(asyncio.to_thread(give, connection, *offer(), heir.has_all))
        try:
            took = await asyncio.shield(giving)
        except OSError as failure:
            logger.warning("the sockets could not be handed over: %s", failure)
            took = False
        except asyncio.CancelledError:
            # Stopped meanwhile: the thread is woken by the end of what it reads.
            there = not _ended(connection)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
            await asyncio.wait([giving])
            if there:
                # It has the sockets and may serve. The connection stays, as below: no gate must start before this
                # version's has ended.
                _kept.append(connection)
                taken_over()
            else:
                connection.close()
            raise
        if took:
            _kept.append(connection)
            taken_over()
            return
        heir.gone()
        connection.close()
        logger.warning("the new version did not take over; this one goes on")


def _ended(connection: socket.socket) -> bool:
    """Whether the other side is gone, as far as is known by now."""
    look = select.poll()
    look.register(connection, select.POLLRDHUP)
    return bool(look.poll(0))


def _exactly(connection: socket.socket, count: int) -> bytes:
    got = _upto(connection, count)
    if len(got) < count:
        raise EOFError(_ENDED)
    return got


def _upto(connection: socket.socket, count: int) -> bytes:
    """So many bytes, or fewer if the other side ends."""
    got = b""
    while len(got) < count and (data := connection.recv(count - len(got))):
        got += data
    return got
