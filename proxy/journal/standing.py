"""How the journal stands: a snapshot for whoever asks, such as the control API and metrics."""

from dataclasses import dataclass
from enum import StrEnum


class JournalState(StrEnum):
    """Whether starts can be recorded, as of the last record."""

    WRITABLE = "writable"
    # The last batch of records could not be written.
    FAILING = "failing"
    # The disk has not answered for longer than `journal.append_limit_s`.
    STALLED = "stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStanding:
    """Counts are of this process: records that are durable (`appended`), that were refused (`refused`), whose starts
    went on without them (`lost`), and that became durable after they had been refused (`late`).

    `last_fsync_s` is how long the last fsync took; `reason` is why nothing can be written, empty where it can; `file`
    is the file that is written to, `seq` the number of its last record.
    """

    state: JournalState
    reason: str
    journal: str
    file: str
    seq: int
    appended: int
    refused: int
    lost: int
    late: int
    last_fsync_s: float
