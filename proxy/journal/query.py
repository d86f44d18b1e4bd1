"""What a reader asks of a journal: which kinds of records, of which time, user, job, index and result.

A question is answered on whole starts, whose records are joined. `needles` are texts that all stand in the
first record of a start that is asked for, or in its outcome: of a start without them nothing need be decoded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from proxy.journal.entry import Phase
from proxy.journal.start import Start


class Kind(StrEnum):
    """What a record is about."""

    START = "start"
    # A change to Startgate itself, its rules or its journal.
    ADMIN = "admin"
    # A call on a job that was passed on and not judged.
    OBSERVED = "observed"
    # Of a newer version.
    OTHER = "other"


class Result(StrEnum):
    """How a start ended for its caller. The last two go with others: what the rules said whatever came of it, and a
    job that was granted and failed."""

    GRANTED = "granted"
    PLANNED = "planned"
    EXPLAINED = "explained"
    DENIED = "denied"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    OPEN = "open"
    ALLOWED = "allowed"
    FAILED = "failed"


def kind_of(record: Any) -> Kind:  # noqa: ANN401 -- decoded JSON
    """The kind of a decoded line.

    Raises:
        ValueError: it is no record.
    """
    ours = record.get("startgate") if isinstance(record, Mapping) else None
    if not isinstance(ours, Mapping):
        raise ValueError("it has no object `startgate`")  # noqa: TRY004 -- wrong content, not a wrong argument
    if isinstance(ours.get("admin"), Mapping):
        return Kind.ADMIN
    if isinstance(ours.get("phase"), str) and isinstance(ours.get("receipt"), str):
        return Kind.START
    if isinstance(ours.get("observed"), Mapping):
        return Kind.OBSERVED
    # A later version's records have the frame that all have, and more.
    if isinstance(ours.get("format"), int) and isinstance(at(record, "event", "action"), str):
        return Kind.OTHER
    raise ValueError("it is of no kind that a journal has: it lacks `startgate.phase` or `startgate.receipt`")


def result(start: Start) -> Result:
    """How a start ended for its caller: `granted`, `denied` by the rules, `refused` for another reason, `unknown`, or
    `open` where its outcome is not recorded; `planned` or `explained` where that alone was asked for, and told."""
    if Phase.OUTCOME not in start.records:
        return Result.OPEN
    record = start.records[Phase.OUTCOME]
    outcome = at(record, "event", "outcome")
    if outcome == "failure":
        return Result.DENIED if at(record, "startgate", "verdict", "allowed") is False else Result.REFUSED
    if outcome != "success":
        return Result.UNKNOWN
    if at(record, "startgate", "plan_only") is True:
        return Result.PLANNED
    return Result.EXPLAINED if at(record, "startgate", "explain_only") is True else Result.GRANTED


def results(start: Start) -> frozenset[Result]:
    """Every result that a start may be asked for by."""
    found = {result(start)}
    if any(at(record, "startgate", "verdict", "allowed") is True for record in start.records.values()):
        found.add(Result.ALLOWED)
    if at(start.records.get(Phase.END, {}), "event", "outcome") == "failure":
        found.add(Result.FAILED)
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is asked for; `*` in it stands for any text."""

    text: str

    def takes(self, name: object) -> bool:
        """Whether a recorded name is one of those."""
        if "*" not in self.text:
            return name == self.text
        if not isinstance(name, str):
            return False
        # Not a regular expression: one with many `*` takes for ever over a name that nearly fits.
        first, *middle, last = self.text.split("*")
        at, end = len(first), len(name) - len(last)
        if at > end or not (name.startswith(first) and name.endswith(last)):
            return False
        for part in middle:
            found = name.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    @property
    def needle(self) -> bytes:
        """The longest text that stands in the line of every record with such a name; empty where there is none."""
        parts = msgspec.json.encode(self.text).split(b"*")
        # A quotation mark alone stands in every line.
        longest = max(parts, key=len)
        return longest if len(longest) > 1 else b""


