"""Where the admin port listens: an address, with TLS or without, and a Unix socket. What cannot be had, because another
Startgate has it, or the version that is just being replaced, is tried again until it can; clients are served meanwhile.
"""

import asyncio
import contextlib
import logging
import os
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from aiohttp import web

from proxy.admin.connections import Connections, Site
from proxy.errors import CannotServe
from proxy.gate.unix import listen
from proxy.settings import AdminPort

logger = logging.getLogger(__name__)

# Between two attempts to bind.
PAUSE_S: Final = 1.0
# Until the folder of the Unix socket is there. A gate makes it before anything that takes long.
FOLDER_S: Final = 5.0
FOLDER_LOOK_S: Final = 0.02


async def bind(
    runner: web.AppRunner,
    port: AdminPort,
    context: ssl.SSLContext | None,
    bound: Callable[[int], None],
    tried: asyncio.Event,
    connections: Connections | None = None,
) -> None:
    """Until the address is listened on; `tried` is set after the first attempt, `bound` is called with the port.
    `connections` bounds those to it."""
    bounded = connections or Connections(port.limits.connections)
    told = ""
    while True:
        site = Site(runner, (port.host, port.port), context, bounded)
        try:
            await site.start()
        except OSError as failure:
            why = failure.strerror or str(failure)
            if why != told:
                text = "nobody can ask for metrics and health: %s:%d cannot be listened on (%s); it is tried again"
                logger.error(text, port.host, port.port, why)
                told = why
            await _never_was(site)
            tried.set()
            await asyncio.sleep(PAUSE_S)
            continue
        address = next(one for one in runner.addresses if isinstance(one, tuple))
        scheme = "https" if context is not None else "http"
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        logger.info("page, API, metrics and health at %s://%s:%d", scheme, host, address[1])
        bound(int(address[1]))
        return


class LocalSocket:
    """The Unix socket at a path (mode 0600)."""

    def __init__(self, runner: web.AppRunner, path: Path) -> None:
        self._runner = runner
        self._path = path
        self._ours: tuple[int, int, int] | None = None

    async def bind(self, tried: asyncio.Event) -> None:
        """Until it is listened on; `tried` is set after the first attempt."""
        told = ""
        await self._folder()
        while True:
            try:
                await listen(self._runner, self._path, "admin.socket")
            except (CannotServe, OSError) as failure:
                if str(failure) != told:
                    told = str(failure)
                    logger.error("commands cannot ask over %s: %s; it is tried again", self._path, failure)
                tried.set()
                await asyncio.sleep(PAUSE_S)
                continue
            self._ours = _seen(self._path)
            return

    async def _folder(self) -> None:
        """Wait for the folder: by default it is the journal's, which the gate makes, and that is started beside us."""
        end_s = time.monotonic() + FOLDER_S
        while not self._path.parent.is_dir() and time.monotonic() < end_s:  # noqa: ASYNC110 -- another process makes it
            await asyncio.sleep(FOLDER_LOOK_S)

    def remove(self) -> None:
        """Take it away, if it is still ours: a new version may have made its own there."""
        if self._ours is not None and _seen(self._path) == self._ours:
            with contextlib.suppress(OSError):
                self._path.unlink()


async def _never_was(site: Site) -> None:
    with contextlib.suppress(RuntimeError):  # it was never registered
        await site.stop()


def _seen(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    # The number of a file that is gone may be another's at once: that was made later.
    return found.st_dev, found.st_ino, found.st_ctime_ns
