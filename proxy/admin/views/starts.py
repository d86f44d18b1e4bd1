"""The list of starts: filtered, by pages."""

import asyncio
from collections.abc import Sequence
from typing import Final

from proxy.admin.api import Viewer
from proxy.admin.shown.starts import Starts, StartsQuery
from proxy.admin.views.asked import Asked, cursor_of, place_of, query_of, size_of, whose
from proxy.admin.views.index import Index
from proxy.admin.views.reader import Reader
from proxy.admin.views.row import Entry

# For the first look at the journal, when this process has just begun.
READY_S: Final = 2.0


class StartsView:
    """Shows the starts that an index holds."""

    def __init__(self, index: Index, reader: Reader) -> None:
        self._index = index
        self._reader = reader

    async def list(self, viewer: Viewer, query: StartsQuery) -> Starts:
        """A page of those that the viewer may see and asks for, newest first. A page goes on where the one before it
        ended, whatever came meanwhile.

        Raises ApiError: 400 the query is wrong, 403 the viewer may see none.
        """
        asked = Asked(query_of(query), whose(viewer), self._reader.with_all_names)
        size, place = size_of(query.size), place_of(query.after)
        await self._is_ready()
        index = self._index
        # All of this moment, before anything else can happen.
        moment, complete, held, end = index.moment, index.complete, len(index), index.before(place)
        if asked.everything:
            page, matching = [*reversed(index.entries[max(0, end - size) : end])], held
            rest = end > size
        else:
            entries = [*index.entries]
            page, matching, rest = await asyncio.to_thread(_selected, entries, asked, end, size)
        return Starts(
            starts=tuple(entry.row for entry in page),
            cursor=cursor_of(page[-1].key) if rest and page else "",
            matching=matching,
            # Whoever sees only their own starts need not know how many others have.
            held=held if asked.whose is None else matching,
            complete=complete,
            moment=moment,
            unreadable=tuple(index.problems) if asked.whose is None else (),
        )

    async def _is_ready(self) -> None:
        """Wait a moment for the newest starts; without them the list is short, and says that it is not complete."""
        try:
            async with asyncio.timeout(READY_S):
                await self._index.ready.wait()
        except TimeoutError:
            return


def _selected(entries: Sequence[Entry], asked: Asked, end: int, size: int) -> tuple[list[Entry], int, bool]:
    """The page before a place, how many answer in all, and whether some of them come after the page."""
    page: list[Entry] = []
    matching, rest = 0, False
    for place in range(len(entries) - 1, -1, -1):
        if not asked.takes(entries[place]):
            continue
        matching += 1
        if place < end:
            if len(page) < size:
                page.append(entries[place])
            else:
                rest = True
    return page, matching, rest
