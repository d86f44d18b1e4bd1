"""Appends records to the journal durably: a record is on disk before `append` returns.

One process holds the folder by an exclusive lock. Records that arrive while an fsync is under way share the next one
(group commit). What waits longer than `journal.append_limit_s` is refused; where it comes onto the disk after all, a
later record says so. See docs/journal.md.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.errors import JournalError, JournalLate
from proxy.journal.bounded import RECORD_BYTES, smaller
from proxy.journal.chain import Unsealed, prepare
from proxy.journal.debts import Debts
from proxy.journal.files import Files
from proxy.journal.marks import Mark
from proxy.journal.opening import open_store
from proxy.journal.standing import JournalStanding, JournalState
from proxy.journal.store import Store
from proxy.metrics.spread import FSYNC_S, Spread
from proxy.settings import JournalSettings
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# How often it is tried to say what was lost, while no record comes that would say it along with itself.
RETRY_S = 5.0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True, eq=False)
class _Waiter:
    """One record, and who waits for it. `goes_on`: whoever waits does not need it (`unsafe_continue`); `given_up`: it
    was refused while the disk had it already."""

    unsealed: Unsealed
    receipt: str
    done: asyncio.Future[None]
    goes_on: bool
    given_up: bool = False


class Journal:
    """The open journal of this process. Make it with `open_journal`. `fsyncs` counts how long they took."""

    def __init__(
        self, store: Store, settings: JournalSettings, *, now_ms: Callable[[], int], retry_s: float = RETRY_S
    ) -> None:
        self.folder = store.folder
        self._store = store
        self._settings = settings
        self.now_ms = now_ms
        self._retry_s = retry_s
        self._waiting: list[_Waiter] = []
        self._flushing: asyncio.Task[None] | None = None
        # When the batch was handed over that is being written, by the loop's clock.
        self._writing_since_s: float | None = None
        self._debts = Debts()
        self._paying: asyncio.Task[None] | None = None
        self._closed = False
        self._appended = self._refused = self._lost = self._late = 0
        self._failure = ""
        self.fsyncs = Spread(FSYNC_S)
        # A thread of its own: in a shared pool an fsync would wait behind whatever else is slow there.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    async def append(self, entry: Mapping[str, Any], *, for_certain: bool = False) -> None:
        """Append one record; returns when it is on disk. With `unsafe_continue` it also returns where it cannot be,
        unless it has to be there `for_certain`: that is logged and counted, and recorded as soon as anything can be.

        Raises:
            JournalError: the record is not durable; whatever needed it must not happen.
        """
        if self._closed:
            raise JournalError(f"the journal {self.folder} is closed")
        try:
            unsealed = self._prepared(entry)
        except (TypeError, ValueError) as failure:  # ValueError: UnicodeEncodeError, too
            raise JournalError(f"a record cannot be written as JSON: {failure}") from failure
        loop = asyncio.get_running_loop()
        goes_on = self._settings.continues and not for_certain
        waiter = _Waiter(unsealed, _receipt(entry), loop.create_future(), goes_on)
        if self._stalled():
            # Nobody is kept waiting for a disk that does not answer those before.
            self._refuse([waiter], self._too_slow())
        else:
            self._waiting.append(waiter)
            self._start_flush()
        # Not `asyncio.timeout`: that would cancel the future, and with it who else learns of the record from it.
        timer = loop.call_later(self._settings.append_limit_s, self._give_up, waiter)
        try:
            # A caller that is cancelled does not take the record back: it may be half written already.
            await waiter.done
        except JournalError:
            if not goes_on:
                raise
        finally:
            timer.cancel()

    def _prepared(self, entry: Mapping[str, Any]) -> Unsealed:
        """The record, encoded; a smaller one where it would make a line that is too long for readers."""
        unsealed = prepare(entry)
        size = len(unsealed.before) + len(unsealed.after)
        if size <= RECORD_BYTES:
            return unsealed
        logger.error("start %s: its record of %d bytes is cut to what fits", _receipt(entry) or "?", size)
        return prepare(smaller(entry))

    def standing(self) -> JournalStanding:
        """How the journal stands now."""
        stalled = self._stalled()
        state = JournalState.FAILING if self._failure else JournalState.WRITABLE
        return JournalStanding(
            state=JournalState.STALLED if stalled else state,
            reason=str(self._too_slow()) if stalled else self._failure,
            journal=self._store.link.journal,
            file=self._store.file.name,
            seq=self._store.link.seq - 1,
            appended=self._appended,
            refused=self._refused,
            lost=self._lost,
            late=self._late,
            last_fsync_s=self._store.last_fsync_s,
        )

    def _start_flush(self) -> None:
        if self._flushing is None:
            self._flushing = spawn(self._flush(), name="journal flush")

    async def _flush(self) -> None:
        try:
            while self._waiting or self._debts:
                batch, self._waiting = self._waiting, []
                # Whoever came meanwhile gets a try of their own: the failure may have passed.
                if not await self._flush_batch(batch) and not self._waiting:
                    break  # debts alone: `_pay` tries again
        finally:
            self._flushing = None

    async def _flush_batch(self, batch: list[_Waiter]) -> bool:
        """Whether the batch is on the disk. Everybody in it is told."""
        loop = asyncio.get_running_loop()
        self._writing_since_s = loop.time()
        try:
            owed = [prepare(record) for record in self._debts.take(self.now_ms())]
            await loop.run_in_executor(self._thread, self._store.commit, [*owed, *(one.unsealed for one in batch)])
        except Exception as failure:
            # Whatever it was: who waits is refused at once, and what is owed stays owed. RuntimeError: no thread can be
            # started any more.
            if not isinstance(failure, OSError | RuntimeError | JournalError):
                logger.error(
                    "writing the journal %s failed in a way that was not foreseen", self.folder, exc_info=failure
                )
            self._debts.unpaid()
            self._failed(batch, failure)
            return False
        finally:
            self._writing_since_s = None
        self._debts.paid()
        self._written(batch)
        # The last one is made by closing; then the thread may be gone, too.
        if self._store.checkpoint_is_due() and not self._closed:
            await loop.run_in_executor(self._thread, self._store.checkpoint)
        return True

    def _written(self, batch: Iterable[_Waiter]) -> None:
        self.fsyncs.note(self._store.last_fsync_s)
        if self._failure:
            logger.warning("the journal %s can be written again", self.folder)
            self._failure = ""
        for waiter in batch:
            self._appended += 1
            # Where the start went on without it, the record came in time after all: there is nothing to be said.
            if waiter.given_up and not waiter.goes_on:
                self._late += 1
                self._owe(Mark.LATE, waiter, "the disk answered after their starts had been refused")
            elif not waiter.done.done():
                waiter.done.set_result(None)

    def _failed(self, batch: Iterable[_Waiter], failure: Exception) -> None:
        reason = getattr(failure, "strerror", None) or failure
        text = f"the journal {self.folder} cannot be written: {reason}"
        # Once for each kind of failure: a full disk would fill the log of every refused start with the same line.
        if self._failure != text:
            logger.error("%s", text)
            self._failure = text
        self._refuse(batch, JournalError(text))

    def _refuse(self, waiters: Iterable[_Waiter], error: JournalError) -> None:
        """These records are not on the disk, and will not be."""
        for waiter in waiters:
            if waiter.goes_on:
                self._lost += 1
                logger.critical("start %s goes on without its record: %s", waiter.receipt or "?", error)
                self._owe(Mark.LOST, waiter, str(error))
            elif not waiter.given_up:
                self._refused += 1
            if not waiter.done.done():
                waiter.done.set_exception(error)
                waiter.done.exception()  # a waiter that was cancelled will not fetch it

    def _give_up(self, waiter: _Waiter) -> None:
        """The wait of a record ends. What is being written can't be taken back; what waits for its turn can."""
        if waiter.done.done():
            return
        if waiter in self._waiting:
            self._waiting.remove(waiter)
            self._refuse([waiter], self._too_slow())
            return
        waiter.given_up = True
        if not waiter.goes_on:
            self._refused += 1
        waiter.done.set_exception(JournalLate(str(self._too_slow())))

    def _stalled(self) -> bool:
        since_s = self._writing_since_s
        if since_s is None:
            return False
        return asyncio.get_running_loop().time() - since_s >= self._settings.append_limit_s

    def _too_slow(self) -> JournalError:
        limit_s = self._settings.append_limit_s
        text = f"the disk has not answered within {limit_s:g} s (journal.append_limit_s)"
        return JournalError(f"the journal {self.folder} cannot be written: {text}")

    def _owe(self, kind: Mark, waiter: _Waiter, reason: str) -> None:
        self._debts.owe(kind, waiter.receipt, self.now_ms(), reason)
        if self._paying is None and not self._closed:
            self._paying = spawn(self._pay(), name="journal debts")

    async def _pay(self) -> None:
        """Say what was lost as soon as anything can be written, though no start may come for hours."""
        try:
            while self._debts:
                await asyncio.sleep(self._retry_s)
                self._start_flush()
        finally:
            self._paying = None

    async def close(self) -> None:
        """Finish what is being written, for as long as a record may wait, and give the folder free. Closing twice is
        closing once."""
        if self._closed:
            return
        self._closed = True
        if self._paying is not None:
            self._paying.cancel()
        if self._debts:
            self._start_flush()
        finishing = asyncio.ensure_future(self._finish())
        _, still = await asyncio.wait([finishing], timeout=self._settings.append_limit_s)
        self._thread.shutdown(wait=False)
        if not still:
            finishing.result()
            return
        # The thread can't be ended, and what it writes must stay locked: both end with the process.
        finishing.cancel()
        logger.error("the journal %s is left while the disk does not answer", self.folder)

    async def _finish(self) -> None:
        if self._flushing is not None:
            await asyncio.wait([self._flushing])
        try:
            # There as well: a last checkpoint is written, and that disk may not answer either.
            await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        except RuntimeError:  # no thread can be started any more
            self._store.close()


def _receipt(entry: Mapping[str, Any]) -> str:
    ours = entry.get("startgate", {})
    return str(ours.get("receipt", "")) if isinstance(ours, Mapping) else ""


def open_journal(
    folder: Path,
    settings: JournalSettings | None = None,
    *,
    files: Files | None = None,
    now_ms: Callable[[], int] = _now_ms,
    retry_s: float = RETRY_S,
) -> Journal:
    """Open the journal in `folder`, made if missing (mode 0700), for this process alone.

    A last line that a crash cut short is moved to a file beside it, so that the journal holds whole records only.
    `retry_s`: how often it is tried to say what was lost, while no record comes.

    Raises:
        JournalError: the folder cannot be used, another process holds it, or what is in it is not to be gone on with.
    """
    wanted = settings or JournalSettings()
    store = open_store(folder, wanted, files or Files(), now_ms)
    return Journal(store, wanted, now_ms=now_ms, retry_s=retry_s)
