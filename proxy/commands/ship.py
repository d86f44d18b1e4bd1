"""`startgate audit ship`: how far sinks are behind, shipping by hand, and what the data stream needs in the cluster."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.text import Text

from proxy.columns import lines
from proxy.commands.common import config_option, print_lines, printed, read_config, reported
from proxy.errors import CannotServe, ClusterUnreachable, ConfigError, ExitStatus, Fault, nearest
from proxy.settings import GateSettings, StreamSink
from proxy.ship import cursor, rejected, source
from proxy.ship.check import check
from proxy.ship.install import cluster_version, install
from proxy.ship.model import Sink, SinkFailure
from proxy.ship.shipper import Shipper, measured
from proxy.ship.sinks import credential, made, transport
from proxy.ship.templates import calls

# Something is not as it should be, and nothing that was written by the operator is wrong.
_AMISS = 1


@click.command(name="ship", short_help="Copies of the record elsewhere: how far behind, ship now, install, compare.")
@config_option
@click.option("--once", "mode", flag_value="once", help="Ship what is there now, and end; for where no gate runs.")
@click.option("--install", "mode", flag_value="install", help="Make the templates and the data stream in the cluster.")
@click.option("--print", "mode", flag_value="print", help="Print the calls that --install makes, and make none.")
@click.option("--check", "mode", flag_value="check", help="Compare the data stream with the journal.")
@click.option("--sink", "only", metavar="NAME", help="With --once: this sink alone.")
@click.option("--for", "version", metavar="VERSION", help="With --print: the cluster's version; else it is asked.")
def audit_ship(config_file: Path | None, mode: str | None, only: str | None, version: str | None) -> None:
    """Copies of the record elsewhere. Without an option: how far each sink is behind the journal.

    Exit status: 0 all is well; 1 a sink failed or rejected a record, or --check found a difference; 2 the configuration
    is wrong; 3 the cluster does not answer.
    """
    with reported(), printed(), _told():
        settings = read_config(config_file).gate_settings("")
        if mode == "once":
            asyncio.run(_once(settings, only))
        elif mode == "install":
            for line in asyncio.run(_install(settings)):
                click.echo(line)
        elif mode == "print":
            _print_calls(settings, version)
        elif mode == "check":
            _check(settings)
        else:
            print_lines(_status(settings))


@contextmanager
def _told() -> Iterator[None]:
    """What fails here as an exit status."""
    try:
        yield
    except SinkFailure as failure:
        raise CannotServe(_AMISS, str(failure)) from failure
    except ClusterUnreachable as failure:
        raise CannotServe(ExitStatus.UNREACHABLE, str(failure)) from failure


async def _once(settings: GateSettings, only: str | None) -> None:
    sinks = _chosen(made(settings), only)
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


async def _install(settings: GateSettings) -> list[str]:
    stream = _stream(settings)
    asked = transport(settings)
    try:
        return await install(asked, credential(settings, stream), stream.data_stream, stream.keep_days)
    finally:
        await asked.close()


def _print_calls(settings: GateSettings, version: str | None) -> None:
    """In the form that Kibana's console takes."""
    stream = _stream(settings)
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
