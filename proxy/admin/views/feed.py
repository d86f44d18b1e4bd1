"""The live feed of starts: for each viewer those that they may see and ask for, as they come and change.

A viewer who takes nothing, or has missed more than is held, is told to begin anew (`reset`); nobody waits for them.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec

from proxy.admin.api import ApiError, Viewer
from proxy.admin.shown.starts import FeedQuery
from proxy.admin.views.asked import Asked, query_of, whose
from proxy.admin.views.index import Change, Index
from proxy.admin.views.reader import Reader

# Of events that one viewer has not taken yet: at twenty starts a second that is half a minute.
WAITING: Final = 1000
VIEWERS: Final = 100
OF_ONE: Final = 10
# So often something is sent where nothing happens: fronts close what is silent for a minute.
HEARTBEAT_S: Final = 15.0
# So often it is asked whether a viewer may still see what they see.
CHECK_S: Final = 5.0

# Whether a viewer is still who they were, and may do what they could.
Allowed = Callable[[Viewer], Awaitable[bool]]
# Whether nobody is connected any more.
Gone = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Event:
    """What is sent. `start`: a row, new or instead of the one of its receipt; `gone`: the receipt of one that is asked
    for no longer; `reset`: begin anew; `heartbeat`: nothing happened. `id` is the moment after it; `data` is JSON."""

    kind: str
    id: str = ""
    data: bytes = b""


HEARTBEAT: Final = Event("heartbeat")


class FeedView:
    """The feeds of all viewers. One look at the journal serves all of them."""

    def __init__(self, index: Index, reader: Reader, *, viewers: int = VIEWERS, of_one: int = OF_ONE) -> None:
        self._index = index
        self._reader = reader
        self._most = viewers
        self._of_one = of_one
        self._open: set[_Feed] = set()
        # Each change is encoded once, whoever asks for it.
        self._encoded: tuple[int, bytes] = (-1, b"")

    def open(
        self, viewer: Viewer, query: FeedQuery, last: str, allowed: Allowed, gone: Gone = bool
    ) -> AsyncGenerator[Event, None]:
        """The events of one viewer from the moment `last` on (empty: from now), until they may see them no longer, or
        have to begin anew. Where they are `gone`, others get their place.

        Raises ApiError: 400 the query is wrong, 403 the viewer may see none, 503 there are too many feeds.
        """
        asked = Asked(query_of(query), whose(viewer), self._reader.with_all_names)
        self._is_room(viewer)
        return self._events(_Feed(asked, _who(viewer), gone), last, _Pulse(viewer, allowed))

    def _is_room(self, viewer: Viewer) -> None:
        """Raises ApiError 503: there may be no more feeds, or no more of one viewer, who could take all of them."""
        self._leave()
        hint = "ask /v1/starts from time to time, or raise limits.admin.feed_viewers"
        if len(self._open) >= self._most:
            raise ApiError(503, f"{self._most} feeds are open, and there may be no more", hint=hint)
        if sum(feed.who == _who(viewer) for feed in self._open) >= self._of_one:
            text = f"you have {self._of_one} feeds open, and may have no more"
            raise ApiError(503, text, hint=f"{hint}_per_user")

    def _leave(self) -> None:
        """End the feeds of pages that were left. Else that is seen at the next heartbeat: whoever turns over pages has
        opened ten by then."""
        for feed in [one for one in self._open if one.gone()]:
            feed.end()
            self._open.discard(feed)

    def close(self) -> None:
        """End all feeds: the process stops."""
        for feed in self._open:
            feed.end()

    async def _events(self, feed: "_Feed", last: str, pulse: "_Pulse") -> AsyncGenerator[Event, None]:
        with self._listening(feed, last):
            while True:
                waiting = await feed.next(min(CHECK_S, HEARTBEAT_S))
                # What was waiting is not told to who may see it no longer.
                if not await pulse.allowed():
                    return
                for event in self._all(feed.asked, waiting):
                    pulse.sent()
                    yield event
                if feed.broken:
                    yield Event("reset", self._index.moment, b"{}")
                if feed.broken or feed.ended:
                    return
                if pulse.is_due():
                    yield HEARTBEAT

    @contextmanager
    def _listening(self, feed: "_Feed", last: str) -> Iterator[None]:
        """Everything that changes from a moment on comes to the feed meanwhile."""
        missed = self._index.since(last) if last else []
        if missed is None:
            feed.take(None)
        for change in missed or ():
            feed.take(change)
        self._index.listeners.add(feed.take)
        self._open.add(feed)
        try:
            yield
        finally:
            self._open.discard(feed)
            self._index.listeners.discard(feed.take)

    def _all(self, asked: Asked, waiting: Iterable[Change]) -> Iterator[Event]:
        return (event for change in waiting for event in self._told(asked, change))

    def _told(self, asked: Asked, change: Change) -> Iterator[Event]:
        after, before = change.after, change.before
        moment = self._index.moment_of(change.number)
        if after is not None and asked.takes(after):
            yield Event("start", moment, self._row(change))
        elif before is not None and asked.takes(before):
            yield Event("gone", moment, msgspec.json.encode({"receipt": before.row.receipt}))

    def _row(self, change: Change) -> bytes:
        if change.after is not None and self._encoded[0] != change.number:
            self._encoded = change.number, msgspec.json.encode(change.after.row)
        return self._encoded[1]


def _who(viewer: Viewer) -> tuple[str, str]:
    return viewer.name, viewer.realm


class _Pulse:
    """When something was sent last, and when it was looked whether the viewer may see it."""

    def __init__(self, viewer: Viewer, allowed: Allowed) -> None:
        self._viewer = viewer
        self._allowed = allowed
        self._clock = asyncio.get_running_loop().time
        self._sent_s = self._checked_s = self._clock()

    async def allowed(self) -> bool:
        """Whether the viewer may still see what they see, as of the last seconds."""
        if self._clock() - self._checked_s < CHECK_S:
            return True
        self._checked_s = self._clock()
        return await self._allowed(self._viewer)

    def sent(self) -> None:
        """Something is sent."""
        self._sent_s = self._clock()

    def is_due(self) -> bool:
        """Whether nothing was sent for long; what is sent now counts."""
        due = self._clock() - self._sent_s >= HEARTBEAT_S
        if due:
            self.sent()
        return due


class _Feed:
    """What one viewer is still to be told. `broken`: they have to begin anew."""

    def __init__(self, asked: Asked, who: tuple[str, str], gone: Gone) -> None:
        self.asked = asked
        self.who = who
        self.gone = gone
        self.broken = False
        self.ended = False
        self._waiting: deque[Change] = deque()
        self._woken = asyncio.Event()

    def take(self, change: Change | None) -> None:
        """One more change; None where all is another."""
        if change is None or len(self._waiting) >= WAITING:
            self.broken = True
            self._waiting.clear()
        elif not self.broken:
            self._waiting.append(change)
        self._woken.set()

    def end(self) -> None:
        """Nothing more is told."""
        self.ended = True
        self._woken.set()

    async def next(self, wait_s: float) -> list[Change]:
        """What came since, waiting so long for it."""
        try:
            async with asyncio.timeout(wait_s):
                await self._woken.wait()
        except TimeoutError:
            return []
        self._woken.clear()
        found = [*self._waiting]
        self._waiting.clear()
        return found
