"""Asks all processes at once for what they count, and keeps what the dead last told.

Rules of this file: nobody is waited for longer than `ANSWER_S`; what a process told last counts until it is gone; what
a dead process counted is never forgotten while this process lives, so that no sum goes back.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from proxy.metrics.snapshot import Snapshot
from proxy.metrics.teller import LENGTH
from proxy.metrics.totals import Totals, add_up, folded

logger = logging.getLogger(__name__)

# A process whose event loop is busy for longer than this is not well, and is told as such.
ANSWER_S: Final = 2.0
# Some 100 KiB for a worker with a hundred nodes; what is longer is no snapshot.
MESSAGE_BYTES: Final = 16 * 1024 * 1024


class _Teller:
    """The connection of one process, which `task` serves. `latest` is what it told last; `waiting` is set while it is
    asked."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.task = asyncio.current_task()
        self.latest: Snapshot | None = None
        self.waiting: asyncio.Future[None] | None = None

    async def ask(self) -> bool:
        """Whether it told anew in time. Several who ask at once share one answer."""
        if self.waiting is None:
            self.waiting = asyncio.get_running_loop().create_future()
            # To one that is gone nothing can be sent: whoever reads from it notices, and ends the wait.
            self.writer.write(b"?")
        done, _ = await asyncio.wait([self.waiting], timeout=ANSWER_S)
        return bool(done)

    def told(self, snapshot: Snapshot) -> None:
        """A snapshot came."""
        self.latest = snapshot
        self.heard()

    def heard(self) -> None:
        """Whoever waits need not any longer."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


class Collector:
    """What the processes of one Startgate told. `deaths` counts, by name, those in whose place another came."""

    def __init__(self) -> None:
        self.deaths: dict[str, int] = {}
        # In the order of coming, so that of one process that is back the new connection counts.
        self._tellers: dict[_Teller, None] = {}
        self._dead: dict[str, Snapshot] = {}
        # Of each name the last that went away: the same process may come back, and must not be counted twice.
        self._away: dict[str, Snapshot] = {}
        self._answered: set[str] = set()

    async def ask(self) -> None:
        """Have every process tell anew. Returns after `ANSWER_S` at the latest."""
        tellers = tuple(self._tellers)
        answers = await asyncio.gather(*(teller.ask() for teller in tellers))
        pairs = zip(tellers, answers, strict=True)
        self._answered = {one.latest.process for one, told in pairs if told and one.latest is not None}

    @property
    def living(self) -> list[Snapshot]:
        """What the processes that are there told last, by name."""
        told = [teller.latest for teller in self._tellers if teller.latest is not None]
        # A process whose connection broke may be back before its end is seen: it counts once.
        once = {_instance(one): one for one in told}
        return sorted(once.values(), key=lambda one: one.process)

    def answers(self, process: str) -> bool:
        """Whether a process told of itself when all were asked last, and is there still."""
        return process in self._answered and any(one.process == process for one in self.living)

    def totals(self, more: Iterable[Snapshot] = ()) -> Totals:
        """All that was told, with `more` beside it, added up."""
        return add_up((*self.living, *more), (*self._dead.values(), *self._away.values()))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One process's connection, from its first telling to its end."""
        teller = _Teller(writer)
        self._tellers[teller] = None
        try:
            while True:
                teller.told(self._noted(await _read(reader), teller))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the process is gone, or its connection
        except (msgspec.MsgspecError, ValueError) as failure:
            logger.error("what a process tells cannot be read: %s", failure)
        finally:
            self._tellers.pop(teller, None)
            teller.heard()
            if teller.latest is not None:
                self._gone(teller.latest)
            writer.close()

    async def close(self) -> None:
        """End all connections; the processes go on, and try to connect again."""
        tasks = [teller.task for teller in self._tellers if teller.task is not None]
        for teller in self._tellers:
            teller.writer.close()
        if tasks:
            await asyncio.wait(tasks, timeout=ANSWER_S)

    def _noted(self, snapshot: Snapshot, teller: _Teller) -> Snapshot:
        """At the first telling of a connection: is it one that was here before?"""
        away = self._away.get(snapshot.process)
        if teller.latest is None and away is not None:
            del self._away[snapshot.process]
            if _instance(away) != _instance(snapshot):
                self._died(away)
        return snapshot

    def _gone(self, last: Snapshot) -> None:
        others = [one for one in self.living if one.process == last.process]
        if any(_instance(one) == _instance(last) for one in others):
            return
        if others:
            self._died(last)
            return
        earlier = self._away.pop(last.process, None)
        if earlier is not None:
            self._died(earlier)
        self._away[last.process] = last

    def _died(self, last: Snapshot) -> None:
        """Another is in its place: what it counted stays."""
        name = last.process
        self.deaths[name] = self.deaths.get(name, 0) + 1
        dead = self._dead.get(name)
        self._dead[name] = last if dead is None else folded(dead, last)


def _instance(snapshot: Snapshot) -> tuple[str, int, int]:
    """What tells a process from another of its name."""
    return snapshot.process, snapshot.pid, snapshot.began_ns


async def _read(reader: asyncio.StreamReader) -> Snapshot:
    """The next telling. Raises IncompleteReadError, OSError at the end; MsgspecError, ValueError for what is none."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    # Before any of it is read: what is told must not be what fills the memory.
    if length > MESSAGE_BYTES:
        raise ValueError(f"it has {length} bytes, and {MESSAGE_BYTES} at most are allowed")
    return msgspec.msgpack.decode(await reader.readexactly(length), type=Snapshot)


@asynccontextmanager
async def collecting(collector: Collector, path: Path) -> AsyncIterator[None]:
    """Have processes tell at the Unix socket `path` (mode 0600) meanwhile. Raises OSError."""
    await asyncio.to_thread(path.unlink, missing_ok=True)
    # There is no moment in which others could connect, and tell numbers in a worker's name.
    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(collector.serve, str(path))
    finally:
        os.umask(mask)
    try:
        yield
    finally:
        server.close()
        await collector.close()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(path.unlink)
