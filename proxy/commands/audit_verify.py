"""`startgate audit verify`: is the journal as it was written?"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from proxy.commands.audit_options import DAMAGED, journal_folder, journal_option
from proxy.commands.common import config_option, printed, reported
from proxy.errors import ExitStatus, JournalError
from proxy.journal.checkpoints import is_signed, read_checkpoint
from proxy.journal.findings import Anchor, Verified
from proxy.journal.verify import verify
from proxy.rules.signed import NoKey
from proxy.text import plain


class Head(click.ParamType[Anchor]):
    """A record's number and hash, as an earlier run of this command printed them."""

    name = "seq:hash"

    def convert(self, value: str | Anchor, param: click.Parameter | None, ctx: click.Context | None) -> Anchor:
        """The anchor that a text stands for, as click wants it."""
        if isinstance(value, Anchor):
            return value
        found = re.fullmatch(r"([1-9]\d{0,17}):([0-9a-f]{64})", value.strip(), re.ASCII)
        if found is None:
            self.fail(f"{value!r} is no number and hash such as 120:0f…, with 64 hexadecimal digits", param, ctx)
        return Anchor(int(found[1]), found[2], "the head that was given")


@click.command(name="verify", short_help="Find what was changed, removed, inserted, moved or cut off.")
@config_option
@journal_option
@click.option("--checkpoint", type=click.Path(path_type=Path), help="File of signed checkpoints, kept elsewhere.")
@click.option("--key", "key_file", type=click.Path(path_type=Path), help="File with the public key for these (PEM).")
@click.option("--head", "heads", type=Head(), multiple=True, help="A record that must be there, may be given again.")
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON object.")
def audit_verify(
    config_file: Path | None,
    folder: Path | None,
    checkpoint: Path | None,
    key_file: Path | None,
    heads: tuple[Anchor, ...],
    as_json: bool,
) -> None:
    """Find records that were changed, removed, inserted, moved or cut off, by the chain of hashes. Records that are cut
    off the end are found by a checkpoint or a head that was kept elsewhere, and by nothing else.

    Exit status: 0 the journal is as it was written; 1 it is not; 2 journal, checkpoints or key cannot be read.
    """
    if (checkpoint is None) != (key_file is None):
        raise click.UsageError("--checkpoint and --key go together: a checkpoint without its signature proves nothing")
    with reported(), printed():
        place = journal_folder(folder, config_file)
        anchors = [*heads]
        if checkpoint is not None and key_file is not None:
            anchors += _checkpoints(checkpoint, _text(key_file))
        found = verify(place, anchors)
        if not found.files and found.whole:
            # A folder that was named by mistake, or emptied: nothing in it was looked at.
            raise JournalError(f"{place} holds no journal: there is no starts-*.jsonl in it")
        if as_json:
            click.echo(msgspec.json.encode(found))
        else:
            _print(found)
        sys.exit(ExitStatus.OK if found.whole else DAMAGED)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as failure:
        raise JournalError(f"{path} cannot be read: {getattr(failure, 'strerror', None) or failure}") from failure


def _checkpoints(path: Path, public_pem: str) -> Iterator[Anchor]:
    """The checkpoints in a file. Raises JournalError: one cannot be read, or is not signed by the key."""
    count = 0
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        if not _is_json(line):
            # A gate that is killed while it signs leaves half a line. Whoever can spoil a line can take it away, too.
            click.echo(f"{where} is cut short, as a crash leaves it: passed over", err=True)
            continue
        try:
            one = read_checkpoint(line.encode())
            signed = is_signed(one, public_pem)
        except NoKey as failure:
            raise JournalError(f"the file of --key {failure}") from failure
        except ValueError as failure:
            raise JournalError(f"{where} {failure}") from failure
        if not signed:
            raise JournalError(f"{where} is not signed by the key: it was changed, or the key is another's")
        count += 1
        yield Anchor(one.seq, one.hash, f"the checkpoint {where} of {one.time}", one.journal)
    if not count:
        raise JournalError(f"{path} holds no checkpoint")


def _is_json(line: str) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _print(found: Verified) -> None:
    for finding in found.findings:
        click.echo(plain(str(finding)))
    if found.more:
        click.echo(f"… and {_many(found.more, 'finding')} more")
    click.echo(_summary(found))
    if found.before:
        click.echo(
            f"{_many(found.before, 'record')} from before the chain: what an older version wrote, nothing proves"
        )
    if found.retired:
        click.echo(f"{_many(found.retired, 'record')} deleted by the gate, and that is on record")
    if found.unproven and found.anchors:
        text = "of them on record only behind what was given: a newer checkpoint or head proves that the gate did it"
        click.echo(f"{found.unproven} {text}")
    if found.head is not None:
        click.echo(f"head: {found.head.seq}:{found.head.hash} (journal {found.head.journal})")
    if not found.anchors:
        click.echo("nothing was given that was kept elsewhere (--checkpoint, --head): a cut at the end would not show")


def _summary(found: Verified) -> str:
    counted = f"{_many(found.records, 'record')} in {_many(found.files, 'file')}"
    if found.whole:
        return f"{counted}: whole" if found.records else f"{counted}: there is no chain"
    return f"{counted}: NOT WHOLE, {_many(len(found.findings) + found.more, 'finding')}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
