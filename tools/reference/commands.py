"""The page of the commands."""

from collections.abc import Iterator

from tools.reference.tree import PROGRAM, Command, commands

_HEAD = """# Commands

Made from the program. `startgate COMMAND --help` says the same, and so does `man startgate` where the installation's
`share/man` is in the path of man(1). Exit statuses stand in [errors](errors.md#exit-statuses).

## Completion

Bash, zsh and fish complete commands and options. Files for that are installed under `share/`, where shells look when
Startgate is installed for the whole system; else put the line for your shell into its start-up file:

    eval "$(_STARTGATE_COMPLETE=bash_source startgate)"
    eval "$(_STARTGATE_COMPLETE=zsh_source startgate)"
    _STARTGATE_COMPLETE=fish_source startgate | source
"""


def commands_page() -> str:
    """All of it in Markdown, a heading for each command."""
    return "\n".join([_HEAD, *(line for one in commands() for line in _section(one))])


def _section(command: Command) -> Iterator[str]:
    yield f"{'##' if command.name == PROGRAM else '###'} {command.name}\n"
    yield f"    {command.usage}\n"
    yield from (f"{paragraph}\n" for paragraph in command.paragraphs)
    if not command.is_group or command.name == PROGRAM:
        yield "| option | meaning |\n| --- | --- |"
        yield from (f"| `{one.written}` | {cell(one.means)} |" for one in command.options)
        yield ""


def cell(text: str) -> str:
    """A text for a cell of a table: nothing in it ends the cell, or is taken for a link or a tag."""
    for special in "|<>[]*":
        text = text.replace(special, f"\\{special}")
    return text
