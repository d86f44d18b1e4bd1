"""Opens a journal folder: locked, looked over, mended, and gone on with where the last process stopped."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from proxy.errors import JournalError
from proxy.journal import marks
from proxy.journal.chain import genesis
from proxy.journal.entry import time_ms
from proxy.journal.files import Files
from proxy.journal.folder import FIRST_FILE, Lock, check_folder, check_regular, journal_files, take_lock
from proxy.journal.segment import Segment, open_segment
from proxy.journal.store import Store
from proxy.journal.tail import Tail, Torn, mend, read_tail
from proxy.settings import JournalSettings

logger = logging.getLogger(__name__)

# 128 bits: two journals never have the same name. 22 characters in base64url.
_ID_BYTES = 16


def open_store(folder: Path, settings: JournalSettings, files: Files, now_ms: Callable[[], int]) -> Store:
    """The journal in `folder`, made if missing.

    Its first record of this process is written at once if that is possible; on a full disk it stands before the first
    start that can be recorded.

    Raises:
        JournalError: the folder cannot be used, another process holds it, or what is in it is not to be gone on with.
    """
    try:
        _make(folder, files)
        notes = check_folder(folder)
        lock = take_lock(folder, files)
    except OSError as failure:
        raise JournalError(f"the journal folder {folder} cannot be used: {failure.strerror or failure}") from failure
    try:
        return _opened(folder, lock, notes, settings, files, now_ms)
    except BaseException:
        lock.release()
        raise


def _make(folder: Path, files: Files) -> None:
    """Make a folder that is not there, so that it is there after a crash, too: its name is in the folder around it, and
    with it all that it holds. Raises OSError."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for one in missing:
        files.sync_folder(one.parent)


def _opened(
    folder: Path, lock: Lock, notes: list[str], settings: JournalSettings, files: Files, now_ms: Callable[[], int]
) -> Store:
    path = folder / FIRST_FILE
    try:
        paths = journal_files(folder)
        check_regular(paths)
        # The last file alone can end in half a line: a new one is begun when the one before is whole.
        path = paths[-1] if paths else path
        segment, more = open_segment(path, files)
        try:
            torn = mend(path, segment.file, files)
            segment.size = files.status(segment.file).st_size
            files.sync_folder(folder)
            tail = read_tail(paths)
        except BaseException:
            segment.close()
            raise
    except OSError as failure:
        raise JournalError(f"the journal {path} cannot be opened: {failure.strerror or failure}") from failure
    return _gone_on_with(lock, segment, tail, torn, [*notes, *more], settings, files, now_ms)


def _gone_on_with(
    lock: Lock,
    segment: Segment,
    tail: Tail,
    torn: Torn | None,
    notes: list[str],
    settings: JournalSettings,
    files: Files,
    now_ms: Callable[[], int],
) -> Store:
    link = tail.chain.next if tail.chain is not None else genesis(secrets.token_urlsafe(_ID_BYTES))
    store = Store(lock, segment, link, settings=settings, files=files, now_ms=now_ms, latest_ms=_latest_ms(tail.time))
    for note in notes:
        logger.warning("%s", note)
    if torn is not None:
        logger.warning("a crash cut the last line of %s short; its %d bytes are in %s", *_told(segment, torn))
    before = "records" if tail.chain is not None else "records without a chain" if tail.holds_lines else "nothing"
    store.say(
        marks.opened(
            secrets.token_hex(16),
            now_ms(),
            file=segment.path.name,
            before=before,
            torn=asdict(torn) if torn is not None else None,
            notes=notes,
        )
    )
    try:
        store.commit([])
    except OSError as failure:
        # A gate that cannot record serves all the same: it refuses starts, and says why.
        logger.error("the journal %s cannot be written: %s", store.folder, failure.strerror or failure)
    return store


def _told(segment: Segment, torn: Torn) -> tuple[str, int, str]:
    return segment.path.name, torn.bytes, torn.kept_in


def _latest_ms(time: str) -> int:
    try:
        return time_ms(time)
    except ValueError:
        return 0
