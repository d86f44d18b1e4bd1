"""What the commands share: options, how errors are told, and how something is printed."""

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from rich.console import Console
from rich.text import Text

from proxy.config import Config, load
from proxy.config.files import secret
from proxy.config.tree import Node, Place
from proxy.config.values import PORT_MAX, cluster_node
from proxy.errors import CannotServe, ExitStatus, InvalidInput, StartgateError, nearest
from proxy.text import plain

if TYPE_CHECKING:
    from proxy.admin.client import Where

# Read without being asked where it lies in the working directory, as other servers do with theirs.
DEFAULT_FILE = Path("startgate.yml")
# Wide enough for every heading of `headed`.
HEADING_WIDTH = 14


class Port(click.IntRange):
    """A port number; 0 lets the system choose."""

    name = "port"

    def __init__(self) -> None:
        super().__init__(0, PORT_MAX)


class Seconds(click.FloatRange):
    """A time in seconds."""

    name = "number of seconds"

    def __init__(self) -> None:
        super().__init__(min=0)


config_option = click.option(
    "-c",
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar="STARTGATE_CONFIG",
    show_envvar=True,
    help="Configuration file; ./startgate.yml where that is there, else defaults alone.",
)


class Commands(click.Group):
    """A group that answers an unknown command with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with, as click wants it."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            known = self.list_commands(ctx)
            ctx.fail(f"no such command {args[0]!r}{nearest(args[0], known)}; commands: {', '.join(known)}")
        return super().resolve_command(ctx, args)


@contextmanager
def reported() -> Iterator[None]:
    """Turns an error of ours into lines on standard error and an exit status."""
    try:
        yield
    except InvalidInput as error:
        for fault in error.faults:
            click.echo(f"error: {fault}", err=True)
        sys.exit(ExitStatus.INVALID)
    except CannotServe as error:
        _fail(error, error.exit_status)
    except StartgateError as error:
        _fail(error, ExitStatus.INVALID)


@contextmanager
def printed() -> Iterator[None]:
    """Tells in a line that what is printed finds no place, such as on a full disk."""
    try:
        yield
    except OSError as failure:
        if failure.errno == errno.EPIPE:
            # A reader that has seen enough: click ends without a word.
            raise
        click.echo(f"error: the output cannot be written: {failure.strerror}", err=True)
        sys.exit(1)


def _fail(error: StartgateError, status: int) -> NoReturn:
    click.echo(f"error: {error}", err=True)
    sys.exit(status)


def config_path(config_file: Path | None) -> Path | None:
    """The configuration file that is read, None where there is none."""
    return DEFAULT_FILE if config_file is None and DEFAULT_FILE.exists() else config_file


def read_config(config_file: Path | None) -> Config:
    """The configuration of a file, or of the default one, and the environment. Raises ConfigError."""
    return load(config_path(config_file), os.environ)


def base_address(url: str, option: str) -> str:
    """A node's base address that an option names. Raises ConfigError."""
    place = Place(option)
    return cluster_node(Node(value=url, place=place, key_place=place, folder=Path()))


def elsewhere(url: str, token_file: Path | None, ca: Path | None) -> "Where":
    """The admin port at a URL that an option names, with the token in a file. Raises ConfigError."""
    from proxy.admin.client import Where  # noqa: PLC0415 -- most commands ask nobody, and need no client

    token = ""
    if token_file is not None:
        place = Place("--token-file")
        token = secret(Node(value=str(token_file), place=place, key_place=place, folder=Path()))
    return Where(url=base_address(url, "--admin"), token=token.strip(), ca=None if ca is None else str(ca))


def print_lines(lines: Iterable[Text]) -> None:
    """Print styled lines on standard output."""
    terminal = console()
    for line in lines:
        if not terminal.is_terminal:
            # There may be a million lines, and a file or a pipe takes them as they are.
            click.echo(line.plain)
            continue
        # The terminal breaks what is too long for it, and a copied line stays one line.
        terminal.print(line, soft_wrap=True)


def console() -> Console:
    """Standard output, with styles where it is a terminal."""
    return Console(highlight=False)


def headed(heading: str, text: str, style: str = "") -> Text:
    """A line of what a running gate tells of itself: what it is about, and the text, inert."""
    return Text.assemble((f"{heading:<{HEADING_WIDTH}}", "dim"), (plain(text), style))


def age(seconds: float) -> str:
    """A time in its two largest units."""
    left, parts = int(seconds), []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2]) or "0 s"