# A start that is denied has an outcome alone, and one that had effects begins with its intent.
_RESULT_NEEDLES = {
    Result.DENIED: b'"outcome":"failure"',
    Result.OPEN: b'"phase":"intent"',
    Result.PLANNED: b'"plan_only":true',
    Result.EXPLAINED: b'"explain_only":true',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which starts are asked for; what is None or empty takes all. `since` and `until` (which is not in it) are times
    as records have them, `2026-01-31T09:00:00.000Z`."""

    since: str | None = None
    until: str | None = None
    user: Name | None = None
    job: Name | None = None
    index: Name | None = None
    results: frozenset[Result] = field(default=frozenset())

    def takes(self, start: Start) -> bool:
        """Whether a start is asked for. Its time is that of its outcome, as it is shown."""
        records = start.records.values()
        return (
            self.takes_time(start.told.get("@timestamp"))
            and all(any(map(takes, records)) for takes in (self._takes_user, self._takes_job, self._takes_index))
            and (not self.results or not self.results.isdisjoint(results(start)))
        )

    def takes_record(self, record: Mapping[str, Any]) -> bool:
        """Whether a record alone, of any kind, is asked for; results are those of starts."""
        return (
            self.takes_time(record.get("@timestamp"))
            and self._takes_user(record)
            and self._takes_job(record)
            and self._takes_index(record)
        )

    def takes_time(self, time: object) -> bool:
        """Whether a record's time is asked for; one that is no time is shown rather than lost."""
        if not isinstance(time, str):
            return True
        return (self.since is None or time >= self.since) and (self.until is None or time < self.until)

    def _takes_user(self, record: Mapping[str, Any]) -> bool:
        return self.user is None or any(self.user.takes(name) for name in users(record))

    def _takes_job(self, record: Mapping[str, Any]) -> bool:
        return self.job is None or any(self.job.takes(id) for id in jobs(record))

    def _takes_index(self, record: Mapping[str, Any]) -> bool:
        return self.index is None or any(self.index.takes(name) for name in indices(record))

    @property
    def needles(self) -> tuple[bytes, ...]:
        """All of these stand in the first record of a start that is asked for, or in its outcome."""
        asked = [name.needle for name in (self.user, self.job, self.index) if name is not None]
        if len(self.results) == 1:
            asked += [_RESULT_NEEDLES.get(one, b"") for one in self.results]
        return tuple(needle for needle in asked if needle)


def users(record: Mapping[str, Any]) -> Iterator[object]:
    """Every name that whoever asked has in a record: as the cluster knows them, and as the secondary identity."""
    yield at(record, "user", "name")
    for who in ("caller", "secondary"):
        yield at(record, "startgate", who, "name")


def jobs(record: Mapping[str, Any]) -> Iterator[object]:
    """The job's id in a record."""
    yield at(record, "startgate", "job", "id")


def indices(record: Mapping[str, Any]) -> Iterator[object]:
    """Every index that a record names: sources as they were asked for and as they were resolved, and destination."""
    yield at(record, "startgate", "job", "destination")
    yield at(record, "startgate", "destination", "index")
    for keys in (("job", "sources"), ("job", "source_indices"), ("destination", "source_indices")):
        names = at(record, "startgate", *keys)
        yield from names if isinstance(names, list) else ()


def at(record: Mapping[str, Any], *keys: str) -> Any:  # noqa: ANN401 -- a record is decoded JSON
    """The value under nested keys; None where a level is missing."""
    value: Any = record
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def part(record: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The object under nested keys; an empty one where there is none."""
    value = at(record, *keys)
    return value if isinstance(value, Mapping) else {}


def texts(record: Mapping[str, Any], *keys: str) -> list[str]:
    """The list under nested keys, each entry as a text; an empty one where there is none."""
    value = at(record, *keys)
    return [str(one) for one in value] if isinstance(value, list) else []


def parts(record: Mapping[str, Any], *keys: str) -> list[Mapping[str, Any]]:
    """The objects in the list under nested keys; anything else in it is left out."""
    value = at(record, *keys)
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
