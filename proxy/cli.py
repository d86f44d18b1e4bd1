"""The command `startgate`. Each command reads its options, calls one function, and maps errors to exit statuses."""

import asyncio
import errno
import logging
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
import msgspec
from rich.console import Console
from rich.text import Text

from proxy import audit, listeners, logs, supervisor, tls
from proxy.config import Config, files, load
from proxy.config.tree import Node, Place
from proxy.config.values import PORT_MAX, cluster_node
from proxy.errors import (
    CannotServe,
    ConfigError,
    ExitStatus,
    Fault,
    InvalidInput,
    JournalError,
    StartgateError,
    nearest,
)
from proxy.journal import read as journal
from proxy.planned import show
from proxy.planned.ask import Asking, Told, ask
from proxy.rules.load import load as load_rules
from proxy.settings import ClusterTls, Listen

# What `startgate plan` ends with where a start would fail.
WOULD_FAIL = 1
# Read without being asked where it lies in the working directory, as other servers do with theirs.
DEFAULT_FILE = Path("startgate.yml")


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


def _file(config_file: Path | None) -> Path | None:
    """The configuration file that is read, None where there is none."""
    return DEFAULT_FILE if config_file is None and DEFAULT_FILE.exists() else config_file


def _config(config_file: Path | None) -> Config:
    return load(_file(config_file), os.environ)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="startgate", message="%(package)s %(version)s")
def main() -> None:
    """A reverse proxy in front of Elasticsearch: it checks, prepares and records the start of data frame analytics."""


@main.command()
@config_option
@click.option(
    "--wait-for-cluster",
    "wait_s",
    type=Seconds(),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a cluster that does not answer yet.",
)
def serve(config_file: Path | None, wait_s: float) -> None:
    """Run the proxy. SIGTERM and Ctrl-C drain it, SIGHUP reads the rules again.

    Exit status: 2 configuration, rules or credentials are wrong; 3 the cluster does not answer; 4 an address cannot be
    listened on.
    """
    logs.configure("serve")
    with reported():
        sys.exit(asyncio.run(supervisor.serve(_config(config_file), wait_s=wait_s, announce=click.echo)))


@main.command(short_help="Validate configuration and rules.")
@config_option
@click.option("--rules", "rules_path", type=click.Path(path_type=Path), help="Rule file or folder to check instead.")
def check(config_file: Path | None, rules_path: Path | None) -> None:
    """Validate configuration and rules without starting anything. Exit status 2 where something is wrong."""
    faults: list[object] = []
    rules = rules_path
    try:
        config = _config(config_file)
        rules = rules or Path(config.rules)
    except ConfigError as error:
        faults += error.faults
    try:
        # Faults of the rules show even where the configuration is wrong, unless it is what names them.
        compiled = load_rules(rules) if rules else None
    except InvalidInput as error:
        faults += error.faults
        compiled = None
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    if faults:
        sys.exit(ExitStatus.INVALID)
    if compiled is not None:
        with printed():
            click.echo(f"configuration is good: {_file(config_file) or 'the defaults and the environment'}")
            click.echo(f"rules are good: {', '.join(compiled.files)} (revision {compiled.revision})")


@main.command(short_help="What a start of a job would do.")
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
        base = _base(url, "--url")
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
        _print_lines(show.lines(job, told))


@main.group(name="audit", cls=Commands)
def audit_group() -> None:
    """Read the audit record."""


journal_option = click.option(
    "--journal", "folder", type=click.Path(path_type=Path), help="Folder of the journal; else the configuration's."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The records themselves, one JSON object a line.")


def _journal(folder: Path | None, config_file: Path | None) -> Path:
    """The journal's folder, which must be there."""
    place = folder or Path(_config(config_file).journal)
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
        place = _journal(folder, config_file)
        if as_json:
            _print_records(journal.records(place))
        elif starts := journal.starts(place):
            _print_lines(audit.table(starts))
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
        place = _journal(folder, config_file)
        start = journal.start(place, receipt)
        if start is None:
            raise JournalError(f"no start with receipt {receipt} in {place}; `startgate audit list` shows all")
        if as_json:
            _print_records(start.records.values())
        else:
            _print_lines(Text.assemble((f"{heading:<13}", "dim"), text) for heading, text in audit.details(start))


def _print_records(records: Iterable[Mapping[str, Any]]) -> None:
    for record in records:
        click.echo(msgspec.json.encode(record))


def _print_lines(lines: Iterable[Text]) -> None:
    console = _console()
    for line in lines:
        # The terminal breaks what is too long for it, and a copied line stays one line.
        console.print(line, soft_wrap=True)


@main.command(short_help="Run the small in-process cluster of the demo.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=Port(), metavar="PORT", default=9200, show_default=True, help="Port to listen on; 0 for any."
)
@click.option("--in-front-of", "node", metavar="URL", help="Serve only _security and _ml, and pass the rest to a node.")
def embedded(host: str, port: int, node: str | None) -> None:
    """Run the small in-process cluster of the demo and the tests. Not for production."""
    logs.configure("embedded")
    with reported():
        asyncio.run(_embedded(host, port, _base(node, "--in-front-of") if node is not None else None))


def _base(url: str, option: str) -> str:
    """A node's base address that an option names. Raises ConfigError."""
    place = Place(option)
    return cluster_node(Node(value=url, place=place, key_place=place, folder=Path()))


async def _embedded(host: str, port: int, node: str | None) -> None:
    # Here and not above: what runs in production loads nothing of the embedded cluster.
    from proxy.embedded.app import serve_embedded  # noqa: PLC0415 -- see above
    from proxy.embedded.remote import RemoteNode  # noqa: PLC0415 -- see above
    from proxy.embedded.security.store import ELASTIC_PASSWORD  # noqa: PLC0415 -- see above

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if port:
        listeners.prove_free([Listen(host=host, port=port)])
    async with serve_embedded(host, port, backend=RemoteNode(node) if node else None) as cluster:
        behind = f" in front of {node}" if node else ""
        click.echo(f"embedded cluster ready: {cluster.url}{behind}; user elastic, password {ELASTIC_PASSWORD}")
        await stop.wait()


@main.command(short_help="See it work: a cluster, the proxy and 2,000 real flights.")
@click.option("--once", is_flag=True, help="End after the walk instead of staying up.")
@click.option(
    "--port", type=Port(), metavar="PORT", default=9400, show_default=True, help="The proxy's port; 0 for any."
)
@click.option(
    "--cluster-port", type=Port(), metavar="PORT", default=9401, show_default=True, help="The cluster's; 0 for any."
)
def demo(once: bool, port: int, cluster_port: int) -> None:
    """A cluster, the proxy and 2,000 real flights: a start denied, one refused, one granted, and their record."""
    from proxy.demo import walk  # noqa: PLC0415 -- as in `_embedded`

    logs.configure("demo", logging.ERROR)
    with reported():
        sys.exit(walk.run(_console(), once=once, port=port, cluster_port=cluster_port))


def _console() -> Console:
    return Console(highlight=False)
