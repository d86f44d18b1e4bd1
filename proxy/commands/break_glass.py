"""`startgate break-glass`: keys, and signed entries for rule files."""

import os
import re
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from proxy.commands.common import Commands, reported
from proxy.errors import ConfigError, Fault
from proxy.rules.language import ID
from proxy.rules.signed import LONGEST_MS, REASON_CHARS, NoKey, canonical, private_key, signature

_UNITS_MS = {"m": 60_000, "h": 3_600_000}


@click.group(name="break-glass", cls=Commands, short_help="Exceptions for an emergency.")
def break_glass_group() -> None:
    """Exceptions for an emergency: keys, and signed entries for rule files."""


@break_glass_group.command(name="keygen", short_help="Make a pair of keys.")
@click.argument("file", type=click.Path(path_type=Path))
def keygen(file: Path) -> None:
    """Make a private key in FILE (mode 0600), and its public key in FILE.pub.

    Whoever holds the private key can make exceptions: keep it away from the machine that Startgate runs on. The public
    one goes into the configuration.
    """
    with reported():
        key = Ed25519PrivateKey.generate()
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        beside = file.with_name(file.name + ".pub")
        _write_new(file, secret, 0o600)
        _write_new(beside, public, 0o644)
        click.echo(f"break_glass: {{public_keys: {{{file.stem}: {beside.absolute()}}}}}")


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """A key that is there already is somebody's. Raises ConfigError."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as failure:
        raise ConfigError([Fault(str(path), f"cannot be made: {failure.strerror or failure}")]) from None


@break_glass_group.command(name="sign", short_help="Print a signed entry for a rule file.")
@click.option("--key", "key_file", type=click.Path(path_type=Path), required=True, help="File with the private key.")
@click.option("--signed-by", "name", help="The key's name in the configuration; else the file's, without its ending.")
@click.option("--id", "entry_id", required=True, help="Names the exception, such as the incident it is for.")
@click.option("--users", required=True, help="Patterns of user names, with commas between.")
@click.option("--jobs", required=True, help="Patterns of job ids, with commas between.")
@click.option("--for", "duration", required=True, metavar="TIME", help="How long: 90m, or 2h; 24h at most.")
@click.option("--from", "begin", metavar="TIME", help="From when on: 2026-11-24T10:00:00Z; now where absent.")
@click.option("--reason", required=True, help="Why; stands in every record of a start that it lets pass.")
def sign(
    key_file: Path,
    name: str | None,
    entry_id: str,
    users: str,
    jobs: str,
    duration: str,
    begin: str | None,
    reason: str,
) -> None:
    """Print a signed entry for a rule file: put it under `break_glass:`."""
    with reported():
        key = _private_key(key_file)
        start_ms = int(time.time()) * 1000 if begin is None else _instant_ms(begin)
        until_ms = start_ms + _duration_ms(duration)
        named_users, named_jobs = _names("--users", users), _names("--jobs", jobs)
        if not re.fullmatch(ID, entry_id, re.ASCII):
            text = "must be up to 64 of a-z, 0-9, `.`, `_` and `-`, the first a letter or a digit"
            raise ConfigError([Fault("--id", text)])
        _check_text("--reason", reason, REASON_CHARS)
        said = canonical(entry_id, start_ms, until_ms, named_users, named_jobs, reason)
        values = {
            "id": _quoted(entry_id),
            "from": _quoted(_shown(start_ms)),
            "until": _quoted(_shown(until_ms)),
            "users": f"[{', '.join(map(_quoted, named_users))}]",
            "jobs": f"[{', '.join(map(_quoted, named_jobs))}]",
            "reason": _quoted(reason),
            "signed_by": _quoted(name or key_file.stem),
            "signature": _quoted(signature(key, said)),
        }
        lines = [
            f"{'  - ' if not number else '    '}{key}: {value}" for number, (key, value) in enumerate(values.items())
        ]
        click.echo("\n".join(["break_glass:", *lines]))
        if "*" in named_users and "*" in named_jobs:
            click.echo("warning: this lets everybody start every job", err=True)
    sys.exit(0)


def _private_key(file: Path) -> Ed25519PrivateKey:
    try:
        return private_key(file.read_text())
    except (OSError, UnicodeDecodeError) as failure:
        why = failure.strerror if isinstance(failure, OSError) else "it is no text"
        raise ConfigError([Fault("--key", f"{file} cannot be read: {why}")]) from None
    except NoKey as failure:
        raise ConfigError([Fault("--key", f"{file} {failure}")]) from None


def _duration_ms(written: str) -> int:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mh])", written)
    if found is None:
        raise ConfigError([Fault("--for", f"must be a time such as 90m or 2h, and is {written!r}")])
    duration_ms = int(found[1]) * _UNITS_MS[found[2]]
    if duration_ms > LONGEST_MS:
        # As it would be in a rule file.
        raise ConfigError([Fault("--for", f"{written} is more than {LONGEST_MS // _UNITS_MS['h']}h")])
    return duration_ms


def _instant_ms(written: str) -> int:
    """A time in UTC, to the second, in milliseconds since 1970."""
    try:
        at = datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        text = f"must be a time in UTC such as 2026-11-24T10:00:00Z, and is {written!r}"
        raise ConfigError([Fault("--from", text)]) from None
    return int(at.timestamp()) * 1000


def _names(option: str, written: str) -> tuple[str, ...]:
    names = tuple(piece.strip() for piece in written.split(","))
    if not all(names):
        raise ConfigError([Fault(option, "an empty name stands between the commas")])
    for name in names:
        _check_text(option, name, 1024)
    return names


def _check_text(option: str, written: str, limit: int) -> None:
    if not written.strip() or len(written) > limit or not written.isprintable():
        raise ConfigError([Fault(option, f"must be one line of text, {limit} characters at most")])


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar, which nothing is read into."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shown(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms // 1000, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
