"""`startgate audit ship`: how far sinks are behind, shipping by hand, and what the data stream needs in the cluster."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.text import Text

from proxy.columns import lines
from proxy.commands.asking import authorization
from proxy.commands.common import config_option, print_lines, printed, read_config, reported
from proxy.errors import CannotServe, ClusterUnreachable, ConfigError, ExitStatus, Fault, JournalError, nearest
from proxy.settings import GateSettings, StreamSink
from proxy.ship import cursor, rejected, source
from proxy.ship.check import check
from proxy.ship.install import cluster_version, install
from proxy.ship.model import Sink, SinkFailure
from proxy.ship.shipper import Shipper, measured
from proxy.ship.sinks import credential, made, transport
from proxy.ship.templates import calls

Command = TypeVar("Command", bound=Callable[..., Any])

# Something is not as it should be, and nothing that was written by the operator is wrong.
_AMISS = 1
# Which option goes with which.
_OF = {"sink": "once", "for": "print", "user": "install", "api-key-file": "install"}


def _mode(name: str, help_text: str) -> Callable[[Command], Command]:
    """An option that says what is to be done. Two of them are told from one: the last would win without a word."""
    return click.option(f"--{name}", "modes", flag_value=name, multiple=True, help=help_text)


@click.command(name="ship", short_help="Copies of the record elsewhere: how far behind, ship now, install, compare.")
@config_option
@_mode("once", "Ship what is there now, and end; for where no gate runs.")
@_mode("install", "Make the templates and the data stream in the cluster.")
@_mode("print", "Print the calls that --install makes, and make none.")
@_mode("check", "Compare the data stream with the journal.")
@click.option("--sink", "only", metavar="NAME", help="With --once: this sink alone.")
@click.option("--for", "version", metavar="VERSION", help="With --print: the cluster's version; else it is asked.")
@click.option(
    "--user", metavar="NAME", help="With --install: as this user; the password is in STARTGATE_PASSWORD, or asked for."
)
@click.option("--api-key-file", "key_file", metavar="FILE", help="With --install: with the API key in this file.")
def audit_ship(
    config_file: Path | None,
    modes: tuple[str, ...],
    only: str | None,
    version: str | None,
    user: str | None,
    key_file: str | None,
) -> None:
    """Copies of the record elsewhere. Without an option: how far each sink is behind the journal.

    --install asks with the sink's own credential, else the service credential; --user or --api-key-file name another.

    Exit status: 0 all is well; 1 a sink failed or rejected a record, or --check found a difference; 2 the configuration
    is wrong; 3 the cluster does not answer.
    """
    mode = _only_mode(modes, {"sink": only, "for": version, "user": user, "api-key-file": key_file})
    with reported(), printed(), _told():
        settings = read_config(config_file).gate_settings("")
        if mode == "once":
            sinks = _chosen(made(settings), only)
            if not Path(settings.journal).exists():
                raise JournalError(f"there is no journal at {settings.journal}")
            asyncio.run(_once(settings, sinks))
        elif mode == "install":
            stream = _stream(settings)
            asked = authorization(user, key_file) or stream.authorization
            for line in asyncio.run(_install(settings, replace(stream, authorization=asked))):
                click.echo(line)
        elif mode == "print":
            _print_calls(settings, version)
        elif mode == "check":
            _check(settings)
        else:
            print_lines(_status(settings))


def _only_mode(modes: tuple[str, ...], given: Mapping[str, str | None]) -> str | None:
    """What is to be done, None for the status. Raises click.UsageError: two things, or an option of another one."""
    if len(set(modes)) > 1:
        raise click.UsageError(f"{' and '.join(f'--{one}' for one in modes)} exclude each other")
    mode = modes[0] if modes else None
    for option, value in given.items():
        if value is not None and _OF[option] != mode:
            raise click.UsageError(f"--{option} goes with --{_OF[option]}")
    return mode


@contextmanager
def _told() -> Iterator[None]:
    """What fails here as an exit status."""
    try:
        yield
    except SinkFailure as failure:
        raise CannotServe(_AMISS, str(failure)) from failure
    except ClusterUnreachable as failure:
        raise CannotServe(ExitStatus.UNREACHABLE, str(failure)) from failure


async def _once(settings: GateSettings, sinks: Sequence[Sink]) -> None:
    failed: list[str] = []
    try:
        for sink in sinks:
            shipper = Shipper(Path(settings.journal), sink, settings.sinks.limits)
            try:
                await shipper.all_there_is()
            except SinkFailure as failure:
                failed.append(f"{sink.name}: {failure}")
            status = shipper.status
            click.echo(f"{sink.name}: {status.accepted} records shipped, {status.rejected} rejected", err=True)
            if status.rejected:
                failed.append(f"{sink.name}: see {rejected.rejected_path(Path(settings.journal), sink.name)}")
    finally:
        await asyncio.gather(*(sink.close() for sink in sinks))
    if failed:
        raise SinkFailure("; ".join(failed))


def _chosen(sinks: list[Sink], only: str | None) -> list[Sink]:
    """The sinks that are meant. Raises ConfigError where there is none."""
    names = [sink.name for sink in sinks]
    if not names:
        raise ConfigError([Fault("journal.sinks", "names no sink: there is nowhere to ship to")])
    if only is not None and only not in names:
        message = f"{only!r} is no sink of the configuration{nearest(only, names)}; there: {', '.join(names)}"
        raise ConfigError([Fault("--sink", message)])
    return [sink for sink in sinks if only in (None, sink.name)]


def _stream(settings: GateSettings) -> StreamSink:
    stream = settings.sinks.elasticsearch
    if stream is None:
        key = "journal.sinks.elasticsearch.data_stream"
        raise ConfigError([Fault(key, "is not set: there is no data stream")])
    return stream


async def _install(settings: GateSettings, stream: StreamSink) -> list[str]:
    asked = transport(settings)
    try:
        return await install(asked, credential(settings, stream), stream.data_stream, stream.keep_days)
    finally:
        await asked.close()


def _print_calls(settings: GateSettings, version: str | None) -> None:
    """In the form that Kibana's console takes."""
    stream = _stream(settings)
    if version is not None and not re.match(r"\d+\.\d+\b", version, re.ASCII):
        raise ConfigError([Fault("--for", f"{version!r} is no version such as 8.15.0")])
    known = version or asyncio.run(_version(settings, stream))
    for call in calls(stream.data_stream, stream.keep_days, known):
        click.echo(f"{call.method} {call.path}")
        if call.body is not None:
            click.echo(msgspec.json.format(msgspec.json.encode(call.body), indent=2))
        click.echo()


