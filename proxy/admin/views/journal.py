"""The journal: its files, whether it can be written, its chain, its sinks, and its records for download."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path

from proxy.admin.api import Role, Viewer
from proxy.admin.shown.journal import ExportQuery, Journal, Verification
from proxy.admin.views.exporting import Exports
from proxy.admin.views.files import JournalFiles
from proxy.admin.views.needed import needs
from proxy.admin.views.sinks import FAILING, sink_rows
from proxy.admin.views.verifying import Verifying
from proxy.control.client import Control
from proxy.errors import CannotServe, JournalError
from proxy.journal.standing import JournalStanding

# By its name, whether a sink takes nothing, for each that the gate tells of.
Failing = Callable[[], Mapping[str, bool]]


class JournalView:
    """Shows the journal in a folder. `control` is None where the gate cannot be asked."""

    def __init__(self, folder: Path, control: Control | None, failing: Failing) -> None:
        self._folder = folder
        self._control = control
        self._failing = failing
        self._files = JournalFiles(folder)
        self._verifying = Verifying(folder)
        self._exports = Exports(folder)
        self._turn = asyncio.Lock()

    async def show(self, viewer: Viewer) -> Journal:
        """All of it, as of now. Raises ApiError: 403 the viewer may not see it."""
        needs(viewer, Role.READ)
        standing, reason = await self._standing()
        troubles = await self._troubles()
        # One at a time: who looks at files that others look at gains nothing.
        async with self._turn:
            try:
                files = await asyncio.to_thread(self._files.list)
                sinks = await asyncio.to_thread(lambda: tuple(sink_rows(self._folder, troubles)))
            except JournalError as failure:
                files, sinks, reason = (), (), str(failure)
        return Journal(
            folder=str(self._folder),
            standing=standing,
            reason=reason,
            files=files,
            bytes=sum(one.bytes for one in files),
            sinks=sinks,
            verification=self._verifying.latest,
        )

    async def verify(self, viewer: Viewer) -> Verification:
        """Have the chain checked; `show` tells how far it is, and what came of it.

        Raises ApiError: 403 the viewer may not, 409 a check is under way.
        """
        needs(viewer, Role.WRITE)
        return self._verifying.begin(viewer.name)

    async def export(self, viewer: Viewer, query: ExportQuery) -> AsyncGenerator[bytes, None]:
        """The blocks of a download; raises `BrokenOff` while they come where they are not all.

        Raises ApiError: 400 the query is wrong, 403 the viewer may not, 503 others export.
        """
        needs(viewer, Role.READ)
        return self._exports.open(query)

    async def close(self) -> None:
        """Give up what is under way in the background."""
        await self._verifying.close()

    async def _troubles(self) -> Mapping[str, str]:
        """What keeps each sink from taking more, in the gate's words; of one that does not answer, what it counted."""
        counted = {name: FAILING if failing else "" for name, failing in self._failing().items()}
        if self._control is None:
            return counted
        try:
            return counted | {one.sink: one.trouble for one in await self._control.sinks()}
        except CannotServe:
            return counted

    async def _standing(self) -> tuple[JournalStanding | None, str]:
        if self._control is None:
            return None, "the gate has no control socket to be asked at (control.socket)"
        try:
            return await self._control.journal(), ""
        except CannotServe as failure:
            return None, str(failure)
