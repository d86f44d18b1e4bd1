"""One start, by its receipt: at once where it is held, else by a search of the whole journal."""

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec

from proxy.admin.api import ApiError, Viewer
from proxy.admin.shown.starts import StartDetail
from proxy.admin.views.asked import whose
from proxy.admin.views.detail import detail_of
from proxy.admin.views.index import Index
from proxy.admin.views.row import own_of
from proxy.admin.views.sweep import Places, ignore, is_start, joined, placed
from proxy.errors import JournalError
from proxy.journal.lines import files, one_file
from proxy.journal.start import Start

# Ours have 32 characters; a front may send others (X-Startgate-Receipt is the gate's own, and masks none).
RECEIPT_CHARACTERS: Final = 256
# A gigabyte a second passes through a search that finds nothing.
SEARCH_S: Final = 15.0
# One at a time reads; so many others may wait for their turn.
WAITING: Final = 4


class StartView:
    """Opens starts of the journal in a folder."""

    def __init__(self, index: Index, folder: Path) -> None:
        self._index = index
        self._folder = folder
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def one(self, viewer: Viewer, receipt: str) -> StartDetail:
        """The start with this receipt.

        Raises ApiError: 404 there is none that the viewer may see, 403 they may see none, 503 too many search.
        """
        own = whose(viewer)
        start = await self._found(receipt) if 0 < len(receipt) <= RECEIPT_CHARACTERS else None
        # Whoever may not see a start need not know that there is one.
        if start is None or not is_start(start) or (own is not None and own not in own_of(start)):
            hint = "a file that was retired is no longer here; sinks may have what was in it"
            raise ApiError(404, "the journal has no start with this receipt", where="receipt", hint=hint)
        return detail_of(start)

    async def _found(self, receipt: str) -> Start | None:
        entry = self._index.get(receipt)
        if entry is not None:
            start, left = await asyncio.to_thread(joined, self._folder, receipt, entry.places)
            if left:
                return start
        if entry is None and self._index.complete and self._index.ready.is_set():
            # What is not held is not there.
            return None
        return await self._searched(receipt)

    async def _searched(self, receipt: str) -> Start | None:
        if self._waiting >= WAITING:
            raise ApiError(503, "others search the journal already", hint="try again in a few seconds")
        self._waiting += 1
        try:
            async with self._turn:
                places = await asyncio.to_thread(_search, self._folder, receipt)
                start, left = await asyncio.to_thread(joined, self._folder, receipt, places)
                return start if left else None
        except JournalError as failure:
            raise ApiError(503, str(failure)) from failure
        finally:
            self._waiting -= 1


def _search(folder: Path, receipt: str) -> Places:
    """The places of all lines of a start, in their order. Raises JournalError; ApiError: it takes too long."""
    needle = b'"receipt":' + msgspec.json.encode(receipt)
    until_s = time.monotonic() + SEARCH_S
    found: list[Places] = []
    for path in reversed(files(folder)):
        of_file: Places = ()
        for batch in one_file(path, ignore):
            of_file += tuple(place for place, line in placed(batch) if needle in line)
            if time.monotonic() > until_s:
                reason = f"the journal is too long to be searched in {SEARCH_S:g} s"
                raise ApiError(503, reason, hint=f"startgate audit show {receipt}")
        found.append(of_file)
    return tuple(place for of_file in reversed(found) for place in of_file)
