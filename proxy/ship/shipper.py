"""Moves one sink on: read a batch, send it, keep what was rejected, move the cursor. Nothing else moves it.

Rules of this file: what the journal's writer does not call durable is not sent; the cursor moves only when all that is
before it is with the sink or kept aside; a batch is bounded in records and bytes, and one is under way at a time, so
that a slow sink costs no memory; a sink that fails or hangs is waited for, longer each time, and nobody else waits with
it.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from proxy.errors import JournalError
from proxy.journal.entry import time_ms, timestamp
from proxy.journal.lines import files
from proxy.settings import ShipLimits
from proxy.ship import cursor as cursors
from proxy.ship import rejected, source
from proxy.ship.model import Cursor, Lag, Record, Rejection, Sink, SinkFailure, Status, Taken
from proxy.ship.pace import pause_s

P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger(__name__)


class Shipper:
    """Brings the journal in `folder` to one sink. Call `run`, or `all_there_is`; the sink stays the caller's to close.

    `chance` gives a number from 0 to 1, for pauses. `durable` gives the number of the last record that the journal's
    writer has on the disk, where that is in this process: what is behind it may be taken back.
    """

    def __init__(
        self,
        folder: Path,
        sink: Sink,
        limits: ShipLimits,
        chance: Callable[[], float] = random.random,
        durable: Callable[[], int] | None = None,
    ) -> None:
        self._folder = folder
        self._sink = sink
        self._limits = limits
        self._chance = chance
        self._durable = durable
        self._cursor: Cursor | None = None
        self._unsaved = False
        self._accepted = 0
        self._rejected = 0
        self._failures = 0
        self._trouble = ""
        self._lag = Lag()

    @property
    def status(self) -> Status:
        """How it stands, as of the last step."""
        return Status(
            sink=self._sink.name,
            lag=self._lag,
            accepted=self._accepted,
            rejected=self._rejected,
            failures=self._failures,
            trouble=self._trouble,
        )

    async def run(self) -> None:
        """Ship for ever; whatever goes wrong is logged, once for each change, and tried again."""
        while True:
            try:
                await self._while_held()
            except JournalError as failure:
                self._note(str(failure))
            except Exception as failure:  # an answer that nobody thought of must not end shipping until a restart
                logger.error("shipping to %s failed in a way that was not foreseen", self._sink.name, exc_info=failure)
                self._note(repr(failure))
            await asyncio.sleep(self._pause_s())

    async def all_there_is(self) -> None:
        """Ship what the journal holds now, and return.

        Raises:
            SinkFailure: the sink failed, or another process ships to it; what was shipped until then stays shipped.
            JournalError: the journal, the cursor or the file of rejected records cannot be used.
        """
        with cursors.held(self._folder, self._sink.name) as ours:
            if not ours:
                raise SinkFailure(f"another process ships to {self._sink.name} at the moment, such as the gate")
            while await self._step():
                if self._trouble:
                    raise SinkFailure(self._trouble)

    async def _while_held(self) -> None:
        """Ship for as long as nobody else does; returns where somebody does."""
        with cursors.held(self._folder, self._sink.name) as ours:
            if ours:
                await self._on_and_on()
        # Two for a moment are usual: an operator's `--once`, or an old gate that is still draining.
        self._note("another process ships to it at the moment")

    async def _on_and_on(self) -> None:
        while True:
            try:
                more = await self._step()
            except (SinkFailure, JournalError) as failure:
                self._note(str(failure))
                more = True
            if self._trouble:
                await self._measure()
                await asyncio.sleep(self._pause_s())
            elif not more:
                await asyncio.sleep(self._limits.poll_s)

    async def _step(self) -> bool:
        """One batch; whether there was one. What keeps the sink from more is in `_trouble` then.

        Raises:
            SinkFailure: the sink took nothing; JournalError: what is needed on the disk cannot be used.
        """
        at = await self._place()
        batch = await self._read(at)
        if batch is None:
            return True
        await self._measure(batch)
        if not batch:
            if self._unsaved:
                await self._save(at)
            self._well()
            return False
        if batch[0].fault:
            # Nothing that a sink could do with it; `verify` says what is wrong with the journal.
            broken = batch[0]
            await self._passed(broken, (Rejection(broken, broken.fault),), accepted=0)
            return True
        sound = _sound(batch)
        taken = await self._send(sound)
        if taken.count:
            last, refused = sound[taken.count - 1], taken.rejected
            await self._passed(last, refused, accepted=taken.count - len(refused))
        if taken.trouble:
            self._note(taken.trouble)
        else:
            self._well()
        return True

    async def _read(self, at: Cursor) -> Sequence[Record] | None:
        """The next batch; None where the cursor stood no more when it was read."""
        # Asked before the files are read: a line that is there by then, under such a number, is the one that stays.
        durable = self._durable() if self._durable is not None else None
        batch = await asyncio.to_thread(self._behind, at)
        if durable is None or batch is None:
            return batch
        return batch[: next((number for number, one in enumerate(batch) if one.seq > durable), len(batch))]

    def _behind(self, at: Cursor) -> Sequence[Record] | None:
        batch = source.read(self._folder, at, self._limits.batch_records, self._limits.batch_bytes)
        # Looked at once more: what was taken back just before the reading, and written anew, has no line that begins
        # there.
        return batch if not batch or source.resume(self._folder, at)[0] == at else None

    async def _send(self, batch: Sequence[Record]) -> Taken:
        try:
            async with asyncio.timeout(self._limits.send_s):
                return await self._sink.send(batch)
        except TimeoutError:
            text = f"took no batch within {self._limits.send_s:g} s (limits.ship.send_s)"
            raise SinkFailure(text) from None

    async def _place(self) -> Cursor:
        """Where the sink is. From the first moment on, retention knows of the sink by its cursor."""
        self._cursor = await _whole(self._found, self._cursor)
        return self._cursor

    def _found(self, at: Cursor | None) -> Cursor:
        """Looked at anew each time: a record that could not be synced is taken back, and another stands there then."""
        if at is not None and not files(self._folder):
            return at  # the folder is away; without a file nothing can be said of where it stands
        known = at or cursors.load(self._folder, self._sink.name)
        if known is None:
            found, wrong = source.beginning(self._folder), ""
        else:
            found, wrong = source.resume(self._folder, known)
        if wrong:
            logger.error("shipping to %s: %s", self._sink.name, wrong)
        if found != known:
            cursors.save(self._folder, self._sink.name, found)
        return found

    async def _passed(self, last: Record, refused: Sequence[Rejection], *, accepted: int) -> None:
        """All up to this record are settled. What is rejected must be kept before it is passed; a cursor that cannot be
        written, as on a full disk, has the sink get records again after a crash, and not over and over before it."""
        if refused:
            await _whole(self._keep, refused)
        self._cursor = last.after
        self._accepted += accepted
        self._rejected += len(refused)
        for one in refused:
            kept = rejected.rejected_path(self._folder, self._sink.name)
            text = "%s does not take record %s, which is kept in %s: %s"
            logger.error(text, self._sink.name, one.record.id, kept, one.reason)
        await self._save(last.after)

    def _keep(self, refused: Sequence[Rejection]) -> None:
        rejected.keep(self._folder, self._sink.name, refused, timestamp(time.time_ns() // 1_000_000))

    async def _save(self, at: Cursor) -> None:
        self._unsaved = True
        await _whole(cursors.save, self._folder, self._sink.name, at)
        self._unsaved = False

    async def _measure(self, batch: Sequence[Record] = ()) -> None:
        """How far behind the sink is; what is not known stays as it was."""
        if self._cursor is not None:
            self._lag = await asyncio.to_thread(measured, self._folder, self._cursor, batch)

    def _well(self) -> None:
        if self._trouble:
            logger.warning("shipping to %s goes on after %d failures", self._sink.name, self._failures)
        self._trouble, self._failures = "", 0

    def _note(self, trouble: str) -> None:
        self._failures += 1
        if trouble != self._trouble:
            logger.warning("shipping to %s: %s; it is tried again", self._sink.name, trouble)
        self._trouble = trouble

    def _pause_s(self) -> float:
        limits = self._limits
        return pause_s(self._failures, limits.retry_s, limits.retry_longest_s, self._chance())


async def _whole(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do something on the disk in a thread, to its end, also where whoever asks is cancelled meanwhile: the right to
    move the cursor must not go to another process while this one writes."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def measured(folder: Path, at: Cursor, batch: Sequence[Record] = ()) -> Lag:
    """How far a cursor is behind the journal. `batch` are the records behind it, where they were read already.

    Raises:
        JournalError: the journal cannot be read.
    """
    size = source.bytes_behind(folder, at)
    if not size:
        return Lag()
    following = batch or source.read(folder, at, 1, 0)
    if not following:
        return Lag(bytes=size)
    head = source.head(folder)
    chained = head.seq - at.seq if head.journal == at.journal or not at.seq else head.seq
    return Lag(records=max(chained, len(following)), seconds=_age_s(source.timestamp(following[0])), bytes=size)


def _age_s(stamp: str) -> float:
    try:
        then_ms = time_ms(stamp)
    except ValueError:
        return 0.0
    # A clock that went back makes no record younger than now.
    return max(time.time() - then_ms / 1000, 0.0)


def _sound(batch: Sequence[Record]) -> Sequence[Record]:
    """The records before the first broken one."""
    broken = next((number for number, one in enumerate(batch) if one.fault), len(batch))
    return batch[:broken]
