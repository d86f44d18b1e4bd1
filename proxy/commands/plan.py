"""`startgate plan`: what a start would do, asked of a running proxy."""

import asyncio
import os
import sys
from pathlib import Path

import click
import msgspec

from proxy import tls
from proxy.commands.common import base_address, print_lines, printed, reported
from proxy.config import files
from proxy.config.tree import Node, Place
from proxy.errors import ConfigError, ExitStatus, Fault
from proxy.planned import show
from proxy.planned.ask import Asking, Told, ask
from proxy.settings import ClusterTls

# What the command ends with where a start would fail.
WOULD_FAIL = 1


@click.command(short_help="What a start of a job would do.")
@click.argument("job")
@click.option("--url", default="http://127.0.0.1:9400", show_default=True, help="Base address of a running proxy.")
@click.option("--user", metavar="NAME", help="Ask as this user; the password is in STARTGATE_PASSWORD, or asked for.")
@click.option("--api-key-file", "key_file", metavar="FILE", help="Ask with the API key in this file instead.")
@click.option("--ca", metavar="FILE", help="PEM file with the authorities for the proxy's certificate.")
@click.option("--json", "as_json", is_flag=True, help="The document itself, as one JSON object.")
def plan(job: str, url: str, user: str | None, key_file: str | None, ca: str | None, as_json: bool) -> None:
    """What a start of a job would do, asked of a running proxy: the index that would be made and where each part of it
    comes from, and all that is missing or does not fit together. Nothing is changed.

    Exit status: 0 a start would succeed; 1 it would fail; 2 what was given is wrong; 3 there is no answer.
    """
    with reported(), printed():
        base = base_address(url, "--url")
        context = tls.cluster_context(ClusterTls(ca=ca)) if base.startswith("https:") else None
        told = asyncio.run(ask(job, Asking(url=base, authorization=_authorization(user, key_file), context=context)))
        _print_plan(job, told, as_json)
        sys.exit(ExitStatus.OK if told.would_succeed else WOULD_FAIL)


def _authorization(user: str | None, key_file: str | None) -> str | None:
    """Who asks, as the value of the header; None where nobody is named."""
    if user is not None and key_file is not None:
        raise ConfigError([Fault("--api-key-file", "--user is given as well, and one of the two asks")])
    if key_file is not None:
        place = Place("--api-key-file")
        return files.api_key(Node(value=key_file, place=place, key_place=place, folder=Path()))
    if user is None:
        return None
    password = os.environ.get("STARTGATE_PASSWORD")
    if password is None:
        password = click.prompt(f"password of {user}", hide_input=True, err=True)
    return files.basic(user, password)


def _print_plan(job: str, told: Told, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told.content)))
    else:
        print_lines(show.lines(job, told))
