"""`startgate audit list` and `show`: the starts on record, read from the journal's files."""

import sys
from collections.abc import Iterator
from pathlib import Path

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
from proxy.commands.common import Commands, config_option, print_lines, printed, reported
from proxy.errors import JournalError
from proxy.journal.events import events
from proxy.journal.query import Kind, Query
from proxy.journal.read import start as find_start
from proxy.journal.scan import Found, matching, newest

# So many starts are held where the newest are asked for.
LIMIT_MAX = 10_000


@click.group(name="audit", cls=Commands)
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


@audit_group.command(name="show", short_help="One start in full, by its receipt.")
@click.argument("receipt")
@config_option
@journal_option
@json_option
def audit_show(receipt: str, config_file: Path | None, folder: Path | None, as_json: bool) -> None:
    """One start in full, by its receipt (the answer's header X-Startgate-Receipt) or the beginning of it."""
    if not receipt.strip():
        raise click.UsageError("a receipt has a character at least")
    with reported(), printed():
        place, damage = journal_folder(folder, config_file), Damage()
        start = find_start(place, receipt, damage)
        if start is None:
            raise JournalError(f"no start with receipt {receipt} in {place}; `startgate audit list` shows all")
        if as_json:
            for record in start.records.values():
                click.echo(msgspec.json.encode(record))
        else:
            told = [*audit.details(start)]
            wide = max(len(heading) for heading, _ in told)
            print_lines(Text.assemble((f"{heading:<{wide}}  ", "dim"), text) for heading, text in told)
        damage.end()
