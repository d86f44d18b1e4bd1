"""`startgate doctor`: everything that a Startgate needs, looked at; and what to do about what is amiss."""

import asyncio
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from proxy.commands.common import base_address, config_option, config_path, print_lines, printed, read_config, reported
from proxy.config import Config
from proxy.errors import ConfigError, Fault, InvalidInput, nearest
from proxy.identity.conflicts import identity_conflicts
from proxy.rules.load import load as load_rules

if TYPE_CHECKING:
    from proxy.doctor.model import Finding, Report
    from proxy.rules.compiled import Rules


@click.command(short_help="Look at everything that it needs: cluster, credential, disk, limits, ways round it.")
@config_option
@click.option("--skip", "skipped", multiple=True, metavar="CHECK", help="Leave out what you know of; may be repeated.")
@click.option("--replica", "replicas", multiple=True, metavar="URL", help="Admin port of another replica; repeatable.")
@click.option("--ca", type=click.Path(path_type=Path), help="PEM file with the authorities of those admin ports.")
@click.option("--as-client", is_flag=True, help="On a client's machine: whether a node can be reached past Startgate.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def doctor(
    config_file: Path | None,
    skipped: tuple[str, ...],
    replicas: tuple[str, ...],
    ca: Path | None,
    as_client: bool,
    as_json: bool,
) -> None:
    """Look at configuration, cluster, service credential, ways round the gate, journal, system, certificates, and at
    what runs. Nothing is changed on the cluster.

    Exit status: 0 all is well, or could not be looked at; 1 something needs attention; 2 something does not work.
    """
    # Here and not above: what runs in production loads nothing of this.
    from proxy.doctor.examine import complete  # noqa: PLC0415 -- see above
    from proxy.doctor.model import Report  # noqa: PLC0415 -- see above
    from proxy.doctor.show import lines  # noqa: PLC0415 -- see above

    with reported(), printed():
        _known(skipped)
        others = tuple(base_address(url, "--replica") for url in replicas)
        report = Report(findings=complete(_findings(config_file, others, ca, as_client=as_client), skipped))
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(_document(report))))
        else:
            print_lines(lines(report))
        sys.exit(report.exit_status)


def _known(skipped: tuple[str, ...]) -> None:
    from proxy.doctor.model import CHECKS  # noqa: PLC0415 -- see above

    faults = [
        Fault("--skip", f"no such check {name!r}{nearest(name, CHECKS)}; checks: {', '.join(CHECKS)}")
        for name in skipped
        if name not in CHECKS
    ]
    if faults:
        raise ConfigError(faults)


def _findings(
    config_file: Path | None, replicas: tuple[str, ...], ca: Path | None, *, as_client: bool
) -> list["Finding"]:
    from proxy.doctor import bypass, examine  # noqa: PLC0415 -- see above
    from proxy.doctor.model import Patient  # noqa: PLC0415 -- see above

    if ca is not None:
        _authorities(ca)
    try:
        config = read_config(config_file)
    except ConfigError as error:
        return examine.unconfigured(error.faults)
    if as_client:
        return asyncio.run(bypass.as_client(config.nodes))
    rules, faults = _rules(config)
    patient = Patient(
        listens=config.listen,
        workers=config.workers,
        edge=config.edge_settings(""),
        gate=config.gate_settings(""),
        rules=rules,
        admin=config.admin,
        replicas=replicas,
        replicas_ca=None if ca is None else str(ca),
    )
    where = str(config_path(config_file) or "the defaults and the environment")
    return [*examine.configured(where, rules, faults), *asyncio.run(examine.examine(patient))]


def _authorities(ca: Path) -> None:
    try:
        ssl.create_default_context(cafile=ca)
    except OSError as failure:  # of which SSLError is one
        why = failure.strerror or "it holds no certificate in PEM form"
        raise ConfigError([Fault("--ca", f"{ca} cannot be used: {why}")]) from None


def _rules(config: Config) -> tuple["Rules | None", list[Fault]]:
    try:
        rules = load_rules(Path(config.rules), config.break_glass_keys)
    except InvalidInput as error:
        return None, list(error.faults)
    conflicts = identity_conflicts(config.identity, rules)
    return (None, list(conflicts)) if conflicts else (rules, [])


def _document(report: "Report") -> dict[str, object]:
    return {
        "exit_status": report.exit_status,
        "counts": {str(state): count for state, count in report.counts().items()},
        "findings": report.findings,
    }
