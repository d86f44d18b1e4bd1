"""What one gate holds for calls that are no starts: the observer, the owners of jobs, and what is folded.

`app` puts its handlers on the gate's socket. A call under way is finished when the gate stops, and what is folded is
put on record then.
"""

import asyncio
import functools
import logging
import secrets
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from proxy.errors import JournalError
from proxy.gate.fold import Fold, Folded
from proxy.gate.observe import Observer
from proxy.gate.observe_owners import Owners
from proxy.gate.observe_record import folded
from proxy.gate.ports import Clock, Cluster, Identities, Journal
from proxy.notes import GAP_TARGET, NOTE_TARGET, Gap, Note
from proxy.tasks import spawn

logger = logging.getLogger(__name__)


class Observing:
    """See the top of the file. Needs a running loop."""

    def __init__(
        self, cluster: Cluster, journal: Journal, clock: Clock, *, service: str | None, own: Identities | None
    ) -> None:
        self._journal = journal
        self._clock = clock
        self.owners = Owners(ticks_s=clock.ticks_s)
        later = asyncio.get_running_loop().call_later
        self._starts = Fold(later, functools.partial(self._emit, "starts"))
        self._calls = Fold(later, functools.partial(self._emit, "calls"))
        self._observer = Observer(
            cluster,
            journal,
            clock,
            service=service,
            own=own,
            owners=self.owners,
            repeated=lambda peer: self._calls.counts(peer, clock.now_ms()),
        )
        self._under_way: set[asyncio.Task[Any]] = set()

    def repeated(self, peer: str) -> bool:
        """Whether one more start of nobody who is known, of this peer's, is only counted."""
        return self._starts.counts(peer, self._clock.now_ms())

    def remember(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Learn from the journal who the owners of jobs are. For a thread of its own, before anything is served."""
        for record in records:
            try:
                self.owners.take(record)
            except (TypeError, AttributeError, KeyError) as failure:
                logger.warning("an observed call on record is of another form, and is passed over: %r", failure)
        self.owners.begin()

    def add_to(self, app: web.Application) -> None:
        """Serve what edge workers tell."""
        app.router.add_put(NOTE_TARGET, self._note)
        app.router.add_put(GAP_TARGET, self._gap)

    async def _note(self, request: web.Request) -> web.Response:
        note = msgspec.json.decode(await _whole(request), type=Note)
        return await self._answered(self._observer.note(note))

    async def _gap(self, request: web.Request) -> web.Response:
        gap = msgspec.json.decode(await _whole(request), type=Gap)
        return await self._answered(self._observer.gap(gap))

    async def _answered(self, work: Coroutine[Any, Any, None]) -> web.Response:
        """204 where it is on record. A worker that waits no longer does not interrupt it."""
        task = spawn(_recorded(work), name="observe")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return web.Response(status=204 if await asyncio.shield(task) else 503)

    def _emit(self, what: str, one: Folded) -> None:
        task = spawn(self._append(what, one), name="folded")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _append(self, what: str, one: Folded) -> None:
        try:
            await self._journal.append(folded(what, one, secrets.token_hex(16), self._clock.now_ms()))
        except JournalError as failure:
            logger.error("%d %s of nobody who is known are not on record: %s", one.count, what, failure)

    async def drain(self, limit_s: float) -> None:
        """Let what is under way finish, within the limit."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=limit_s)

    async def close(self) -> None:
        """Put on record what is folded: all at once, so that a thousand addresses wait for one fsync."""
        folds = (("starts", self._starts), ("calls", self._calls))
        await asyncio.gather(*(self._append(what, one) for what, fold in folds for one in fold.flush()))


async def _whole(request: web.Request) -> bytes:
    """The body. Only edge workers connect, and a request's head that they hold is bounded."""
    return await request.content.read()


async def _recorded(work: Coroutine[Any, Any, None]) -> bool:
    try:
        await work
    except JournalError as failure:
        logger.error("an observed call is not on record: %s", failure)
        return False
    return True
