"""`startgate audit export`: records out of the journal, as they stand there or as CSV, into a file or a pipe."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from proxy.commands import audit_print
from proxy.commands.audit_options import (
    Damage,
    asked,
    chosen,
    csv_option,
    journal_folder,
    journal_option,
    kind_option,
)
from proxy.commands.common import config_option, printed, reported
from proxy.errors import JournalError
from proxy.journal.events import events
from proxy.journal.query import Kind, Query
from proxy.journal.scan import matching


@click.command(name="export", short_help="Records as JSON lines or CSV.")
@config_option
@journal_option
@asked
@kind_option
@csv_option
@click.option("--output", type=click.Path(path_type=Path), help="A new file (mode 0600); else standard output.")
def audit_export(
    config_file: Path | None,
    folder: Path | None,
    query: Query,
    kinds: tuple[str, ...],
    as_csv: bool,
    output: Path | None,
) -> None:
    """Records as they stand in the journal, byte for byte, one JSON object a line: all of them, or those that are asked
    for. With --csv a table of starts, or with --kind of other records.

    Exit status: 1 where a part of the journal cannot be read, of which is told on standard error.
    """
    default = frozenset({Kind.START}) if as_csv or query.results else frozenset(Kind)
    asked_kinds = chosen(kinds, query, default)
    with reported(), printed():
        place, damage = journal_folder(folder, config_file), Damage()
        with _opened(output) as out:
            _export(place, query, asked_kinds, damage, out, as_csv=as_csv)
        damage.end()


def _export(place: Path, query: Query, kinds: frozenset[Kind], damage: Damage, out: BinaryIO, *, as_csv: bool) -> None:
    starts = kinds == {Kind.START}
    if not as_csv:
        if starts:
            audit_print.starts_json(matching(place, query, damage), out)
        else:
            audit_print.events_json(events(place, query, kinds, damage), out)
        return
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
    if starts:
        audit_print.starts_csv(matching(place, query, damage), text)
    else:
        audit_print.events_csv(events(place, query, kinds, damage), text)
    # What is beneath is closed by whoever opened it.
    text.flush()
    text.detach()


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as failure:
        raise JournalError(f"{output} cannot be made: {failure.strerror or failure}") from None
    with os.fdopen(handle, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
