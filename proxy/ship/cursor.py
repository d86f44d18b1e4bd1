"""How far each sink has come, in `cursor-<sink>.json` beside the journal; and who may move it.

The file is written beside and renamed (rename(2) is atomic), so that it is whole whenever somebody looks. Retention
reads it, too: what no cursor has passed is not deleted. It goes back, never forward: a cursor that is lost or broken
begins anew, and the sink gets again what it has.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from proxy.errors import JournalError
from proxy.journal.files import Files
from proxy.ship.model import Cursor

logger = logging.getLogger(__name__)

# A cursor has some 250 bytes; far beyond, it is something else.
_LIMIT_BYTES = 64 * 1024


def cursor_path(folder: Path, sink: str) -> Path:
    """The file of a sink's cursor."""
    return folder / f"cursor-{sink}.json"


def load(folder: Path, sink: str) -> Cursor | None:
    """The cursor of a sink; None where there is none, or none that can be used, which is logged.

    Raises:
        JournalError: it cannot be read, which may pass: to begin anew for that would be wrong.
    """
    path = cursor_path(folder, sink)
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT_BYTES)
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise JournalError(f"{path} cannot be read: {failure.strerror or failure}") from failure
    try:
        found = msgspec.json.decode(text, type=Cursor)
    except (msgspec.MsgspecError, UnicodeDecodeError) as failure:
        logger.error("%s is no cursor (%s): the sink gets the journal from its beginning", path, failure)
        return None
    if found.offset < 0 or found.seq < 0 or Path(found.file).name != found.file:
        logger.error("%s is no cursor: the sink gets the journal from its beginning", path)
        return None
    return found


def save(folder: Path, sink: str, cursor: Cursor) -> None:
    """Put a sink's cursor where it is, on the disk.

    Raises:
        JournalError: it cannot be written; the one before holds.
    """
    path = cursor_path(folder, sink)
    draft = path.with_suffix(".json.new")
    try:
        # Left behind by a crash, or a link that somebody put there: neither is written through.
        with suppress(FileNotFoundError):
            draft.unlink()
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "wb") as out:
            out.write(msgspec.json.encode(cursor) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
        Files().sync_folder(folder)
    except OSError as failure:
        raise JournalError(f"{path} cannot be written: {failure.strerror or failure}") from failure


@contextmanager
def held(folder: Path, sink: str) -> Iterator[bool]:
    """The right to move a sink's cursor, for as long as the block lasts: two that ship would undo each other's steps.

    Gives False where another process has it.

    Raises:
        JournalError: the folder cannot be used.
    """
    path = folder / f"cursor-{sink}.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as failure:
        raise JournalError(f"{path} cannot be used: {failure.strerror or failure}") from failure
    try:
        yield _locked(lock)
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
