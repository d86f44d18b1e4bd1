"""Appends records to the journal durably: a record is on disk before `append` returns.

The file is `starts-000001.jsonl` in the journal's folder, one JSON object a line, mode 0600. One process holds the
folder by an exclusive lock. Records that arrive while an fsync is under way share the next one (group commit).
"""

import asyncio
import contextlib
import errno
import fcntl
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from proxy.errors import JournalError
from proxy.journal.entry import encode
from proxy.tasks import spawn

FILE_PATTERN = "starts-*.jsonl"
FIRST_FILE = "starts-000001.jsonl"
LOCK_FILE = "lock"


class Journal:
    """The open journal of this process. Make it with `open_journal`."""

    def __init__(self, folder: Path, lock: int, file: int) -> None:
        self.folder = folder
        self._lock = lock
        self._file = file
        self._size = os.fstat(file).st_size
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        self._torn = False
        # A thread of its own: in a shared pool an fsync would wait behind whatever else is slow there.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")

    async def append(self, entry: Mapping[str, Any]) -> None:
        """Append one record; returns when it is on disk.

        Raises:
            JournalError: the record is not durable; whatever needed it must not happen.
        """
        if self._closed:
            raise JournalError(f"the journal {self.folder} is closed")
        try:
            line = encode(entry)
        except (TypeError, ValueError) as failure:  # ValueError: UnicodeEncodeError, too
            raise JournalError(f"a record cannot be written as JSON: {failure}") from failure
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((line, done))
        if self._flushing is None:
            self._flushing = spawn(self._flush(), name="journal flush")
        # A caller that is cancelled does not take the record back: it may be half written already.
        await done

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._flush_batch(batch)
        finally:
            self._flushing = None

    async def _flush_batch(self, batch: list[tuple[bytes, asyncio.Future[None]]]) -> None:
        data = b"".join(line for line, _ in batch)
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, data)
        except (OSError, RuntimeError) as failure:  # RuntimeError: no thread can be started any more
            reason = getattr(failure, "strerror", None) or failure
            error = JournalError(f"the journal {self.folder} cannot be written: {reason}")
            for _, done in batch:
                if not done.done():
                    done.set_exception(error)
                    done.exception()  # a waiter that was cancelled will not fetch it
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    def _write(self, data: bytes) -> None:
        """Write and fsync; what a failure left behind is cut off before the next record, never joined to it."""
        self._check_in_place()
        if self._torn:
            os.ftruncate(self._file, self._size)
        self._torn = True
        try:
            _write_all(self._file, data)
            os.fsync(self._file)
        except OSError:
            # At once if possible, so that no reader takes for recorded what was refused.
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise
        self._torn = False
        self._size += len(data)

    def _check_in_place(self) -> None:
        """The open file must still be the one that is named, and as it was left: what is written to a deleted file is
        nobody's record, and a file that somebody else cut or wrote to holds less or more than was recorded."""
        mine = os.fstat(self._file)
        if mine.st_size != self._size and not self._torn:
            raise OSError(errno.ESTALE, f"{FIRST_FILE} was changed by somebody else while in use")
        try:
            named = (self.folder / FIRST_FILE).stat()
        except FileNotFoundError:
            raise OSError(errno.ESTALE, f"{FIRST_FILE} was removed while in use") from None
        if (mine.st_dev, mine.st_ino) != (named.st_dev, named.st_ino):
            raise OSError(errno.ESTALE, f"{FIRST_FILE} was replaced while in use")

    async def close(self) -> None:
        """Finish what is being written and give the folder free. Closing twice is closing once."""
        if self._closed:
            return
        self._closed = True
        if self._flushing is not None:
            await self._flushing
        self._thread.shutdown()
        os.close(self._file)
        os.close(self._lock)


def open_journal(folder: Path) -> Journal:
    """Open the journal in `folder`, made if missing (mode 0700), for this process alone.

    A last line that a crash cut short is moved to a file beside it, so that the journal holds whole records only.

    Raises:
        JournalError: the folder cannot be used, or another process holds it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _take_lock(folder)
    except OSError as failure:
        raise JournalError(f"the journal folder {folder} cannot be used: {failure.strerror or failure}") from failure
    try:
        file = os.open(folder / FIRST_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        _mend_torn_line(folder, file)
        _sync_folder(folder)
    except OSError as failure:
        os.close(lock)
        raise JournalError(
            f"the journal {folder / FIRST_FILE} cannot be opened: {failure.strerror or failure}"
        ) from failure
    return Journal(folder, lock, file)


def _take_lock(folder: Path) -> int:
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise JournalError(
            f"the journal folder {folder} is in use by another process; each gate needs a folder of its own"
        ) from None
    return lock


def _mend_torn_line(folder: Path, file: int) -> None:
    size = os.fstat(file).st_size
    keep = _end_of_last_line(file, size)
    if keep == size:
        return
    torn = os.pread(file, size - keep, keep)
    # Appended: a journal can be cut short at the same place more than once.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    beside = os.open(folder / f"{FIRST_FILE}.torn-at-{keep}", flags, 0o600)
    try:
        _write_all(beside, torn)
        os.fsync(beside)
    finally:
        os.close(beside)
    os.ftruncate(file, keep)
    os.fsync(file)


def _write_all(file: int, data: bytes) -> None:
    """A full disk takes a part without an error first (write(2))."""
    written = 0
    while written < len(data):
        written += os.write(file, data[written:])


def _end_of_last_line(file: int, size: int, block: int = 64 * 1024) -> int:
    """The offset just after the last newline, looking back from the end one block at a time."""
    end = size
    while end:
        start = max(0, end - block)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _sync_folder(folder: Path) -> None:
    """A new file is only found again after a crash if its folder is on disk too (fsync(2))."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
