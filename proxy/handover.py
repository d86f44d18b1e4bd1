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

    async def over(self, patience_s: float) -> None:
        """Returns when the old version has ended.

        Raises:
            CannotServe: it has not within `patience_s` seconds: its gate may still hold the journal.
        """
        self._connection.setblocking(False)
        try:
            async with asyncio.timeout(patience_s):
                while await asyncio.get_running_loop().sock_recv(self._connection, 64):
                    pass
        except TimeoutError:
            text = f"the version that is taken over from did not end within {patience_s:g} s"
            raise CannotServe(ExitStatus.ADDRESS, text) from None
        except OSError:
            logger.warning("the version that was taken over from ended without a word")
        finally:
            self._connection.close()

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


def give(connection: socket.socket, offer: Offer, fds: Sequence[int]) -> bool:
    """Sends the offer with its sockets and waits for the other side's word. Blocks. Whether it took over: if it ended
    without saying so, nothing has changed."""
    connection.settimeout(_PATIENCE_S)
    text = msgspec.json.encode(offer)
    connection.sendall(_LENGTH.pack(len(text)) + text)
    for at in range(0, len(fds), _BATCH):
        socket.send_fds(connection, [b"."], list(fds[at : at + _BATCH]))
    # Its workers take as long to start as they take.
    connection.settimeout(None)
    return _upto(connection, len(READY)) == READY


@asynccontextmanager
async def offering(
    path: Path, offer: Callable[[], tuple[Offer, Sequence[int]]], taken_over: Callable[[], None]
) -> AsyncIterator[None]:
    """Meanwhile, a new version may take over at `path`; `taken_over` is called once it serves. The connection to it is
    kept to the end, which is the end of this process: that is what it waits for.

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
    task = spawn(_offer(listener, offer, taken_over), name="handover")
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
    listener: socket.socket, offer: Callable[[], tuple[Offer, Sequence[int]]], taken_over: Callable[[], None]
) -> None:
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        logger.info("a new version asks to take over")
        giving = asyncio.ensure_future(asyncio.to_thread(give, connection, *offer()))
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
