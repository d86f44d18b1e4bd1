"""What the journal records about itself: administrative records, with the fields under `startgate.admin.journal`.

Values in, records out. `id`s are unique, `now_ms` is milliseconds since 1970.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from proxy.journal.chain import Chain
from proxy.journal.entry import administrative, cut, timestamp

# What the actions of all these records begin with.
JOURNAL_ACTIONS = "startgate-journal-"
# So many receipts of lost or late records are named; all are counted.
RECEIPTS_NAMED = 1000


class Mark(StrEnum):
    """The actions (`event.action`) of these records."""

    # The first record of a journal, and of every process that goes on with it.
    OPENED = "startgate-journal-opened"
    # The first record of every file but the first.
    ROTATED = "startgate-journal-rotated"
    # Before a file is deleted: what it held.
    RETIRED = "startgate-journal-retired"
    # Starts went on without their records (`journal.on_full: unsafe_continue`).
    LOST = "startgate-journal-lost"
    # Records came onto the disk after their starts had been refused for the lack of them.
    LATE = "startgate-journal-late"
    # The clock went back: `@timestamp` is not the order of records, `startgate.chain.seq` is.
    CLOCK = "startgate-journal-clock"


def mark(
    action: Mark, id: str, now_ms: int, fields: dict[str, Any], *, outcome: str = "success", reason: str = ""
) -> dict[str, Any]:
    """A record of the journal about itself."""
    record = administrative(action.value, id, now_ms, outcome=outcome, reason=reason)
    record["startgate"]["admin"] = {"journal": fields}
    return record


def opened(
    id: str, now_ms: int, *, file: str, before: str, torn: dict[str, Any] | None, notes: Sequence[str]
) -> dict[str, Any]:
    """A process goes on with the journal. `before` says what was there: `nothing`, `records` or `records without a
    chain`; `torn` is a line that a crash cut short, and `notes` what was mended or is to be said, in words."""
    fields: dict[str, Any] = {"file": file, "before": before}
    if torn is not None:
        fields["torn"] = torn
    if notes:
        fields["notes"] = [cut(note) for note in notes]
    return mark(Mark.OPENED, id, now_ms, fields)


def rotated(id: str, now_ms: int, *, file: str, after: str, size_bytes: int, reason: str) -> dict[str, Any]:
    """The journal goes on in `file` after the file `after`, of `size_bytes` bytes. `reason` is `size`, `age`, or what
    somebody did to the file before."""
    meddled = reason not in ("size", "age")
    fields = {"file": file, "after": after, "after_bytes": size_bytes, "why": cut(reason)}
    return mark(
        Mark.ROTATED, id, now_ms, fields, outcome="failure" if meddled else "success", reason=reason if meddled else ""
    )


def retired(
    id: str, now_ms: int, *, file: str, size_bytes: int, first: Chain | None, last: Chain | None, reason: str
) -> dict[str, Any]:
    """A file is about to be deleted: `first` and `last` are the places of its records in the chain, None for a file
    from before the chain."""
    fields: dict[str, Any] = {"file": file, "bytes": size_bytes, "why": reason}
    for name, chain in (("first", first), ("last", last)):
        if chain is not None:
            fields |= {f"{name}_seq": chain.seq, f"{name}_hash": chain.hash}
    return mark(Mark.RETIRED, id, now_ms, fields)


def missing(
    action: Mark, id: str, now_ms: int, *, count: int, receipts: Sequence[str], since_ms: int, reason: str
) -> dict[str, Any]:
    """Records that were lost, or came late: how many, of which receipts (`RECEIPTS_NAMED` at most), since when."""
    fields: dict[str, Any] = {"records": count, "receipts": list(receipts), "since": timestamp(since_ms)}
    return mark(action, id, now_ms, fields, outcome="failure" if action is Mark.LOST else "unknown", reason=cut(reason))


def clock_went_back(id: str, now_ms: int, before_ms: int) -> dict[str, Any]:
    """The clock says an earlier time than it did before."""
    return mark(Mark.CLOCK, id, now_ms, {"before": timestamp(before_ms), "after": timestamp(now_ms)}, outcome="unknown")
