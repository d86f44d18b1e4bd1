"""The journal on the disk: batches of records in, each batch durable or refused as a whole.

Rules of this file: it runs in the journal's own thread, one call at a time; the chain goes on from a record only once
that record is on the disk; a new file is begun only when the one before is whole.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from proxy.journal import marks
from proxy.journal.chain import Link, Unsealed, prepare, put
from proxy.journal.checkpoints import Checkpoints
from proxy.journal.entry import time_ms
from proxy.journal.files import Files
from proxy.journal.folder import Lock, file_name, file_number, journal_files
from proxy.journal.segment import LeftOver, Segment, meddled, new_segment
from proxy.settings import JournalSettings

logger = logging.getLogger(__name__)

# Smaller steps back are what correcting a clock takes (NTP steps from 128 ms on), and order records no worse than the
# time between making a record and writing it.
CLOCK_BACK_MS = 1000
# Whether the lock still keeps others out is looked at so often; the file itself at each batch.
LOCK_LOOK_MS = 1000


class Store:
    """An open journal, locked for this process. `opening.open_store` makes one."""

    def __init__(
        self,
        lock: Lock,
        segment: Segment,
        link: Link,
        *,
        settings: JournalSettings,
        files: Files,
        now_ms: Callable[[], int],
        latest_ms: int,
    ) -> None:
        """`link` is the next place; `latest_ms` the time of the last record, 0 where there is none."""
        self.folder = segment.path.parent
        self.link = link
        self._lock = lock
        self._segment = segment
        self._settings = settings
        self._files = files
        self._now_ms = now_ms
        self._latest_ms = latest_ms
        self._begun_ms = _begun_ms(segment.path) or now_ms()
        # The journal's own records that are to stand before the next batch.
        self._due: list[Unsealed] = []
        # What somebody did to the files and was told of once already.
        self._noticed = ""
        self._looked_ms = now_ms()
        self._cannot_rotate = False
        self._left_over: Path | None = None
        key, every = settings.checkpoint_key, settings.checkpoint_every_records
        self._checkpoints = Checkpoints(self.folder, key, every, link.seq - 1, files)

    @property
    def file(self) -> Path:
        """The file that is written to."""
        return self._segment.path

    @property
    def last_fsync_s(self) -> float:
        """How long the last fsync of that file took, in seconds."""
        return self._segment.last_sync_s

    def say(self, record: dict[str, object]) -> None:
        """Put a record of the journal's own before the next batch."""
        self._due.append(prepare(record))

    def commit(self, batch: Sequence[Unsealed]) -> None:
        """Append a batch; it is on the disk when this returns.

        Raises:
            OSError, JournalError: nothing of the batch is recorded.
        """
        now_ms = self._now_ms()
        self._clear_up()
        self._go_on_in_place(now_ms)
        self._rotate_if_due(now_ms)
        if now_ms < self._latest_ms - CLOCK_BACK_MS:
            self.say(marks.clock_went_back(_id(), now_ms, self._latest_ms))
        # Set in any case: one step back is one note.
        self._latest_ms = now_ms
        lines, link = [], self.link
        for unsealed in (*self._due, *batch):
            line, link = put(unsealed, link)
            lines.append(line)
        if not lines:
            return
        # One write for the batch: of a crash in the middle, a part that ends in half a line is what is left.
        self._segment.write(b"".join(lines))
        # Only now: a batch that failed leaves no gap, and its numbers are given again.
        self.link = link
        self._due.clear()

    def _clear_up(self) -> None:
        """Remove what is left of a file that could not be begun. Raises OSError."""
        if self._left_over is not None:
            with suppress(FileNotFoundError):
                self._files.remove(self._left_over)
            self._files.sync_folder(self.folder)
            self._left_over = None

    def _go_on_in_place(self, now_ms: int) -> None:
        """Whoever waits when a file turns out to be taken away is refused: it is said once. After that the journal goes
        on in a new file, whose first record says why."""
        wrong = self._segment.wrong() or self._lock_wrong(now_ms)
        if not wrong:
            self._noticed = ""
            return
        if not self._noticed:
            self._noticed = wrong
            raise meddled(wrong)
        try:
            self._lock.retake()
            self._rotate(wrong, now_ms)
        except OSError as failure:
            raise meddled(f"{wrong}, and no other can be begun: {failure.strerror or failure}") from failure
        logger.error("%s; the journal goes on in %s", wrong, self.file)
        self._noticed = ""

    def _lock_wrong(self, now_ms: int) -> str:
        if not self._noticed and 0 <= now_ms - self._looked_ms < LOCK_LOOK_MS:
            return ""
        self._looked_ms = now_ms
        return self._lock.wrong()

    def _rotate_if_due(self, now_ms: int) -> None:
        rotate = self._settings
        if self._segment.size >= rotate.rotate_size_bytes:
            why = "size"
        elif self._segment.size and rotate.rotate_age_s and now_ms - self._begun_ms >= rotate.rotate_age_s * 1000:
            why = "age"
        else:
            return
        try:
            self._rotate(why, now_ms)
        except LeftOver:
            raise
        except OSError as failure:
            # Too long a file is a lesser evil than no starts. Said once, not at every batch.
            if not self._cannot_rotate:
                logger.error("no file can be begun after %s: %s", self.file, failure.strerror or failure)
            self._cannot_rotate = True
        else:
            self._cannot_rotate = False

    def _rotate(self, why: str, now_ms: int) -> None:
        before = self._segment
        # Never a name that is there: whatever it is, it is not written to.
        taken = (file_number(path.name) or 0 for path in [before.path, *journal_files(self.folder)])
        path = self.folder / file_name(max(taken) + 1)
        record = marks.rotated(
            _id(), now_ms, file=path.name, after=before.path.name, size_bytes=before.size, reason=why
        )
        head, link = put(prepare(record), self.link)
        # What was refused must not stay behind: its number is given again, in the next file.
        before.trim()
        try:
            self._segment = new_segment(path, head, self._files)
        except LeftOver:
            self._left_over = path
            raise
        self.link, self._begun_ms = link, now_ms
        before.close()

    def checkpoint(self, *, at_end: bool = False) -> None:
        """Sign the last record, if it is time for that."""
        if self._checkpoints.due(self.link, at_end=at_end):
            self._checkpoints.write(self.link, self._now_ms())

    def checkpoint_is_due(self) -> bool:
        """Whether `checkpoint` would do anything."""
        return self._checkpoints.due(self.link)

    def close(self) -> None:
        """Give the files and the folder free."""
        self.checkpoint(at_end=True)
        self._segment.close()
        self._lock.release()


def _id() -> str:
    return secrets.token_hex(16)


def _begun_ms(path: Path) -> int | None:
    """The time of a file's first record in milliseconds since 1970; None where it tells none."""
    with path.open("rb") as file:
        line = file.readline()
    try:
        return time_ms(msgspec.json.decode(line)["@timestamp"])
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError):
        return None
