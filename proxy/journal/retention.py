"""Deletes old files of the journal, where that is wanted: by their number and by their age, from the oldest on.

Rules of this file:
1. By default nothing is deleted.
2. What is not shipped to every sink is not deleted; without a sink, nothing is.
3. A file that holds a record of a start that is not finished is not deleted: the next process needs it.
4. Before a file goes, a record says what it held, on the disk: `verify` takes a beginning that is missing for retired
   only by that.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from proxy.errors import JournalError
from proxy.journal import marks
from proxy.journal.chain import Chain, place
from proxy.journal.entry import time_ms
from proxy.journal.files import Files
from proxy.journal.folder import journal_files
from proxy.journal.read import unfinished
from proxy.journal.shipped import shipped
from proxy.journal.writer import Journal
from proxy.settings import JournalSettings
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# Files become old, and are shipped, in hours and minutes; a look costs some system calls.
LOOK_S = 60.0
# Where a start that is under way for days keeps the oldest file, each look reads all of the journal, and starts wait
# for the interpreter meanwhile: looking takes this part of the time at most.
LOOKING = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """A file that may be deleted: why (`files` or `age`), its size, and the places of its first and last record in the
    chain, None where it has none."""

    path: Path
    why: str
    size_bytes: int
    first: Chain | None
    last: Chain | None


class _Ours(msgspec.Struct):
    receipt: str = ""


class _Record(msgspec.Struct):
    startgate: _Ours
    time: str = msgspec.field(name="@timestamp", default="")


_decoder = msgspec.json.Decoder(_Record)


def old_files(folder: Path, settings: JournalSettings, sinks: Collection[str], now_ms: int) -> tuple[Old, ...]:
    """What may be deleted now, oldest first. `sinks` are the names of all that the journal is shipped to.

    Raises:
        OSError: a file cannot be read; JournalError: as `unfinished`.
    """
    at = shipped(folder, sinks)
    if not at:
        return ()
    # Never the last one: that is written to.
    *paths, _ = journal_files(folder) or [folder]
    found = []
    for index, path in enumerate(paths):
        one = _old(path, len(paths) + 1 - index, settings, now_ms)
        last_seq = one.last.seq if one is not None and one.last is not None else None
        # A gap in the middle would be no journal with a beginning retired: the first that stays keeps all after it.
        if one is None or not all(sink.has(path.name, last_seq) for sink in at):
            break
        found.append(one)
    return _finished(folder, found)


def _old(path: Path, left: int, settings: JournalSettings, now_ms: int) -> Old | None:
    """The file, where it is too many (`left` files from it on) or too old."""
    too_many = bool(settings.retain_files) and left > settings.retain_files
    if not too_many and not settings.retain_age_s:
        return None
    first = last = None
    time = ""
    for line, record in _records(path):
        time = record.time or time
        chain = place(line)
        first, last = first or chain, chain or last
    if not too_many and not _is_past(time, settings.retain_age_s, now_ms):
        return None
    why = "files" if too_many else "age"
    return Old(path=path, why=why, size_bytes=path.stat().st_size, first=first, last=last)


def _records(path: Path) -> Iterator[tuple[bytes, _Record]]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield line, _decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue  # said by whoever reads or verifies the journal


def _is_past(time: str, age_s: float, now_ms: int) -> bool:
    try:
        return now_ms - time_ms(time) >= age_s * 1000
    except ValueError:
        return False  # of no known age


def _finished(folder: Path, found: list[Old]) -> tuple[Old, ...]:
    """Those up to the first that holds a record of a start which is not finished."""
    if not found:
        return ()
    # Reads all of the journal, in a thread, and only where there is something to delete.
    needed = {start.receipt for start in unfinished(folder)}
    kept = []
    for one in found:
        if any(record.startgate.receipt in needed for _, record in _records(one.path)):
            break
        kept.append(one)
    return tuple(kept)


async def retire(
    journal: Journal,
    settings: JournalSettings,
    sinks: Collection[str],
    *,
    now_ms: int,
    files: Files | None = None,
    told: set[str] | None = None,
) -> int:
    """Delete what may be deleted now; how many files that was. `told` names those whose deletion is on record already;
    what is recorded now is added.

    Raises:
        OSError, JournalError: the journal cannot be read or written; no file went without its record.
    """
    disk, told = files or Files(), set() if told is None else told
    found = await asyncio.to_thread(old_files, journal.folder, settings, sinks, now_ms)
    for one in found:
        # Before, not after: a crash in between leaves a file that is on record as gone, which harms nobody. The other
        # way round it would leave a gap that looks like an attack.
        if one.path.name not in told:
            await journal.append(_retired(one, now_ms), for_certain=True)
            told.add(one.path.name)
        await asyncio.to_thread(disk.remove, one.path)
        logger.info("the journal's file %s is retired (%s)", one.path, one.why)
    if found:
        await asyncio.to_thread(disk.sync_folder, journal.folder)
    return len(found)


def _retired(one: Old, now_ms: int) -> dict[str, object]:
    return marks.retired(
        secrets.token_hex(16),
        now_ms,
        file=one.path.name,
        size_bytes=one.size_bytes,
        first=one.first,
        last=one.last,
        reason=one.why,
    )


async def keep_retiring(
    journal: Journal,
    settings: JournalSettings,
    sinks: Collection[str],
    *,
    look_s: float = LOOK_S,
    files: Files | None = None,
) -> None:
    """Delete what is old and shipped, until cancelled; nothing where no bound is set or there is no sink."""
    loop = asyncio.get_running_loop()
    # A file that cannot be removed, as one that was made immutable, is not recorded anew with every look.
    told: set[str] = set()
    while sinks and (settings.retain_files or settings.retain_age_s):
        began_s = loop.time()
        try:
            await retire(journal, settings, sinks, now_ms=journal.now_ms(), files=files, told=told)
        except (OSError, JournalError) as failure:
            logger.error("old files of the journal %s are not deleted: %s", journal.folder, failure)
        await asyncio.sleep(max(look_s, (loop.time() - began_s) / LOOKING))


@asynccontextmanager
async def retiring(journal: Journal, settings: JournalSettings, sinks: Collection[str]) -> AsyncIterator[None]:
    """Delete what is old and shipped meanwhile, in the background. `sinks` are the names of all sinks."""
    task = spawn(keep_retiring(journal, settings, sinks), name="retire files of the journal")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
