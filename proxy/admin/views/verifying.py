"""The chain of the journal, checked in the background when somebody asks for it: one check at a time."""

import asyncio
import contextlib
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from proxy.admin.api import ApiError
from proxy.admin.shown.journal import Verification
from proxy.admin.verify_process import Told
from proxy.journal.entry import timestamp
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

NEVER: Final = Verification(
    state="never", began="", took_s=None, read_bytes=0, total_bytes=0, records=0, findings=(), by=""
)
# A line of progress; the last one has some hundred findings.
_LINE_BYTES: Final = 1024 * 1024


class Verifying:
    """Checks the journal in a folder. `latest` is the last check that was begun here, as of now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._task: asyncio.Task[None] | None = None
        self.latest = NEVER

    def begin(self, by: str) -> Verification:
        """Begin a check for somebody. Raises ApiError: 409 one is under way."""
        if self._task is not None:
            hint = "GET /v1/journal tells how far it is"
            raise ApiError(409, f"the journal is being verified already, for {self.latest.by}", hint=hint)
        began = timestamp(time.time_ns() // 1_000_000)
        self.latest = replace(NEVER, state="running", began=began, by=by)
        self._task = spawn(self._run(), name="verify the journal")
        return self.latest

    async def close(self) -> None:
        """Give up a check that is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        began_s = time.monotonic()
        last: Told | None = None
        try:
            last = await self._child()
        except OSError as failure:
            logger.error("the journal cannot be verified", exc_info=failure)
        finally:
            self._task = None
            self._ended(last, time.monotonic() - began_s)

    async def _child(self) -> Told | None:
        """Have a process check it, and note how far it is; the last that it told."""
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "proxy.admin.verify_process", str(self._folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
        )
        last: Told | None = None
        try:
            async for line in child.stdout or asyncio.StreamReader():
                last = msgspec.json.decode(line, type=Told)
                self._note(last)
            await child.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            # What is left in the pipe is read, or it stays open.
            await child.communicate()
        return last

    def _note(self, told: Told) -> None:
        self.latest = replace(
            self.latest,
            read_bytes=told.read_bytes,
            total_bytes=told.total_bytes,
            records=told.records,
            findings=told.findings,
        )

    def _ended(self, last: Told | None, took_s: float) -> None:
        state, findings = _came_to(last)
        self.latest = replace(self.latest, state=state, took_s=round(took_s, 3), findings=findings)
        logger.info("the journal was verified for %s: %s", self.latest.by, state)


def _came_to(last: Told | None) -> tuple[str, tuple[str, ...]]:
    if last is None or not last.done:
        return "failed", ("the check was broken off; the log may say why",)
    if last.failed:
        return "failed", (last.failed,)
    return ("damaged" if last.findings else "sound"), last.findings
