"""`startgate audit replay`: recorded starts judged again by other rules."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.text import Text

from proxy.commands.audit_options import check_span, journal_folder, journal_option, since_option, until_option
from proxy.commands.common import config_option, print_lines, printed, read_config, reported
from proxy.errors import ExitStatus
from proxy.journal import read as journal
from proxy.replay import Change, Replayed, replay
from proxy.rules.load import load as load_rules
from proxy.text import plain

# What the command ends with where a verdict would change, or cannot be told.
CHANGES = 1
_STYLES = {Change.ALLOWED_NOW: "green", Change.DENIED_NOW: "red", Change.CANNOT_TELL: "yellow"}


@click.command(name="replay", short_help="Judge recorded starts again by other rules.")
@config_option
@journal_option
@click.option("--rules", "rules_path", type=click.Path(path_type=Path), help="The other rules; else the configured.")
@since_option
@until_option
@click.option("--changed", "only_changed", is_flag=True, help="Leave out starts of which it cannot be told.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, and no summary.")
def audit_replay(
    config_file: Path | None,
    folder: Path | None,
    rules_path: Path | None,
    since: str | None,
    until: str | None,
    only_changed: bool,
    as_json: bool,
) -> None:
    """Judge recorded starts again by other rules, which need not be sealed yet, and list those whose verdict would
    change, with the reasons. Nothing is asked of a cluster: what was not on record then is said, not guessed.

    Exit status: 0 every verdict stays; 1 one would change, or cannot be told; 2 journal or rules cannot be read.
    """
    check_span(since, until)
    with reported(), printed():
        rules = load_rules(rules_path or Path(read_config(config_file).rules), draft=True)
        place = journal_folder(folder, config_file)
        found = replay(journal.records(place), rules, _within(since, until))
        if only_changed:
            found = (one for one in found if one.change is not Change.CANNOT_TELL)
        counts: Counter[Change] = Counter()
        _print(_counted(found, counts), as_json=as_json)
        if not as_json:
            click.echo(summary(counts))
        stays = counts.total() == counts[Change.SAME]
        sys.exit(ExitStatus.OK if stays else CHANGES)


def _counted(found: Iterable[Replayed], counts: Counter[Change]) -> Iterator[Replayed]:
    """Those whose verdict does not stay, one at a time: there may be millions."""
    for one in found:
        counts[one.change] += 1
        if one.change is not Change.SAME:
            yield one


def _print(found: Iterable[Replayed], *, as_json: bool) -> None:
    for one in found:
        if as_json:
            click.echo(msgspec.json.encode(one))
        else:
            print_lines(lines(one))


def lines(one: Replayed) -> Iterator[Text]:
    """Time, verdict then and now, user, job and receipt of a start, and below it why."""
    then = "allowed" if one.allowed else "denied"
    yield Text.assemble(
        (f"{plain(one.at[:19]).replace('T', ' ')}  ", "dim"),
        (f"{then:<7} -> {one.change.value:<11}", _STYLES.get(one.change, "")),
        f"  {plain(one.user) or '-'}  {plain(one.job) or '-'}  ",
        (plain(one.receipt[:12]), "dim"),
    )
    for reason in one.reasons if one.change is Change.DENIED_NOW else (one.why,) if one.why else ():
        yield Text(f"    {plain(reason)}", style="dim")


def summary(counts: Counter[Change]) -> str:
    """`12 starts: 10 stay, 1 allowed now, 1 denied now, 0 cannot be told`."""
    told = {
        Change.SAME: "stay",
        Change.ALLOWED_NOW: "allowed now",
        Change.DENIED_NOW: "denied now",
        Change.CANNOT_TELL: "cannot be told",
    }
    return f"{counts.total()} starts: {', '.join(f'{counts[change]} {words}' for change, words in told.items())}"


def _within(since: str | None, until: str | None) -> Callable[[str], bool]:
    first, last = (None if text is None else _moment(text) for text in (since, until))

    def within(at: str) -> bool:
        if first is None and last is None:
            return True
        moment = _moment(at)
        # A record without a time that can be read is shown rather than lost.
        return moment is None or ((first is None or moment >= first) and (last is None or moment < last))

    return within


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
