"""Records for download, as `startgate audit export` gives them: made by that command, in a process of its own.

So an export of hours takes nothing from the admin process, goes only as fast as whoever downloads it reads, and ends
with them.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final

from proxy.admin.api import ApiError
from proxy.admin.shown.journal import ExportQuery
from proxy.admin.views.asked import query_of

logger = logging.getLogger(__name__)

FORMS: Final = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
AT_ONCE: Final = 2
BLOCK_BYTES: Final = 64 * 1024
# What the command says of a part of the journal that cannot be read; it has told of it, and gone on.
_DAMAGED: Final = 1
_TOLD_BYTES: Final = 4096


class Exports:
    """Exports of the journal in a folder; so many at a time, `AT_ONCE` of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = 0

    def open(self, query: ExportQuery) -> AsyncGenerator[bytes, None]:
        """The blocks of what is asked for. What breaks off ends with `BrokenOff`.

        Raises ApiError: 400 the query is wrong, 503 others export.
        """
        arguments = _arguments(query)
        if self._running >= AT_ONCE:
            raise ApiError(503, f"{self._running} exports are under way", hint="try again when they are done")
        return self._blocks(arguments)

    async def _blocks(self, arguments: list[str]) -> AsyncGenerator[bytes, None]:
        self._running += 1
        try:
            # Closed here, and not when somebody gets to it.
            async with contextlib.aclosing(self._child(arguments)) as blocks:
                async for block in blocks:
                    yield block
        finally:
            self._running -= 1

    async def _child(self, arguments: list[str]) -> AsyncGenerator[bytes, None]:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy", "audit", "export", f"--journal={self._folder}", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=BLOCK_BYTES,
        )
        out, errors = child.stdout or asyncio.StreamReader(), child.stderr or asyncio.StreamReader()
        try:
            while block := await out.read(BLOCK_BYTES):
                yield block
            # It tells of twenty things that cannot be read at most: the pipe has room for them.
            told = (await errors.read(_TOLD_BYTES)).decode(errors="replace").strip()
            status = await child.wait()
            if status == _DAMAGED:
                logger.warning("not all of the journal could be exported: %s", told)
            elif status:
                raise BrokenOff(told or f"the command ended with status {status}")
        finally:
            # Whoever downloaded has gone, or the process stops.
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            # What is left in the pipes is read, or they stay open.
            await child.communicate()


class BrokenOff(Exception):
    """An export that did not come to its end."""


def _arguments(query: ExportQuery) -> list[str]:
    """What is asked for, as the command takes it. Raises ApiError."""
    if query.form not in FORMS:
        shown = query.form[:64]
        raise ApiError(400, f"{shown!r} is no form", where="form", allowed=" or ".join(FORMS))
    asked = query_of(query)
    for name in ("user", "job", "index"):
        # No command line holds it, and no record either.
        if "\0" in getattr(query, name):
            raise ApiError(400, "it holds a NUL character", where=name)
    # As one word each, so that none is taken for an option; moments are settled now, not when the command begins.
    found = [f"--{name}={getattr(query, name)}" for name in ("user", "job", "index", "verdict") if getattr(query, name)]
    found += [f"--{name}={value}" for name, value in (("since", asked.since), ("until", asked.until)) if value]
    return [*found, "--csv"] if query.form == "csv" else found
