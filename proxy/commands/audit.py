"""`startgate audit list` and `show`: the starts on record, read from the journal's files."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

import click
import msgspec
from rich.text import Text

from proxy import audit
from proxy.commands import audit_print
from proxy.commands.audit_options import (
    Damage,
    asked,
    chosen,
    csv_option,
    journal_folder,
    journal_option,
    json_option,
    kind_option,
)
from proxy.commands.common import config_option, print_lines, printed, reported
from proxy.commands.late import LateCommands
from proxy.errors import JournalError
from proxy.journal.events import Event, events
from proxy.journal.query import Kind, Query, at
from proxy.journal.read import AMBIGUOUS_NAMED
from proxy.journal.read import start as find_start
from proxy.journal.scan import Found, matching, newest
from proxy.journal.start import Start

# So many starts are held where the newest are asked for.
LIMIT_MAX = 10_000


class AuditCommands(LateCommands):
    """The commands on the record that have modules of their own, by their names."""

    late = MappingProxyType(
        {
            "bypasses": "proxy.commands.bypasses:audit_bypasses",
            "dashboard": "proxy.commands.dashboard:audit_dashboard",
            "export": "proxy.commands.audit_export:audit_export",
            "replay": "proxy.commands.replay:audit_replay",
            "ship": "proxy.commands.ship:audit_ship",
            "status": "proxy.commands.audit_status:audit_status",
            "tail": "proxy.commands.audit_tail:audit_tail",
            "verify": "proxy.commands.audit_verify:audit_verify",
        }
    )


@click.group(name="audit", cls=AuditCommands)
def audit_group() -> None:
    """Read the audit record."""


@audit_group.command(name="list", short_help="Recorded starts, oldest first.")
@config_option
@journal_option
@asked
@kind_option
@click.option(
    "--limit", type=click.IntRange(1, LIMIT_MAX), metavar="NUMBER", help="Only the newest so many of those starts."
)
@click.option("--reverse", is_flag=True, help="The newest first; needs --limit.")
@json_option
@csv_option
def audit_list(
    config_file: Path | None,
    folder: Path | None,
    query: Query,
    kinds: tuple[str, ...],
    limit: int | None,
    reverse: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Recorded starts, oldest first, or with --kind the records of other kinds.

    Exit status: 1 where a part of the journal cannot be read, of which is told on standard error.
    """
    asked_kinds = _checked(kinds, query, limit, reverse=reverse, forms=as_json + as_csv)
    with reported(), printed():
        place, damage = journal_folder(folder, config_file), Damage()
        if asked_kinds == {Kind.START}:
            found = matching(place, query, damage)
            _list_starts(_newest(found, limit, reverse=reverse), place, query, as_json=as_json, as_csv=as_csv)
        else:
            _list_records(place, query, asked_kinds, damage, as_json=as_json, as_csv=as_csv)
        sys.stdout.flush()
        damage.end()


def _checked(kinds: tuple[str, ...], query: Query, limit: int | None, *, reverse: bool, forms: int) -> frozenset[Kind]:
    found = chosen(kinds, query, frozenset({Kind.START}))
    if forms > 1:
        raise click.UsageError("--json and --csv exclude each other")
    if reverse and limit is None:
        raise click.UsageError(f"--reverse needs --limit: so many starts are held in memory, {LIMIT_MAX} at most")
    if limit is not None and found != {Kind.START}:
        raise click.UsageError("--limit is of starts alone; `startgate audit tail` shows the last records of any kind")
    return found


def _newest(found: Iterator[Found], limit: int | None, *, reverse: bool) -> Iterator[Found]:
    if limit is None:
        return found
    kept = newest(found, limit)
    return reversed([*kept]) if reverse else kept


def _list_starts(found: Iterator[Found], place: Path, query: Query, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        audit_print.starts_json(found, sys.stdout.buffer)
    elif as_csv:
        audit_print.starts_csv(found, sys.stdout)
    elif not audit_print.starts_table(found):
        click.echo(f"no starts are recorded in {place}" if query == Query() else f"no such starts in {place}")


def _list_records(
    place: Path, query: Query, kinds: frozenset[Kind], damage: Damage, *, as_json: bool, as_csv: bool
) -> None:
    found = events(place, query, kinds, damage)
    if as_json:
        audit_print.events_json(found, sys.stdout.buffer)
    elif as_csv:
        audit_print.events_csv(found, sys.stdout)
    else:
        audit_print.events_table(found)


@audit_group.command(name="show", short_help="One start in full, by its receipt; or another record by its id.")
@click.argument("receipt")
@config_option
@journal_option
@json_option
def audit_show(receipt: str, config_file: Path | None, folder: Path | None, as_json: bool) -> None:
    """One start in full, by its receipt (the answer's header X-Startgate-Receipt) or the beginning of it; or a record
    of another kind by its event.id, as `startgate audit tail` shows it."""
    if not receipt.strip():
        raise click.UsageError("a receipt has a character at least")
    with reported(), printed():
        place, damage = journal_folder(folder, config_file), Damage()
        start = find_start(place, receipt, damage)
        lines = _other(place, receipt, as_json=as_json) if start is None else _start(start, as_json=as_json)
        print_lines(lines)
        damage.end()


def _start(start: Start, *, as_json: bool) -> Iterator[Text]:
    if as_json:
        return (Text(msgspec.json.encode(record).decode()) for record in start.records.values())
    return _pairs([*audit.details(start)])


def _other(place: Path, id: str, *, as_json: bool) -> Iterator[Text]:
    """A record that is of no start. Raises JournalError: there is none, or several begin so."""
    kinds = frozenset(Kind) - {Kind.START}
    # What cannot be read was told when starts were looked for.
    found = [one for one in events(place, Query(), kinds, lambda _: None) if _id(one).startswith(id)]
    if not found:
        text = "and no other record with such an id; `startgate audit list` shows all starts"
        raise JournalError(f"no start with receipt {id} in {place}, {text}")
    if len(found) > 1:
        named = ", ".join(map(_id, found[:AMBIGUOUS_NAMED]))
        raise JournalError(f"{len(found)} records have an id that begins with {id}: {named}; give more of it")
    if as_json:
        return iter([Text(found[0].line.decode())])
    return _pairs([*audit.leaves(found[0].record)])


def _id(event: Event) -> str:
    return str(at(event.record, "event", "id") or "")


def _pairs(told: Sequence[tuple[str, str]]) -> Iterator[Text]:
    wide = max(len(heading) for heading, _ in told)
    return (Text.assemble((f"{heading:<{wide}}  ", "dim"), text) for heading, text in told)
