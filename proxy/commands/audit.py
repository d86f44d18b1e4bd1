"""`startgate audit`: the record, read from its files."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text

from proxy import audit
from proxy.commands.common import Commands, config_option, print_lines, printed, read_config, reported
from proxy.errors import JournalError
from proxy.journal import read as journal


@click.group(name="audit", cls=Commands)
def audit_group() -> None:
    """Read the audit record."""


journal_option = click.option(
    "--journal", "folder", type=click.Path(path_type=Path), help="Folder of the journal; else the configuration's."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The records themselves, one JSON object a line.")


def journal_folder(folder: Path | None, config_file: Path | None) -> Path:
    """The journal's folder, which must be there."""
    place = folder or Path(read_config(config_file).journal)
    if not place.exists():
        hint = "" if folder else "; name its folder with --journal, or the configuration with --config"
        raise JournalError(f"there is no journal at {place}{hint}")
    return place


@audit_group.command(name="list")
@config_option
@journal_option
@json_option
def audit_list(config_file: Path | None, folder: Path | None, as_json: bool) -> None:
    """All recorded starts, oldest first."""
    with reported(), printed():
        place = journal_folder(folder, config_file)
        if as_json:
            _print_records(journal.records(place))
        elif starts := journal.starts(place):
            print_lines(audit.table(starts))
        else:
            click.echo(f"no starts are recorded in {place}")


@audit_group.command(name="show", short_help="One start in full, by its receipt.")
@click.argument("receipt")
@config_option
@journal_option
@json_option
def audit_show(receipt: str, config_file: Path | None, folder: Path | None, as_json: bool) -> None:
    """One start in full, by its receipt (the answer's header X-Startgate-Receipt) or the beginning of it."""
    with reported(), printed():
        place = journal_folder(folder, config_file)
        start = journal.start(place, receipt)
        if start is None:
            raise JournalError(f"no start with receipt {receipt} in {place}; `startgate audit list` shows all")
        if as_json:
            _print_records(start.records.values())
        else:
            print_lines(Text.assemble((f"{heading:<13}", "dim"), text) for heading, text in audit.details(start))


def _print_records(records: Iterable[Mapping[str, Any]]) -> None:
    for record in records:
        click.echo(msgspec.json.encode(record))
