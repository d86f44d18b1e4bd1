"""`startgate rules`: how the rules stand in a running gate, and having them read again."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text

from proxy.commands.common import (
    Commands,
    Seconds,
    age,
    config_option,
    headed,
    print_lines,
    printed,
    read_config,
    reported,
)
from proxy.commands.running import Place, place_options
from proxy.errors import ExitStatus
from proxy.gate.rules_in_force import RELOAD_ACTION
from proxy.gate.standing import Attempt, Excepted, Outcome, Standing
from proxy.journal import read as journal
from proxy.text import plain


@click.group(name="rules", cls=Commands, short_help="The rules in force, and reloading them.")
def rules_group() -> None:
    """How the rules stand in a running gate, and having them read again."""


json_option = click.option("--json", "as_json", is_flag=True, help="As JSON, with the names of the API.")


@rules_group.command(name="status", short_help="Which rules are in force.")
@place_options
@json_option
def rules_status(place: Place, as_json: bool) -> None:
    """Which rules are in force, since when, what came of the last attempt to read them again, and which break-glass
    exceptions there are.

    Exit status: 0 what lies on the disk is in force; 1 it was refused, and earlier rules are in force; 2 the
    configuration is wrong; 3 no gate answers.
    """
    with reported(), printed():
        standing = asyncio.run(place.running().standing())
        if as_json:
            _print_json(standing)
        else:
            print_lines(_lines(standing))
        sys.exit(1 if standing.last_attempt.refused else ExitStatus.OK)


@rules_group.command(name="reload", short_help="Have the rules read again.")
@place_options
@click.option(
    "--wait",
    "wait_s",
    type=Seconds(),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the outcome.",
)
@json_option
def rules_reload(place: Place, wait_s: float, as_json: bool) -> None:
    """Have the gate read the rules again, and say what came of it.

    Exit status: 0 they are in force; 2 they are broken and were refused, or the configuration is wrong; 3 no gate
    answers, or not in time.
    """
    with reported(), printed():
        attempt = asyncio.run(place.running().reload(wait_s))
        if as_json:
            _print_json(attempt)
        else:
            for fault in attempt.faults:
                click.echo(f"error: {plain(str(fault))}", err=True)
            click.echo(_told(attempt))
        sys.exit(ExitStatus.INVALID if attempt.refused else ExitStatus.OK)


@rules_group.command(name="history", short_help="Every reload that is on record.")
@config_option
@click.option(
    "--journal", "folder", type=click.Path(path_type=Path), help="Folder of the journal; else the configuration's."
)
@click.option("--json", "as_json", is_flag=True, help="The records themselves, one JSON object a line.")
def rules_history(config_file: Path | None, folder: Path | None, as_json: bool) -> None:
    """Every reload that is on record, good or bad, oldest first."""
    with reported(), printed():
        place = folder or Path(read_config(config_file).journal)
        recorded = False
        for record in journal.administrative(place):
            if record["event"]["action"] != RELOAD_ACTION:
                continue
            recorded = True
            if as_json:
                click.echo(msgspec.json.encode(record))
            else:
                print_lines(_recorded(record))
        if not recorded and not as_json:
            click.echo(f"no reload is recorded in {place}")


def _print_json(content: Standing | Attempt) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(content)))


def _told(attempt: Attempt) -> str:
    if attempt.refused:
        return f"refused: revision {attempt.after} stays in force"
    if attempt.outcome is Outcome.UNCHANGED:
        return f"reloaded, and the rules say the same: revision {attempt.after} is in force"
    return f"reloaded: revision {attempt.after} is in force, and was {attempt.before} before"


def _lines(standing: Standing) -> Iterator[Text]:
    last = standing.last_attempt
    yield headed("revision", standing.revision)
    yield headed("loaded", f"{standing.loaded_at} ({age(standing.age_s)} ago)")
    yield headed("rules at", f"{standing.path} ({'watched' if standing.watched else 'not watched'})")
    for file in standing.files:
        yield headed("file", file)
    by = f", {last.by}" if last.by else ""
    yield headed("last attempt", f"{last.at} ({last.trigger}{by}): {last.outcome}")
    if last.cases is not None:
        yield headed("cases", f"{last.cases.run} run, {last.cases.failed} failed")
    for fault in last.faults:
        yield headed("fault", str(fault), "red")
    for one in standing.break_glass:
        yield headed("break-glass", _exception(one), "bold red")


def _exception(one: Excepted) -> str:
    who, which = ", ".join(one.users), ", ".join(one.jobs)
    bounds = f"from {one.since} until {one.until}"
    return f"{one.id} {one.state}, {bounds}: {who} may start {which}; signed by {one.signed_by}; {one.reason}"


def _recorded(record: dict[str, Any] | Any) -> Iterator[Text]:  # noqa: ANN401 -- a record is decoded JSON
    admin, event = record["startgate"]["admin"], record["event"]
    rules = admin.get("rules", {})
    by = f", {admin['by']}" if "by" in admin else ""
    what = f"{admin.get('outcome', event['outcome'])} ({admin.get('trigger', event['action'])}{by})"
    yield Text(plain(f"{record['@timestamp']}  {rules.get('before')} -> {rules.get('after')}  {what}"))
    for fault in admin.get("faults", ()):
        yield Text(f"    {plain(str(fault))}", style="dim")
