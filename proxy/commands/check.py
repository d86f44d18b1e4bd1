"""`startgate check`: configuration and rules, without starting anything."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.commands.common import config_option, config_path, printed, read_config
from proxy.errors import ConfigError, ExitStatus, InvalidInput
from proxy.identity.conflicts import identity_conflicts
from proxy.rules.load import load as load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.settings import IdentitySettings


@click.command(short_help="Validate configuration and rules.")
@config_option
@click.option("--rules", "rules_path", type=click.Path(path_type=Path), help="Rule file or folder to check instead.")
def check(config_file: Path | None, rules_path: Path | None) -> None:
    """Validate configuration and rules without starting anything. Exit status 2 where something is wrong."""
    faults: list[object] = []
    rules = rules_path
    keys: Mapping[str, str] = {}
    identity: IdentitySettings | None = None
    try:
        config = read_config(config_file)
        keys, identity = config.break_glass_keys, config.identity
        rules = rules or Path(config.rules)
    except ConfigError as error:
        faults += error.faults
    try:
        # Faults of the rules show even where the configuration is wrong, unless it is what names them.
        compiled = load_rules(rules, keys) if rules else None
        faults += [] if compiled is None else identity_conflicts(identity, compiled)
    except InvalidInput as error:
        faults += error.faults
        compiled = None
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    if faults:
        sys.exit(ExitStatus.INVALID)
    if compiled is not None:
        with printed():
            click.echo(f"configuration is good: {config_path(config_file) or 'the defaults and the environment'}")
            click.echo(f"rules are good: {', '.join(compiled.files)} (revision {compiled.revision})")
