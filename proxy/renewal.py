"""TLS contexts that follow their files: a new connection gets what the files hold now, an old one keeps what it has.

No connection is dropped for a new certificate: a handshake that is over needs the context no more. Files that cannot
be used leave the last good context in force, and the log says so as an error, once for each change.
"""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NoReturn

from proxy.errors import ConfigError
from proxy.settings import ClusterTls, ListenTls
from proxy.tls import cluster_context, cluster_files, listener_context, listener_files

logger = logging.getLogger(__name__)

# A look costs one system call for each file. Certificates change every few weeks: whoever changes one by hand and tries
# it out should not have to wait.
LOOK_S: Final = 1.0

_Seen = tuple[tuple[int, int, int, int] | None, ...]


class Renewable(ssl.SSLContext):
    """Stands for the context that was made last. Event loops ask a context for nothing but `wrap_bio`, once for each
    connection: that is where the newest one steps in. Its other attributes are not the newest one's: see `current`.

    With `lazily` it looks at its files itself when a connection begins, at most once in `LOOK_S`; without, `look` and
    `renew` are called by `keep_renewed`.
    """

    def __new__(
        cls, _make: Callable[[], ssl.SSLContext], _files: Sequence[str], *, lazily: bool = False
    ) -> "Renewable":
        """The base class makes its object here."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, make: Callable[[], ssl.SSLContext], files: Sequence[str], *, lazily: bool = False) -> None:
        """Raises whatever `make` raises: without a first context there is nothing to keep."""
        self._make = make
        self._files = files
        self._lazily = lazily
        # Before they are read: a change in between is then seen at the next look.
        self._seen = _seen(files)
        self._looked = time.monotonic()
        self.current = make()

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """A connection of the newest context."""
        if self._lazily and time.monotonic() - self._looked >= LOOK_S:
            self.look()
        return self.current.wrap_bio(incoming, outgoing, server_side, server_hostname, session)

    def wrap_socket(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Not for blocking sockets: the base class would use a context that has no certificate."""
        raise NotImplementedError

    def look(self) -> None:
        """Read the files again if they changed since the last look."""
        self._looked = time.monotonic()
        seen = _seen(self._files)
        if seen != self._seen:
            self.renew()

    def renew(self) -> None:
        """Read the files again. If they cannot be used, what is in force stays."""
        self._seen = _seen(self._files)
        names = ", ".join(dict.fromkeys(self._files))
        try:
            self.current = self._make()
        except ConfigError as error:
            for fault in error.faults:
                logger.error("%s; new connections go on with what was read before of %s", fault, names)
        else:
            logger.info("new connections use what is in %s now", names)


def renewable_listener(tls: ListenTls) -> Renewable:
    """`tls.listener_context` of a listening address, kept up to date by `keep_renewed`. Raises ConfigError."""
    return Renewable(lambda: listener_context(tls), listener_files(tls))


def renewable_cluster(tls: ClusterTls) -> Renewable:
    """`tls.cluster_context` of connections to nodes, kept up to date by itself. Raises ConfigError."""
    return Renewable(lambda: cluster_context(tls), cluster_files(tls), lazily=True)


async def keep_renewed(contexts: Sequence[ssl.SSLContext], reload: asyncio.Event, look_s: float = LOOK_S) -> None:
    """Look after those of `contexts` that can be renewed, for ever: every `look_s` seconds, and read all of them again
    whenever `reload` is set."""
    renewables = [context for context in contexts if isinstance(context, Renewable)]
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(look_s):
                await reload.wait()
        asked = reload.is_set()
        reload.clear()
        for context in renewables:
            # In a thread: reading takes some milliseconds, and for ever where a network file system is away.
            await asyncio.to_thread(context.renew if asked else context.look)


def _seen(files: Sequence[str]) -> _Seen:
    """What tells that a file is another one or has been written to; None for one that is not there."""
    return tuple(_one_seen(path) for path in files)


def _one_seen(path: str) -> tuple[int, int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
