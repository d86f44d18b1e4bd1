"""How the journal's records are printed: as tables, as lines of JSON as they stand in the journal, and as CSV."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import IO, Protocol

from proxy import audit
from proxy.commands.common import print_lines
from proxy.journal.events import Event
from proxy.journal.query import at
from proxy.journal.scan import Found
from proxy.journal.start import Start
from proxy.text import plain

# With these a spreadsheet takes a cell for a formula (OWASP, "CSV Injection"), full-width forms included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
START_COLUMNS = (
    *("time", "receipt", "result", "status", "user", "realm", "secondary_user", "job", "analysis", "sources"),
    *("destination", "plan", "created", "job_ended", "reason", "rules_revision", "source_address", "x_opaque_id"),
)
EVENT_COLUMNS = ("time", "kind", "what", "outcome", "user", "job", "id", "reason")


class Lines(Protocol):
    """Where bytes go."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""


def starts_table(found: Iterator[Found]) -> bool:
    """Print starts as a table; whether there were any."""
    first = next(found, None)
    if first is None:
        return False
    print_lines(audit.pages(one.start() for one in chain([first], found)))
    return True


def starts_json(found: Iterable[Found], out: Lines) -> None:
    """Write the records of starts, start by start, as they stand in the journal."""
    for one in found:
        out.write(b"".join(row.line + b"\n" for row in one.rows))


def starts_csv(found: Iterable[Found], out: IO[str]) -> None:
    """Write a line for each start."""
    _csv(START_COLUMNS, (_start_cells(one.start()) for one in found), out)


def events_table(events: Iterable[Event]) -> None:
    """Print records, a line each."""
    print_lines(line for event in events for line in audit.event_lines(event))


def events_json(events: Iterable[Event], out: Lines) -> None:
    """Write records as they stand in the journal."""
    for event in events:
        out.write(event.line + b"\n")


def events_csv(events: Iterable[Event], out: IO[str]) -> None:
    """Write a line for each record."""
    _csv(EVENT_COLUMNS, map(audit.event_cells, events), out)


def safe(text: str) -> str:
    """A cell that shows what the text says, and that no spreadsheet computes: control characters are escaped, and what
    looks like a formula gets an apostrophe before it."""
    shown = plain(text)
    return "'" + shown if text.startswith(_FORMULA) or shown.startswith(_FORMULA) else shown


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]], out: IO[str]) -> None:
    # Each cell in quotes: where a separator is guessed, nothing can pose as one.
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([safe(row[column]) for column in columns])


def _start_cells(start: Start) -> dict[str, str]:
    record = start.told
    shown = audit.row(start, len(start.receipt))

    def told(*keys: str) -> str:
        values = (at(one, *keys) for one in (record, *start.records.values()))
        value = next((value for value in values if value not in (None, "")), "")
        if isinstance(value, bool):
            return "true" if value else "false"
        return " ".join(map(str, value)) if isinstance(value, list) else str(value)

    return {
        "time": told("@timestamp"),
        "receipt": start.receipt,
        "result": shown.result,
        "status": told("http", "response", "status_code"),
        "user": told("user", "name"),
        "realm": told("startgate", "caller", "realm", "name"),
        "secondary_user": told("startgate", "secondary", "name"),
        "job": told("startgate", "job", "id"),
        "analysis": told("startgate", "job", "analysis"),
        "sources": told("startgate", "job", "sources"),
        "destination": told("startgate", "destination", "index") or told("startgate", "job", "destination"),
        "plan": told("startgate", "destination", "plan"),
        "created": told("startgate", "destination", "created"),
        "job_ended": "" if shown.ended == "-" else shown.ended,
        "reason": shown.why,
        "rules_revision": told("startgate", "rules", "revision"),
        "source_address": told("source", "address"),
        "x_opaque_id": told("labels", "x_opaque_id"),
    }
