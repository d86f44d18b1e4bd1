"""`startgate plan`: what a start would do, asked of a running proxy."""

import asyncio
import sys

import click
import msgspec

from proxy.commands.asking import asking_of, proxy_options
from proxy.commands.common import print_lines, printed, reported
from proxy.errors import ExitStatus
from proxy.planned import show
from proxy.planned.ask import Told, ask

# What the command ends with where a start would fail.
WOULD_FAIL = 1


@click.command(short_help="What a start of a job would do.")
@click.argument("job")
@proxy_options
@click.option("--json", "as_json", is_flag=True, help="The document itself, as one JSON object.")
def plan(job: str, url: str, user: str | None, key_file: str | None, ca: str | None, as_json: bool) -> None:
    """What a start of a job would do, asked of a running proxy: the index that would be made and where each part of it
    comes from, and all that is missing or does not fit together. Nothing is changed.

    Exit status: 0 a start would succeed; 1 it would fail; 2 what was given is wrong; 3 there is no answer.
    """
    with reported(), printed():
        told = asyncio.run(ask(job, asking_of(url, user, key_file, ca)))
        _print_plan(job, told, as_json)
        sys.exit(ExitStatus.OK if told.would_succeed else WOULD_FAIL)


def _print_plan(job: str, told: Told, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told.content)))
    else:
        print_lines(show.lines(job, told))
