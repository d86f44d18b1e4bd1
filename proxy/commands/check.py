"""`startgate check`: configuration and rules, without starting anything."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from proxy.commands.common import config_option, config_path, printed, read_config
from proxy.errors import ConfigError, ExitStatus, Fault, InvalidInput
from proxy.identity.conflicts import identity_conflicts
from proxy.rules.compiled import Rules
from proxy.rules.load import load as load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.settings import IdentitySettings


@click.command(short_help="Validate configuration and rules.")
@config_option
@click.option("--rules", "rules_path", type=click.Path(path_type=Path), help="Rule file or folder to check instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, for CI.")
def check(config_file: Path | None, rules_path: Path | None, as_json: bool) -> None:
    """Validate configuration and rules without starting anything. Exit status 2 where something is wrong."""
    faults: list[Fault] = []
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
    with printed():
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(_document(faults, compiled))))
        else:
            _tell(faults, compiled, config_file)
    if faults:
        sys.exit(ExitStatus.INVALID)


def _tell(faults: list[Fault], rules: Rules | None, config_file: Path | None) -> None:
    for fault in faults:
        click.echo(f"error: {fault}", err=True)
    if rules is not None and not faults:
        click.echo(f"configuration is good: {config_path(config_file) or 'the defaults and the environment'}")
        click.echo(f"rules are good: {', '.join(rules.files)} (revision {rules.revision})")


def _document(faults: list[Fault], rules: Rules | None) -> dict[str, Any]:
    """Line and column count from 1, and are 0 where they mean nothing."""
    listed = [{"file": one.where, "line": one.line, "column": one.column, "message": one.message} for one in faults]
    return {"good": not faults, "revision": None if faults or rules is None else rules.revision, "faults": listed}
