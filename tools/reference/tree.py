"""The commands of `startgate` as they are declared: names, options, texts."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from proxy import cli

PROGRAM = "startgate"


@dataclass(frozen=True, slots=True)
class Option:
    """An option or an argument: how it is written, and what it means with its default and variable."""

    written: str
    means: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command or a group: its full name, its line of usage, its text in paragraphs, and its options."""

    name: str
    usage: str
    paragraphs: tuple[str, ...]
    options: tuple[Option, ...]
    is_group: bool


def commands(
    command: click.Command = cli.main, name: str = PROGRAM, parent: click.Context | None = None
) -> Iterator[Command]:
    """The program itself, and everything under it, in the order of their names."""
    # With its own settings: the first context of a command decides for good how its help is asked for.
    settings = {"max_content_width": 200, **command.context_settings}
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=parent, **settings)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    text = (command.help or command.short_help or "").replace("\b", "")
    paragraphs = tuple(" ".join(part.split()) for part in text.split("\n\n") if part.strip())
    options = tuple(_option(one, context) for one in command.get_params(context) if isinstance(one, click.Option))
    yield Command(name, usage, paragraphs, options, isinstance(command, click.Group))
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is not None:
                yield from commands(found, f"{name} {below}", context)


def _option(option: click.Option, context: click.Context) -> Option:
    record = option.get_help_record(context)
    # Hidden options have no record; there are none, and one that came would be seen here.
    written, means = record if record is not None else (option.opts[0], "hidden")
    return Option(written, " ".join(means.split()))
