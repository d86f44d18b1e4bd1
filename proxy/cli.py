"""The command `startgate`. Each command reads its options, calls one function, and maps errors to exit statuses.

`serve` and `demo` stand here; the others have modules of their own in `proxy.commands`.
"""

import asyncio
import sys
from pathlib import Path

import click

from proxy import logs, supervisor
from proxy.commands.audit import audit_group
from proxy.commands.audit_export import audit_export
from proxy.commands.audit_status import audit_status
from proxy.commands.audit_tail import audit_tail
from proxy.commands.audit_verify import audit_verify
from proxy.commands.break_glass import break_glass_group
from proxy.commands.bypasses import audit_bypasses
from proxy.commands.check import check
from proxy.commands.common import Commands, Port, Seconds, config_option, console, read_config, reported
from proxy.commands.dashboard import audit_dashboard
from proxy.commands.doctor import doctor
from proxy.commands.embedded import embedded
from proxy.commands.explain import explain
from proxy.commands.export import export_group
from proxy.commands.fmt import fmt
from proxy.commands.init import init
from proxy.commands.log import log_group
from proxy.commands.plan import plan
from proxy.commands.replay import audit_replay
from proxy.commands.rules import rules_group
from proxy.commands.schema import schema
from proxy.commands.seal import seal
from proxy.commands.ship import audit_ship
from proxy.commands.status import status
from proxy.commands.test import test
from proxy.commands.top import top
from proxy.errors import ConfigError, Fault
from proxy.logs.settings import Levels, LogSettings


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
@click.option("--takeover", is_flag=True, help="Take over from the version that runs with the same journal.")
def serve(config_file: Path | None, wait_s: float, takeover: bool) -> None:
    """Run the proxy. SIGTERM and Ctrl-C drain it, SIGHUP reads the rules again.

    Exit status: 2 configuration, rules or credentials are wrong; 3 the cluster does not answer; 4 an address cannot be
    listened on.
    """
    logs.configure("serve")
    with reported():
        config = read_config(config_file)
        _log_as(config.log)

        def levels() -> Levels:
            return read_config(config_file).log.levels

        serving = supervisor.serve(config, wait_s=wait_s, announce=click.echo, takeover=takeover, levels=levels)
        sys.exit(asyncio.run(serving))


def _log_as(settings: LogSettings) -> None:
    try:
        logs.configure("serve", settings)
    except OSError as failure:
        raise ConfigError([Fault("log.path", f"{settings.path} cannot be written: {failure.strerror}")]) from None


@main.command(short_help="See it work: a cluster, the proxy and 2,000 real flights.")
@click.option("--once", is_flag=True, help="End after the walk instead of staying up.")
@click.option(
    "--port", type=Port(), metavar="PORT", default=9400, show_default=True, help="The proxy's port; 0 for any."
)
@click.option(
    "--cluster-port", type=Port(), metavar="PORT", default=9401, show_default=True, help="The cluster's; 0 for any."
)
@click.option(
    "--admin-port", type=Port(), metavar="PORT", default=9402, show_default=True, help="The page's; 0 for any."
)
def demo(once: bool, port: int, cluster_port: int, admin_port: int) -> None:
    """A cluster, the proxy and 2,000 real flights: a start denied, one refused, one granted, and their record."""
    from proxy.demo import walk  # noqa: PLC0415 -- what runs in production loads nothing of the demo

    logs.configure("demo", LogSettings(levels=Levels(level="error")))
    with reported():
        sys.exit(walk.run(console(), once=once, port=port, cluster_port=cluster_port, admin_port=admin_port))


for reading in (audit_replay, audit_export, audit_tail, audit_verify):
    audit_group.add_command(reading)
audit_group.add_command(audit_bypasses)
audit_group.add_command(audit_dashboard)
audit_group.add_command(audit_ship)
audit_group.add_command(audit_status)
main.add_command(status)
main.add_command(top)
for command in (
    audit_group,
    break_glass_group,
    check,
    doctor,
    embedded,
    explain,
    export_group,
    fmt,
    init,
    log_group,
    plan,
    rules_group,
    schema,
    seal,
    test,
):
    main.add_command(command)
