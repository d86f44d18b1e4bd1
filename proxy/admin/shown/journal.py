"""The journal, its chain and its sinks."""

from dataclasses import dataclass

from proxy.journal.standing import JournalStanding


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFile:
    """One file of the folder."""

    name: str
    bytes: int
    first_time: str
    last_time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkRow:
    """One sink: how many records and bytes it is behind, how old the oldest of those is, and its last failure."""

    name: str
    kind: str
    lag_records: int
    lag_bytes: int
    lag_s: float | None
    rejected: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The last look at the chain that was asked for here; `state` is `never`, `running`, `sound`, `damaged` or
    `failed`. `findings` are texts with file and line."""

    state: str
    began: str
    took_s: float | None
    read_bytes: int
    total_bytes: int
    records: int
    findings: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """All of it. `standing` is None where the gate does not answer; `reason` then says why."""

    folder: str
    standing: JournalStanding | None
    reason: str
    files: tuple[JournalFile, ...]
    bytes: int
    sinks: tuple[SinkRow, ...]
    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportQuery:
    """What is downloaded: `form` is `jsonl` or `csv`; times as for starts."""

    form: str = "jsonl"
    since: str = ""
    until: str = ""
    user: str = ""
    job: str = ""
    index: str = ""
    verdict: str = ""
