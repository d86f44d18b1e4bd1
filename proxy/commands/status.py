"""`startgate status`: how a running Startgate is, as its admin port tells it."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence

import click
import msgspec
from rich.text import Text

from proxy import columns
from proxy.admin.client import ask, get
from proxy.admin.health import STARTS, TRAFFIC, Health, Judged, Process
from proxy.columns import Cell
from proxy.commands.common import age, print_lines, printed, reported
from proxy.commands.running import Place, Sunk, place_options
from proxy.errors import CannotServe, ExitStatus
from proxy.text import plain, size

CHECKS = ("check", "state", "needed for", "reason")
SINKS = ("sink", "state", "records behind", "reason")
PROCESSES = ("process", "state", "pid", "up for", "memory", "deaths")


@click.command(short_help="Whether a running proxy is well, and what is not.")
@place_options
@click.option(
    "--for",
    "wanted",
    type=click.Choice((STARTS, TRAFFIC)),
    default=STARTS,
    show_default=True,
    help="What it has to be ready for; starts need more than other traffic.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON, as /health/ready answers.")
def status(place: Place, wanted: str, as_json: bool) -> None:
    """Whether a running proxy is ready, and what is wrong where it is not: workers, gate, rules, journal, cluster. How
    each sink of the journal stands is told beside it, and changes nothing.

    Exit status: 0 it is ready; 1 it is not; 2 the configuration is wrong, or there is no admin port; 3 nobody answers.
    """
    with reported(), printed():
        if (there := place.elsewhere) is not None:
            health = asyncio.run(get(there, "/v1/health", Health, {"wanted": wanted}))
        else:
            health = asyncio.run(ask(place.port, wanted))
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(health)))
        else:
            print_lines(_lines(health, _sinks(place)))
        sys.exit(ExitStatus.OK if health.ready else 1)


def _sinks(place: Place) -> Sequence[Sunk]:
    """The sinks; none where nobody tells of them, who would be told as failing himself."""
    try:
        return asyncio.run(place.running().sinks())
    except CannotServe:
        return ()


def _lines(health: Health, sinks: Sequence[Sunk]) -> Iterator[Text]:
    word, style = ("ready", "green") if health.ready else ("not ready", "bold red")
    yield Text.assemble(f"startgate {plain(health.version)} is ", (word, style), f" for {health.asked}")
    yield Text("")
    yield from columns.lines(CHECKS, [_check(one) for one in health.checks])
    yield Text("")
    yield from columns.lines(PROCESSES, [_process(one) for one in health.processes])
    if sinks:
        yield Text("")
        yield from columns.lines(SINKS, [_sink(one) for one in sinks])


def _check(one: Judged) -> tuple[str | Cell, ...]:
    state = Cell("ok", "green") if one.ok else Cell("failing", "bold red")
    return one.name, state, ", ".join(one.needed_for), one.reason


def _process(one: Process) -> tuple[str | Cell, ...]:
    return (
        one.name,
        Cell("up", "green") if one.up else Cell("down", "bold red"),
        _or_dash(one.pid),
        "-" if one.since is None else age(max(time.time() - one.since, 0)),
        "-" if one.memory_bytes is None else size(one.memory_bytes),
        str(one.deaths),
    )


def _sink(one: Sunk) -> tuple[str | Cell, ...]:
    state = Cell("failing", "bold red") if one.trouble else Cell("ok", "green")
    return one.name, state, str(one.records), one.trouble or "-"


def _or_dash(value: int | None) -> str:
    return "-" if value is None else str(value)
