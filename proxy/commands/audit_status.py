"""`startgate audit status`: whether a running gate can record starts."""

import asyncio
import sys
from collections.abc import Iterator

import click
import msgspec
from rich.text import Text

from proxy.commands.common import headed, print_lines, printed, reported
from proxy.commands.running import Place, place_options
from proxy.errors import ExitStatus
from proxy.journal.standing import JournalStanding, JournalState


@click.command(name="status", short_help="Whether a running gate can record starts.")
@place_options
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the names of the API.")
def audit_status(place: Place, as_json: bool) -> None:
    """Whether a running gate can record starts, and how many records it wrote, refused and lost since it began.

    Exit status: 0 starts can be recorded; 1 they cannot; 2 the configuration is wrong; 3 no gate answers.
    """
    with reported(), printed():
        standing = asyncio.run(place.running().journal())
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(standing)))
        else:
            print_lines(_lines(standing))
        sys.exit(ExitStatus.OK if standing.state is JournalState.WRITABLE else 1)


def _lines(standing: JournalStanding) -> Iterator[Text]:
    well = standing.state is JournalState.WRITABLE
    yield headed("state", standing.state, "" if well else "bold red")
    if standing.reason:
        yield headed("reason", standing.reason)
    yield headed("journal", standing.journal)
    yield headed("file", f"{standing.file}, to record {standing.seq}")
    counts = f"{standing.appended} written, {standing.refused} refused, {standing.lost} lost, {standing.late} late"
    yield headed("records", counts, "bold red" if standing.lost else "")
    yield headed("last fsync", f"{standing.last_fsync_s * 1000:.1f} ms")
