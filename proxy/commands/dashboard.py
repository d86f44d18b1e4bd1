"""`startgate audit dashboard`: saved objects for Kibana, over the data stream of the record."""

from pathlib import Path

import click

from proxy.commands.common import config_option, printed, read_config, reported
from proxy.ship.dashboard import ndjson

# As docs/shipping.md has it.
STREAM = "startgate-audit"


@click.command(name="dashboard", short_help="A dashboard for Kibana, as a file to import.")
@config_option
@click.option("--stream", metavar="NAME", help=f"The data stream; else the configuration's, else {STREAM}.")
def audit_dashboard(config_file: Path | None, stream: str | None) -> None:
    """A dashboard for Kibana over the shipped record, as saved objects: a file to import under Stack Management.
    Imported again, it replaces what is there.
    """
    with reported(), printed():
        if stream is None:
            sink = read_config(config_file).gate_settings("").sinks.elasticsearch
            stream = sink.data_stream if sink is not None else STREAM
        click.echo(ndjson(stream), nl=False)
