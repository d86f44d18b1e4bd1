"""`startgate seal`: write the seal into the rules, as the last step of a change that is meant."""

import sys
from pathlib import Path

import click

from proxy.commands.common import config_option, printed, read_config, reported
from proxy.commands.rewriting import replace_text
from proxy.errors import ExitStatus, Fault, RulesError
from proxy.rules.compiled import Rules
from proxy.rules.load import load, rule_files
from proxy.rules.seal import holds_seal, needs_seal, sealed

# What `--check` ends with where the seal does not fit.
WOULD_CHANGE = 1


@click.command(short_help="Seal the rules: nothing is lost unnoticed.")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@config_option
@click.option("--check", is_flag=True, help="Write nothing; say whether the seal fits.")
def seal(path: Path | None, config_file: Path | None, check: bool) -> None:
    """Write the seal into the rules at PATH, a file or a folder; where none is given, those of the configuration. The
    rules must be good otherwise. Look at what changed first: from then on the rules count as they are.

    Exit status: 0 the rules are sealed; 1 with --check, the seal does not fit; 2 the rules are wrong.
    """
    with reported(), printed():
        place = path or Path(read_config(config_file).rules)
        rules = load(place, draft=True)
        file = _place(place)
        text = file.read_bytes().decode()
        found = sealed(text, rules.seal) if needs_seal(rules) or holds_seal(text) else text
        if found == text:
            click.echo(f"sealed: {rules.seal if holds_seal(text) else 'these rules need no seal'}")
        elif check:
            click.echo(f"does not fit: {file} (seal: {rules.seal})")
            sys.exit(WOULD_CHANGE)
        else:
            _write(place, file, found, rules)
            click.echo(f"sealed: {file} (seal: {rules.seal})")
        sys.exit(ExitStatus.OK)


def _place(place: Path) -> Path:
    """The file that has the seal, or will have it: the first that can."""
    texts = {file: file.read_bytes().decode() for file in rule_files(place).values()}
    have = [file for file, text in texts.items() if holds_seal(text)]
    section = [file for file, text in texts.items() if "\nstart_data_frame_analytics:" in f"\n{text}"]
    return next(iter([*have, *section, *texts]))


def _write(place: Path, file: Path, text: str, rules: Rules) -> None:
    """Write the text, and take it back where the rules do not hold it for sealed."""
    before = file.read_bytes().decode()
    try:
        replace_text(file, text)
        if load(place, draft=True).seal == rules.seal:
            return
        fault = Fault(str(file), f"has no place for a seal that can be found; write it yourself (seal: {rules.seal})")
    except RulesError as error:
        fault = error.faults[0]
    except OSError as failure:
        raise RulesError([Fault(str(file), f"cannot be written: {failure.strerror}")]) from None
    replace_text(file, before)
    raise RulesError([fault])
