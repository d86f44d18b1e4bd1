"""How commands that ask a running proxy are told where it is, and as whom they ask."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from proxy import tls
from proxy.commands.common import base_address
from proxy.config import files
from proxy.config.tree import Node, Place
from proxy.errors import ConfigError, Fault
from proxy.planned.ask import Asking
from proxy.settings import ClusterTls

_OPTIONS = (
    click.option("--url", default="http://127.0.0.1:9400", show_default=True, help="Base address of a running proxy."),
    click.option(
        "--user", metavar="NAME", help="Ask as this user; the password is in STARTGATE_PASSWORD, or asked for."
    ),
    click.option("--api-key-file", "key_file", metavar="FILE", help="Ask with the API key in this file instead."),
    click.option("--ca", metavar="FILE", help="PEM file with the authorities for the proxy's certificate."),
)


def proxy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options `--url`, `--user`, `--api-key-file` and `--ca`; `asking_of` takes their values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def asking_of(url: str, user: str | None, key_file: str | None, ca: str | None, run_as: str | None = None) -> Asking:
    """Whom to ask, and as whom. Raises ConfigError for a value that is none."""
    base = base_address(url, "--url")
    context = tls.cluster_context(ClusterTls(ca=ca)) if base.startswith("https:") else None
    return Asking(url=base, authorization=authorization(user, key_file), run_as=run_as, context=context)


def authorization(user: str | None, key_file: str | None) -> str | None:
    """Who asks, as the value of the header; None where nobody is named. Raises ConfigError."""
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
