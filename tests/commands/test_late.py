"""Commands are imported when they are asked for, and no sooner."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import click
import pytest
from click.testing import CliRunner

from proxy import cli
from proxy.commands.late import LateCommands

COMMAND = "import click\n\n@click.command(short_help='Say hello.')\ndef hello():\n    click.echo('hello')\n"


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LateCommands]:
    """A group with a command of its own, and one in a module that is not imported yet."""
    (tmp_path / "late_sample.py").write_text(COMMAND)
    monkeypatch.syspath_prepend(tmp_path)

    class Sample(LateCommands):
        late = MappingProxyType({"hello": "late_sample:hello"})

    near = click.Command("near", callback=lambda: click.echo("near"))
    yield Sample("group", commands={"near": near})
    sys.modules.pop("late_sample", None)


def test_only_what_is_called_is_imported(group: LateCommands) -> None:
    assert CliRunner().invoke(group, ["near"]).output == "near\n"
    assert "late_sample" not in sys.modules
    assert CliRunner().invoke(group, ["hello"]).output == "hello\n"
    assert "late_sample" in sys.modules


def test_help_knows_both(group: LateCommands) -> None:
    told = CliRunner().invoke(group, ["--help"]).output
    assert "hello  Say hello." in told
    assert group.list_commands(click.Context(group)) == ["hello", "near"]


def test_a_slip_is_told_without_an_import(group: LateCommands) -> None:
    result = CliRunner().invoke(group, ["helo"])
    assert "no such command 'helo' (did you mean 'hello'?); commands: hello, near" in result.output
    assert "late_sample" not in sys.modules


def test_every_command_of_the_program_can_be_imported_under_its_name() -> None:
    context = click.Context(cli.main)
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_the_program_alone_loads_nothing_of_cluster_and_network() -> None:
    """What a command needs it imports by itself; a look at the journal talks to nobody."""
    code = "import sys; from proxy.cli import main; print(*sorted({'aiohttp', 'elastic_transport'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"
