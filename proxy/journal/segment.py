"""The file that a journal grows in: whole batches at its end, each on the disk or not there at all."""

import contextlib
import errno
import time
from pathlib import Path

from proxy.journal.files import APPENDED, NEW, Files, same, write_all
from proxy.journal.folder import make_private


class Segment:
    """One open file. Everything here is called by one thread at a time."""

    def __init__(self, path: Path, file: int, files: Files) -> None:
        self.path = path
        self.file = file
        self._mine = files.status(file)
        self.size = self._mine.st_size
        # How long the last fsync took, in seconds; 0 where there was none.
        self.last_sync_s = 0.0
        self._files = files
        # Whether something may lie behind `size` that was refused.
        self._torn = False

    def write(self, data: bytes) -> None:
        """Append and fsync; what a failure left behind is cut off before the next batch, never joined to it.

        Raises:
            OSError: nothing of `data` counts as written.
        """
        if self._torn:
            self._files.truncate(self.file, self.size)
        self._torn = True
        try:
            write_all(self._files, self.file, data)
            self.sync()
        except OSError:
            # At once if possible, so that no reader takes for recorded what was refused.
            with contextlib.suppress(OSError):
                self._files.truncate(self.file, self.size)
            raise
        self._torn = False
        self.size += len(data)

    def trim(self) -> None:
        """Cut off what a failure left behind, durably, before the journal goes on in another file.

        Raises OSError: it is there still, or may come back.
        """
        if self._torn:
            self._files.truncate(self.file, self.size)
            self.sync()
            self._torn = False

    def sync(self) -> None:
        """Fsync, and note how long it took. Raises OSError."""
        begun_s = time.monotonic()
        self._files.sync(self.file)
        self.last_sync_s = time.monotonic() - begun_s

    def wrong(self) -> str:
        """What somebody did to the file; empty where it is as it was left.

        The open file must still be the one that is named: what is written to a deleted file is nobody's record. And a
        file that somebody else cut or wrote to holds less or more than was recorded. Raises OSError.
        """
        try:
            # One call for both: each gives the interpreter away, and waits until it is back.
            named = self._files.named(self.path)
        except FileNotFoundError:
            return f"{self.path.name} was removed while in use"
        if not same(self._mine, named):
            return f"{self.path.name} was replaced while in use"
        if named.st_size != self.size and not self._torn:
            return f"{self.path.name} was changed by somebody else while in use"
        return ""

    def close(self) -> None:
        """Give the file back."""
        self._files.close(self.file)


def open_segment(path: Path, files: Files) -> tuple[Segment, list[str]]:
    """Open a journal's file, made if missing, and what is to be said of it. Raises OSError."""
    file = files.open(path, APPENDED)
    try:
        return Segment(path, file, files), make_private(path, file)
    except OSError:
        files.close(file)
        raise


def new_segment(path: Path, head: bytes, files: Files) -> Segment:
    """Make a file with its first line, both on the disk when this returns.

    Raises:
        OSError: there is such a file (EEXIST), or it cannot be made. Then nothing is left of it; LeftOver: it cannot be
            removed either.
    """
    file = files.open(path, NEW)
    segment = Segment(path, file, files)
    try:
        segment.write(head)
        files.sync_folder(path.parent)
    except OSError as failure:
        files.close(file)
        try:
            files.remove(path)
        except OSError:
            raise LeftOver(failure.errno, failure.strerror) from failure
        raise
    return segment


class LeftOver(OSError):
    """A new file that could not be made whole is there still. It may hold a record with the number of the next one, so
    that nothing must be recorded before it is gone."""


def meddled(text: str) -> OSError:
    """The error of a file that somebody else changed, removed or replaced."""
    return OSError(errno.ESTALE, text)
