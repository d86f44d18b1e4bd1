"""`startgate audit bypasses`: starts that the cluster knows and the journal does not, and the reverse."""

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import msgspec
from rich.text import Text

from proxy.bypasses.look import Looking, look
from proxy.bypasses.model import Finding, Report
from proxy.columns import Cell, lines
from proxy.commands.audit_options import TOLD, When
from proxy.commands.common import Seconds, config_option, print_lines, printed, read_config, reported
from proxy.errors import ExitStatus
from proxy.journal.entry import time_ms
from proxy.model import Credential
from proxy.settings import GateSettings
from proxy.ship.sinks import credential, transport

FOUND = 1
_WEEK_MS = int(timedelta(days=7).total_seconds() * 1000)


@click.command(name="bypasses", short_help="Starts that the cluster knows and the journal does not.")
@config_option
@click.option(
    "--journal",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder of a journal, given again for each replica; else the configuration's.",
)
@click.option(
    "--stream", metavar="NAME", help="Data stream with the records of all replicas; else the configuration's."
)
@click.option("--since", type=When(), help="From this time on: 2026-01-31T09:00:00Z, or 2h, 7d ago.  [default: 7d]")
@click.option(
    "--tolerance",
    "tolerance_s",
    type=Seconds(),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How far the clocks of nodes and gates may be apart.",
)
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
def audit_bypasses(
    config_file: Path | None,
    folders: tuple[Path, ...],
    stream: str | None,
    since: str | None,
    tolerance_s: float,
    as_json: bool,
) -> None:
    """Starts that the cluster knows and the journal does not, and starts that are on record and that the cluster never
    heard of. It asks with the service credential.

    Exit status: 0 nothing was found; 1 something was; 2 nothing was found, and not all that is needed could be read.
    """
    with reported(), printed():
        settings = read_config(config_file).gate_settings("")
        report = asyncio.run(_look(settings, folders, stream, since, round(tolerance_s * 1000)))
        if as_json:
            click.echo(msgspec.json.encode(report))
        else:
            print_lines(_table(report))
            for line in _about(report):
                click.echo(line, err=True)
        sys.exit(status(report))


async def _look(
    settings: GateSettings, folders: tuple[Path, ...], stream: str | None, since: str | None, tolerance_ms: int
) -> Report:
    now_ms = round(time.time() * 1000)
    sink = settings.sinks.elasticsearch
    service = Credential(
        whose="service", headers=(("authorization", settings.service),) if settings.service is not None else ()
    )
    asked = transport(settings)
    try:
        return await look(
            asked,
            service,
            credential(settings, sink) if sink is not None and stream is None else service,
            Looking(
                folders=_folders(settings, folders, stream),
                # Who names journals means those: what others shipped may not be theirs.
                stream=stream or (sink.data_stream if sink is not None and not folders else None),
                since_ms=time_ms(since) if since is not None else now_ms - _WEEK_MS,
                now_ms=now_ms,
                tolerance_ms=tolerance_ms,
            ),
        )
    finally:
        await asked.close()


def _folders(settings: GateSettings, folders: tuple[Path, ...], stream: str | None) -> tuple[Path, ...]:
    """The journals that are named; else the configuration's, which need not be there where a stream is named: the
    command may run anywhere."""
    own = Path(settings.journal)
    return folders or (() if stream is not None and not own.exists() else (own,))


def status(report: Report) -> int:
    """What the command ends with."""
    if report.findings:
        return FOUND
    # Silence of something that was not asked is no good news, and monitoring sees the status alone.
    unread = report.unread or any(source.needed and not source.read for source in report.sources)
    return ExitStatus.INVALID if unread or not report.until else ExitStatus.OK


def _table(report: Report) -> list[Text]:
    if not report.findings:
        return [Text("nothing was found")] if report.until else []
    return lines(("time (UTC)", "finding", "job", "told by", "receipt", "what"), [_row(one) for one in report.findings])


def _row(one: Finding) -> list[object]:
    time = one.at[:19].replace("T", " ") or "-"
    return [time, Cell(one.kind.value, "red"), one.job, one.source, one.receipt or "-", one.text]


def _about(report: Report) -> Iterator[str]:
    """What was asked, so that nobody takes silence for innocence."""
    if report.until:
        yield f"judged: from {report.since} to {report.until}"
    for source in report.sources:
        yield f"{source.name}: {'' if source.read else 'NOT READ: '}{source.text}"
    yield from report.notes
    for problem in report.unread[:TOLD]:
        yield f"error: {problem}"
    if len(report.unread) > TOLD:
        yield f"error: {len(report.unread) - TOLD} more of these; `startgate audit verify` tells what is wrong"
