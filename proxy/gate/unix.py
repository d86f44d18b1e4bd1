"""Listening on a Unix socket that only this user can connect to."""

import asyncio
import os
import socket
import stat
from pathlib import Path

from aiohttp import web

from proxy.errors import CannotServe, ExitStatus

# A Unix socket refuses at once what it cannot queue, so the queue is as long as the system allows (net.core.somaxconn).
BACKLOG = 65_535


async def listen(runner: web.AppRunner, path: Path, key: str) -> None:
    """Bind with no moment in which others could connect. A socket that somebody answers on is not taken away.

    `key` is the configuration's for this path. Raises:
        CannotServe: a running gate has it: taking it away would leave that one without calls, and without a word; or
            something else than a socket is there, which is not ours to take away.
    """
    if await asyncio.to_thread(_answers, path):
        text = f"a running gate listens on {path}; each needs a socket of its own ({key})"
        raise CannotServe(ExitStatus.ADDRESS, text)
    if await asyncio.to_thread(_is_something_else, path):
        text = f"{path} is no socket, and is not replaced by one; choose another path, or remove it ({key})"
        raise CannotServe(ExitStatus.ADDRESS, text)
    await asyncio.to_thread(path.unlink, missing_ok=True)
    mask = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path), backlog=BACKLOG).start()
    finally:
        os.umask(mask)


async def leave(runner: web.AppRunner, path: Path | None) -> None:
    """Let the last answers be written, and remove the socket; None where it never was this runner's."""
    await runner.cleanup()
    if path is not None:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _is_something_else(path: Path) -> bool:
    try:
        return not stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:
        return False


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
