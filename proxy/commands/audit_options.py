"""What the commands that read the journal share: where it is, what is asked of it, and how damage is told."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from proxy.commands.common import read_config
from proxy.errors import ExitStatus, JournalError
from proxy.journal.lines import Problem
from proxy.journal.moment import EXAMPLES, moment
from proxy.journal.query import Kind, Name, Query, Result

T = TypeVar("T")

# What a command ends with that could not read all of the journal, or found it wrong.
DAMAGED = 1
# So many lines that cannot be read are told; all are counted.
TOLD = 20

journal_option = click.option(
    "--journal", "folder", type=click.Path(path_type=Path), help="Folder of the journal; else the configuration's."
)
json_option = click.option("--json", "as_json", is_flag=True, help="The records themselves, one JSON object a line.")
csv_option = click.option("--csv", "as_csv", is_flag=True, help="A table as CSV (RFC 4180), with a heading.")
kind_option = click.option(
    "--kind",
    "kinds",
    type=click.Choice([*(kind.value for kind in Kind), "all"]),
    multiple=True,
    help="Kind of record, may be given again.",
)


class When(click.ParamType[str]):
    """A moment: a date or a time of RFC 3339, or how long ago. As records have it: in UTC, to the millisecond."""

    name = "time"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The moment that a text stands for, as click wants it."""
        found = moment(value, datetime.now(UTC))
        if found is None:
            self.fail(f"{value!r} is no time such as {EXAMPLES}", param, ctx)
        return found


def asked(command: Callable[..., T]) -> Callable[..., T]:
    """Gives a command the options that say which starts are asked for, as one argument `query`."""
    return _with_query(command, _FILTERS)


def asked_of_records(command: Callable[..., T]) -> Callable[..., T]:
    """The same for single records, which do not tell how their start ended."""
    return _with_query(command, _FILTERS[:-1])


def _with_query(command: Callable[..., T], options: Sequence[Callable[..., Any]]) -> Callable[..., T]:
    @wraps(command)
    def with_query(**arguments: Any) -> T:  # noqa: ANN401 -- what the command itself takes
        names = {name: arguments.pop(name) for name in ("user", "job", "index")}
        query = Query(
            since=arguments.pop("since"),
            until=arguments.pop("until"),
            results=frozenset(map(Result, arguments.pop("verdicts", ()))),
            **{name: None if text is None else Name(text) for name, text in names.items()},
        )
        check_span(query.since, query.until)
        return command(query=query, **arguments)

    for option in reversed(options):
        with_query = option(with_query)
    return with_query


def check_span(since: str | None, until: str | None) -> None:
    """Raises click.UsageError where there is no time between two moments of `When`."""
    if since is not None and until is not None and until <= since:
        raise click.UsageError(f"--until {until} is not after --since {since}: there is no time in between")


since_option = click.option("--since", type=When(), help="From this time on: 2026-01-31T09:00:00Z, or 2h, 7d ago.")
until_option = click.option("--until", type=When(), help="Before this time.")
# The last is of whole starts alone.
_FILTERS = (
    since_option,
    until_option,
    click.option("--user", metavar="NAME", help="Of this caller or secondary identity; * stands for any text."),
    click.option("--job", metavar="ID", help="Of this job; * stands for any text."),
    click.option(
        "--index", metavar="NAME", help="With this source or destination, as recorded; * stands for any text."
    ),
    click.option(
        "--verdict",
        "verdicts",
        type=click.Choice([result.value for result in Result]),
        multiple=True,
        help="Starts that ended so, may be given again.",
    ),
)


def chosen(kinds: tuple[str, ...], query: Query, default: frozenset[Kind]) -> frozenset[Kind]:
    """The kinds of records that are asked for; verdicts are of starts alone. Raises click.UsageError."""
    found = frozenset(Kind) if "all" in kinds else frozenset(map(Kind, kinds)) or default
    if query.results and found != {Kind.START}:
        raise click.UsageError("--verdict is of starts alone: leave --kind out, or give --kind start")
    return found


def journal_folder(folder: Path | None, config_file: Path | None) -> Path:
    """The journal's folder, which must be there."""
    place = folder or Path(read_config(config_file).journal)
    if not place.exists():
        hint = "" if folder else "; name its folder with --journal, or the configuration with --config"
        raise JournalError(f"there is no journal at {place}{hint}")
    return place


class Damage:
    """Tells of what cannot be read, once each and on standard error, and keeps count: it hides nothing else."""

    def __init__(self) -> None:
        self._count = 0
        self._files: set[str] = set()

    def __call__(self, problem: Problem) -> None:
        """Tell of one problem."""
        if not problem.line:
            if str(problem) in self._files:
                return
            self._files.add(str(problem))
        self._count += 1
        if self._count <= TOLD:
            click.echo(f"error: {problem}", err=True)

    def end(self) -> NoReturn:
        """End the command: status 0 where all could be read."""
        if self._count > TOLD:
            more = self._count - TOLD
            click.echo(f"error: {more} more of these; `startgate audit verify` tells what is wrong", err=True)
        sys.exit(DAMAGED if self._count else ExitStatus.OK)
