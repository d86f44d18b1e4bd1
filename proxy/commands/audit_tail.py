"""`startgate audit tail`: the last records of the journal, and those to come."""

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from proxy.commands import audit_print
from proxy.commands.audit_options import (
    Damage,
    asked_of_records,
    chosen,
    journal_folder,
    journal_option,
    json_option,
    kind_option,
)
from proxy.commands.common import config_option, printed, reported
from proxy.journal.events import Event, follow, last
from proxy.journal.query import Kind, Query

SHOWN = 10
SHOWN_MAX = 10_000


@click.command(name="tail", short_help="The last records, of any kind, and with -f those to come.")
@config_option
@journal_option
@asked_of_records
@kind_option
@click.option(
    "-n",
    "--lines",
    "count",
    type=click.IntRange(0, SHOWN_MAX),
    default=SHOWN,
    show_default=True,
    help="So many of the last.",
)
@click.option("-f", "--follow", "following", is_flag=True, help="Go on with records as they come, until Ctrl-C.")
@json_option
def audit_tail(
    config_file: Path | None,
    folder: Path | None,
    query: Query,
    kinds: tuple[str, ...],
    count: int,
    following: bool,
    as_json: bool,
) -> None:
    """The last records, a line each, of any kind; with -f those to come as well.

    Exit status: 1 where a part of what was read cannot be read, of which is told on standard error.
    """
    asked_kinds = chosen(kinds, query, frozenset(Kind))
    with reported(), printed():
        place, damage = journal_folder(folder, config_file), Damage()
        found, end = last(place, query, asked_kinds, damage, count)
        _print(found, as_json=as_json)
        if following:
            for event in follow(place, query, asked_kinds, damage, end):
                _print([event], as_json=as_json)
        damage.end()


def _print(found: Iterable[Event], *, as_json: bool) -> None:
    if as_json:
        audit_print.events_json(found, sys.stdout.buffer)
    else:
        audit_print.events_table(found)
    # Whoever follows by a pipe waits for it.
    sys.stdout.flush()
