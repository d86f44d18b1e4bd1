"""The command `startgate`. Each command reads its options, calls one function, and maps errors to exit statuses.

`serve` and `demo` stand here; the others have modules of their own in `proxy.commands`, imported when asked for.
"""

import asyncio
import sys
from pathlib import Path
from types import MappingProxyType

import click

from proxy import logs
from proxy.commands.common import Port, Seconds, config_option, console, read_config, reported
from proxy.commands.late import LateCommands
from proxy.errors import ConfigError, Fault
from proxy.logs.settings import Levels, LogSettings


class Program(LateCommands):
    """All commands by their names."""

    late = MappingProxyType(
        {
            "audit": "proxy.commands.audit:audit_group",
            "break-glass": "proxy.commands.break_glass:break_glass_group",
            "check": "proxy.commands.check:check",
            "doctor": "proxy.commands.doctor:doctor",
            "embedded": "proxy.commands.embedded:embedded",
            "explain": "proxy.commands.explain:explain",
            "export": "proxy.commands.export:export_group",
            "fmt": "proxy.commands.fmt:fmt",
            "init": "proxy.commands.init:init",
            "log": "proxy.commands.log:log_group",
            "plan": "proxy.commands.plan:plan",
            "rules": "proxy.commands.rules:rules_group",
            "schema": "proxy.commands.schema:schema",
            "seal": "proxy.commands.seal:seal",
            "status": "proxy.commands.status:status",
            "test": "proxy.commands.test:test",
            "top": "proxy.commands.top:top",
        }
    )


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
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
    from proxy import supervisor  # noqa: PLC0415 -- no other command needs it, nor the clients of the cluster with it

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
