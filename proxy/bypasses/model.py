"""What the comparison of journal and cluster is made of. All times are milliseconds since 1970, in UTC."""

from dataclasses import dataclass, field
from enum import StrEnum

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A start on record that the cluster may have taken.

    `granted`: it said so; else nobody knows. `begun_ms` is when it arrived, `told_ms` when its outcome was recorded and
    `ended_ms` when its job was seen at rest again, both None where that is not on record. `create_time` is the job's,
    None where an incomplete record has none.
    """

    receipt: str
    job: str
    create_time: int | None
    granted: bool
    begun_ms: int
    told_ms: int | None
    ended_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """Where what is known of a journal begins: the time of its first record, and whether that is the first there ever
    was; else older ones were retired."""

    ms: int
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Everything on record. In the spans of `lost`, starts went on without their records."""

    starts: tuple[Meant, ...] = ()
    lost: tuple[Span, ...] = ()
    beginnings: tuple[Beginning, ...] = ()

    @property
    def from_ms(self) -> int | None:
        """From when on every start is on record; None where there is no record at all.

        A journal that begins with its first record was made for a gate that was not there before. Of one whose oldest
        records were retired, nothing can be said before the oldest that is left.
        """
        if not self.beginnings:
            return None
        retired = [one.ms for one in self.beginnings if not one.first]
        return max(min(one.ms for one in self.beginnings), max(retired, default=0))


class Kind(StrEnum):
    """What a finding is about."""

    # The cluster says that the job was started, and no record of a start can be of that.
    PAST_THE_GATE = "past the gate"
    # The job runs, or has run, and no start of it is on record.
    NOT_ON_RECORD = "not on record"
    # The record says that the cluster took the start, and the cluster has no trace of it.
    NOT_HEARD_OF = "not heard of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that one side knows and the other does not. `at` is a time in RFC 3339, empty where it is not known;
    `source` is who said so; `receipt` the start's, empty where there is none on record."""

    kind: Kind
    job: str
    at: str
    source: str
    text: str
    receipt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Something that was asked: whether it could be read, and what it said, or why it could not be. Without one that is
    `needed`, starts past the gate may remain unseen."""

    name: str
    read: bool
    text: str
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a look. `since` and `until` are the time that was judged, in RFC 3339; both empty where nothing
    could be."""

    findings: tuple[Finding, ...] = ()
    sources: tuple[Source, ...] = ()
    notes: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    unread: tuple[str, ...] = field(default=())
