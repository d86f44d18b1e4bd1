"""A group of commands that are imported when they are asked for: no command waits for what the others need."""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click

from proxy.commands.common import Commands


class LateCommands(Commands):
    """A group whose commands are declared in it, as in any other, or named by `late`: each by "module:attribute".

    All are there for whoever lists, completes or documents them by `list_commands` and `get_command`.
    """

    late: ClassVar[Mapping[str, str]]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, imported or not, in their order."""
        return sorted({*super().list_commands(ctx), *self.late})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now if it is a late one; None where there is none."""
        if cmd_name in self.late and cmd_name not in self.commands:
            module, _, attribute = self.late[cmd_name].partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        return super().get_command(ctx, cmd_name)
