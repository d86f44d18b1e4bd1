"""What shipping speaks of: records on their way, what a sink took of them, how far behind it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from proxy.errors import StartgateError


class SinkFailure(StartgateError):
    """A sink does not take records at the moment. Nothing is lost: they are sent again. The text is for operators."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a sink has come: what is before `offset` of `file` is behind it.

    `journal`, `seq` and `hash` are of the last record before that which has a place in the chain; empty and 0 where
    none has. `file` is a name in the journal's folder.
    """

    file: str
    offset: int = 0
    seq: int = 0
    hash: str = ""
    journal: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal on its way, without its newline.

    `id` is the same whenever and by whomever it is made of the same line. `seq` is 0 for a record of a version before
    the chain. `after` is where the cursor stands once the record is settled. `fault` says why the line is no record,
    and is empty where it is one.
    """

    line: bytes
    id: str
    seq: int
    after: Cursor
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that a sink will never take, and why, in the sink's words."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: its first `count` records are settled, and need not be sent again.

    Of these, `rejected` are the ones that the sink will never take. `trouble` says why not all were settled.
    """

    count: int
    rejected: tuple[Rejection, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far a sink is behind the journal. `seconds` is the age of the oldest record that it does not have."""

    records: int = 0
    seconds: float = 0.0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A sink at one moment. `accepted` and `rejected` count since the process began; `trouble` is empty while all is
    well."""

    sink: str
    lag: Lag
    accepted: int = 0
    rejected: int = 0
    failures: int = 0
    trouble: str = ""


class Sink(Protocol):
    """Where records go."""

    @property
    def name(self) -> str:
        """The name of its cursor, and in log lines."""
        ...

    async def send(self, records: Sequence[Record]) -> Taken:
        """Hand over records in the order of the journal, at least one; may be cancelled at any moment.

        Raises:
            SinkFailure: none of them is known to be there.
        """
        ...

    async def close(self) -> None:
        """Give everything free at once, whatever state the other side is in."""
        ...
