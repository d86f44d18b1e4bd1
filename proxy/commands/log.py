"""`startgate log`: how much a running proxy logs, and changing it."""

import asyncio
from collections.abc import Iterator

import click
import msgspec
from rich.text import Text

from proxy.commands.common import Commands, headed, print_lines, printed, reported
from proxy.commands.running import Place, place_options
from proxy.logs.settings import Levels


@click.group(name="log", cls=Commands, short_help="How much a running proxy logs.")
def log_group() -> None:
    """How much a running proxy logs, and changing it."""


@log_group.command(name="level", short_help="Show levels, or change one.")
@place_options
@click.argument("words", nargs=-1, metavar="[LOGGER] [LEVEL]")
@click.option("--json", "as_json", is_flag=True, help="As JSON, as the API answers (/v1/log).")
def log_level(place: Place, words: tuple[str, ...], as_json: bool) -> None:
    """Show how much is logged; with LEVEL, change it in all processes at once; with LOGGER, such as proxy.edge, only
    for that one and what is under it. LEVEL is debug, info, warning, error or critical; for a LOGGER also default: what
    is above it then counts.

    A change is recorded in the journal, and lasts until SIGHUP or the end of the proxy: log.level and log.levels of
    the configuration are what lasts.

    Exit status: 2 there is no such level or logger, or the configuration is wrong; 3 no gate answers.
    """
    if len(words) > 2:
        raise click.UsageError("give a logger and a level, a level alone, or nothing")
    with reported(), printed():
        running = place.running()
        if words:
            levels = asyncio.run(running.change_level(words[-1], words[0] if len(words) == 2 else ""))
        else:
            levels = asyncio.run(running.levels())
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(levels)))
        else:
            print_lines(_lines(levels))


def _lines(levels: Levels) -> Iterator[Text]:
    yield headed("log.level", levels.level)
    for name, level in sorted(levels.each.items()):
        yield headed("logger", f"{name}: {level}")