async def _version(settings: GateSettings, stream: StreamSink) -> str:
    asked = transport(settings)
    try:
        return await cluster_version(asked, credential(settings, stream))
    finally:
        await asked.close()


def _check(settings: GateSettings) -> None:
    found = asyncio.run(check(settings))
    own, held = found.own, found.held
    for finding in found.findings:
        click.echo(finding)
    click.echo(f"journal {own.journal}: {held.count} documents for the records from {own.first} to {own.last}")
    # In the form that `audit verify --head` takes.
    click.echo(f"newest in the stream: {f'{held.seq}:{held.hash}' if held.seq else 'none'}")
    click.echo(f"shipped up to number {own.last} of {source.head(Path(settings.journal)).seq} in the journal")
    if own.rejected:
        click.echo(f"{len(own.rejected)} records were rejected by the cluster, and are kept beside the journal")
    if found.findings:
        raise SinkFailure("the data stream does not hold what the journal holds")


def _status(settings: GateSettings) -> list[Text]:
    folder = Path(settings.journal)
    names = [sink.name for sink in _chosen(made(settings), None)]
    return lines(
        ("sink", "behind", "oldest_s", "bytes", "rejected", "shipped to"), [_row(folder, name) for name in names]
    )


def _row(folder: Path, name: str) -> list[object]:
    at = cursor.load(folder, name)
    lag = measured(folder, at or source.beginning(folder))
    place = f"{at.file}:{at.offset} (number {at.seq})" if at is not None else "nothing yet"
    return [name, lag.records, round(lag.seconds), lag.bytes, rejected.count(folder, name), place]
