"""What a check of a journal may find, in values and in words."""

from dataclasses import dataclass, replace
from enum import StrEnum


class What(StrEnum):
    """What was found."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"
    ORDER = "out of order"
    CUT = "cut short"
    JOURNAL = "of another journal"
    TORN = "torn tail"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong at lines `line` to `last_line` of a file (0: the file as a whole). `first_seq` to
    `last_seq` are the sequence numbers that it is about; None where the lines tell none."""

    what: What
    path: str
    line: int
    why: str
    first_seq: int | None = None
    last_seq: int | None = None
    last_line: int = 0

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        lines = f"-{self.last_line}" if self.last_line > self.line else ""
        return f"{where}{lines}: {self.what}{_numbers(self.first_seq, self.last_seq)}: {self.why}"


def _numbers(first: int | None, last: int | None) -> str:
    if first is None:
        return ""
    return f", seq {first}" if last in (None, first) else f", seq {first}-{last}"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A record's hash that was kept elsewhere; `source` says where, for the text. `journal` is None where it is not
    known."""

    seq: int
    hash: str
    source: str
    journal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What came of it. `records` are those with a place in the chain, `before` those from before it, `retired` those
    whose deletion is on record, and `unproven` those of which that record stands behind all anchors: whoever can write
    the folder could have written it, too. `head` is the last whole record. `more` findings were left out."""

    records: int
    before: int
    retired: int
    unproven: int
    files: int
    anchors: int
    journal: str | None
    head: Anchor | None
    findings: tuple[Finding, ...]
    more: int = 0

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def joined(last: Finding, new: Finding) -> Finding | None:
    """Two findings of one kind in a row as one; None where they are not in a row."""
    alike = (last.what, last.path, last.why) == (new.what, new.path, new.why) and new.line == last.last_line + 1
    if not alike or (last.last_seq is None) != (new.first_seq is None):
        return None
    if last.last_seq is not None and new.first_seq != last.last_seq + 1:
        return None
    return replace(last, last_line=new.line, last_seq=new.last_seq)
