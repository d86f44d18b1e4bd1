"""`startgate fmt`: rule files in their canonical form."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from proxy.commands.common import config_option, printed, read_config, reported
from proxy.commands.rewriting import replace_text
from proxy.errors import ExitStatus, Fault, RulesError
from proxy.rules.formatted import formatted
from proxy.rules.load import CASES_SUFFIX

# What `--check` ends with where a file is not in its form.
WOULD_CHANGE = 1


@click.command(short_help="Lay rule files out in their canonical form.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@config_option
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change.")
def fmt(paths: tuple[Path, ...], config_file: Path | None, check: bool) -> None:
    """Lay rule files, and files of cases, out in their canonical form. PATH is a file, or a folder with `*.yml`; where
    none is given, the rules of the configuration. Comments and the order of keys stay; what the rules mean stays, and
    that is proven before anything is written. A broken file is left alone.

    Exit status: 0 all is well; 1 with --check, a file would change; 2 a file is broken.
    """
    with reported(), printed():
        places = paths or (Path(read_config(config_file).rules),)
        faults: list[Fault] = []
        changed = [file for file in _files(places) if _changed(file, faults, write=not check)]
        for file in changed:
            click.echo(f"{'would change' if check else 'changed'}: {file}")
        if faults:
            raise RulesError(faults)
        sys.exit(WOULD_CHANGE if check and changed else ExitStatus.OK)


def _files(places: tuple[Path, ...]) -> Iterator[Path]:
    for place in places:
        if not place.is_dir():
            yield place
            continue
        # Files of cases are the same YAML, and lie beside the rules.
        yield from sorted(path for path in place.glob("*.yml") if not path.name.startswith("."))
        yield from sorted(path for path in place.glob(f"*/*{CASES_SUFFIX}") if not path.name.startswith("."))


def _changed(file: Path, faults: list[Fault], *, write: bool) -> bool:
    try:
        text = file.read_bytes().decode()
        found, wrong = formatted(text, str(file))
        faults.extend(wrong)
        if found is None or found == text:
            return False
        if write:
            replace_text(file, found)
    except OSError as failure:
        faults.append(Fault(str(file), f"cannot be read and written: {failure.strerror}"))
        return False
    except UnicodeDecodeError as failure:
        faults.append(Fault(str(file), f"not UTF-8 (byte 0x{failure.object[failure.start]:02x})"))
        return False
    return True
