"""`startgate top`: what passes, what starts, and how the processes are, live in the terminal."""

import asyncio
import contextlib
import os
import select
import sys
import termios
import time
import tty
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from proxy import columns
from proxy.admin.client import Where, get
from proxy.admin.health import Health
from proxy.admin.shown.starts import StartRow, Starts
from proxy.admin.shown.traffic import NodeRow, ProcessRow, Traffic
from proxy.columns import Cell
from proxy.commands.common import console, printed, reported
from proxy.commands.running import Place, place_options
from proxy.errors import CannotServe
from proxy.text import plain, size

STARTS: Final = 10
EVERY_S: Final = 2.0
# Samples are taken every five seconds: asking more often than this shows the same.
LEAST_S: Final = 0.5
STYLES: Final = {"granted": "green", "denied": "red", "refused": "yellow", "unknown": "magenta", "open": "magenta"}
NODES: Final = ("node", "state", "requests", "errors", "in flight", "p50", "p99")
PROCESSES: Final = ("process", "state", "cpu", "memory", "loop lag", "deaths")
STARTED: Final = ("time (UTC)", "verdict", "status", "user", "job", "destination", "took")


@dataclass(frozen=True, slots=True)
class Seen:
    """What is shown in one frame."""

    health: Health
    traffic: Traffic
    starts: Starts


@click.command(short_help="What passes and what starts, live.")
@place_options
@click.option("--once", is_flag=True, help="Print one frame and end, as for a script.")
@click.option(
    "--interval",
    "every_s",
    type=click.FloatRange(min=LEAST_S),
    default=EVERY_S,
    show_default=True,
    help="Seconds between two looks.",
)
def top(place: Place, once: bool, every_s: float) -> None:
    """What passes, the newest starts, and how the processes are, until q or Ctrl-C.

    Exit status: 0; 2 the configuration is wrong, or there is no admin port; 3 nobody answers.
    """
    with reported(), printed():
        where = place.where
        if once or not sys.stdout.isatty():
            for line in frame(asyncio.run(look(where))):
                click.echo(line.plain)
            return
        _live(where, every_s)


async def look(where: Where) -> Seen:
    """How everything stands. Raises CannotServe: nobody answers."""
    health, traffic, starts = await asyncio.gather(
        get(where, "/v1/health", Health),
        # Plots are for pages: no sample is later than this.
        get(where, "/v1/traffic", Traffic, {"since": str(2**40)}),
        get(where, "/v1/starts", Starts, {"size": str(STARTS)}),
    )
    return Seen(health, traffic, starts)


def frame(seen: Seen) -> Iterator[Text]:
    """Everything, line by line."""
    health, traffic = seen.health, seen.traffic
    word, style = ("ready", "green") if health.ready else ("not ready", "bold red")
    yield Text.assemble(
        f"startgate {plain(health.version)}  {traffic.time[:19].replace('T', ' ')} UTC  ", (word, style)
    )
    for check in health.checks:
        if not check.ok:
            yield Text(f"{plain(check.name)}: {plain(check.reason)}", style="bold red")
    yield Text(
        f"{traffic.requests_per_s:.1f} requests/s, {traffic.errors_per_s:.1f} errors/s, "
        f"{size(traffic.bytes_in_per_s)}/s in, {size(traffic.bytes_out_per_s)}/s out, "
        f"{traffic.in_flight} in flight, {traffic.client_connections} connections"
    )
    yield Text("")
    yield from columns.lines(PROCESSES, [_process(one) for one in traffic.processes])
    yield Text("")
    yield from columns.lines(NODES, [_node(one) for one in traffic.nodes])
    yield Text("")
    yield from columns.lines(STARTED, [_start(one) for one in seen.starts.starts])


def _process(one: ProcessRow) -> tuple[str | Cell, ...]:
    return (
        one.name,
        Cell("up", "green") if one.up else Cell("down", "bold red"),
        "-" if one.cpu_share is None else f"{one.cpu_share:.1%}",
        "-" if one.memory_bytes is None else size(one.memory_bytes),
        _ms(one.loop_lag_ms),
        str(one.deaths),
    )


def _node(one: NodeRow) -> tuple[str | Cell, ...]:
    state = Cell(one.state, "green" if one.state == "up" else "yellow")
    counts = (str(one.requests), str(one.errors), str(one.in_flight))
    return one.node, state, *counts, _ms(one.p50_ms), _ms(one.p99_ms)


def _start(one: StartRow) -> tuple[str | Cell, ...]:
    return (
        one.time[:19].replace("T", " "),
        Cell(one.verdict, STYLES.get(one.verdict, "")),
        "-" if one.status is None else str(one.status),
        one.user or "-",
        one.job or "-",
        one.destination or "-",
        _ms(one.duration_ms),
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _live(where: Where, every_s: float) -> None:
    """Frame after frame, as many lines as the terminal has, until q or Ctrl-C."""
    with _keys() as pressed, Live(console=console(), screen=True, auto_refresh=False) as live:
        lines = list(frame(asyncio.run(look(where))))
        while not _shown(live, lines, time.monotonic() + every_s, pressed):
            lines = _again(where)


def _again(where: Where) -> list[Text]:
    """A further frame. That nobody answers is an error at first; later the process may be on its way back."""
    try:
        return list(frame(asyncio.run(look(where))))
    except CannotServe as failure:
        return [Text(plain(str(failure)), style="bold red")]


def _shown(live: Live, lines: list[Text], until_s: float, pressed: "Pressed") -> bool:
    """Show a frame until then; whether the keyboard has ended it before."""
    while (left_s := until_s - time.monotonic()) > 0:
        # Drawn anew now and then, so that it fits a terminal that has another size now.
        for line in lines:
            line.truncate(live.console.width)
        live.update(Group(*lines[: live.console.height]), refresh=True)
        if pressed(min(left_s, LEAST_S)):
            return True
    return False


@contextlib.contextmanager
def _keys() -> Iterator["Pressed"]:
    """Whether q or Ctrl-C was pressed, while the terminal gives key by key; it is as it was afterwards."""
    if not sys.stdin.isatty():
        yield Pressed(None)
        return
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    try:
        yield Pressed(keyboard)
    except KeyboardInterrupt:
        pass
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


@dataclass(frozen=True, slots=True)
class Pressed:
    """Asks a keyboard, None for none."""

    keyboard: int | None

    def __call__(self, wait_s: float) -> bool:
        """Whether q is pressed within so many seconds."""
        if self.keyboard is None:
            time.sleep(wait_s)
            return False
        ready, _, _ = select.select([self.keyboard], [], [], wait_s)
        # No key at all: the terminal has gone.
        return bool(ready) and os.read(self.keyboard, 64)[:1] in (b"q", b"Q", b"")
