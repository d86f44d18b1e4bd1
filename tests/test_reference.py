"""What is made from the code is what lies in the repository, is complete, and is read by what reads it."""

import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from proxy import cli
from proxy.config.keys import KEYS, LISTEN_KEYS
from proxy.errors import ExitStatus
from tools.reference import manual as man
from tools.reference.files import ROOT, made
from tools.reference.refusals import STATUSES, answers
from tools.reference.tree import commands

MADE = made()


@pytest.mark.parametrize("path", sorted(MADE))
def test_files_are_as_the_code_would_make_them(path: str) -> None:
    assert (ROOT / path).read_text() == MADE[path], "the code has changed since: make reference"


def test_every_command_and_option_is_in_page_and_manual() -> None:
    page, manual = MADE["docs/reference/commands.md"], MADE["share/man/man1/startgate.1"]
    found = list(commands())
    assert {one.name for one in found} >= {
        f"startgate {name}" for name in cli.main.list_commands(click.Context(cli.main))
    }
    for command in found:
        assert re.search(rf"^##+ {command.name}$", page, flags=re.MULTILINE)
        assert command.paragraphs, f"{command.name} says nothing of itself"
        assert all(f"| `{one.written}` |" in page for one in command.options if not command.is_group)
    assert manual.count("\n.SS ") == len(found) - 1


def test_every_option_says_what_it_is_for() -> None:
    assert [(one.name, option.written) for one in commands() for option in one.options if not option.means] == []


def test_every_key_and_variable_is_in_the_page() -> None:
    page = MADE["docs/reference/configuration.md"]
    told = re.findall(r"^\| `([a-z_.]+)` \|", page, flags=re.MULTILINE)
    assert sorted(told) == sorted([*KEYS, *LISTEN_KEYS])


def test_every_status_is_told_and_every_error_of_our_own_is_found() -> None:
    assert set(STATUSES) == set(ExitStatus)
    found = answers(ROOT / "proxy")
    assert {"startgate_journal_exception", "startgate_cluster_exception", "startgate_exception"} <= {
        one.type for one in found
    }
    assert {one.status for one in found} >= {400, 401, 403, 409, 413, 503}


def test_errors_are_read_from_sources(tmp_path: Path) -> None:
    (tmp_path / "proxy" / "gate").mkdir(parents=True)
    (tmp_path / "proxy" / "gate" / "one.py").write_text(
        'WHOLE = "as it is"\n'
        "def f(x):\n"
        '    text = f"of {x}: " + WHOLE\n'
        '    raise Refusal(400, "a_exception", text)\n'
        "async def g(x):\n"
        '    return PlainRefusal(406, "", x)\n'
    )
    found = [(one.status, one.type, one.text) for one in answers(tmp_path / "proxy")]
    assert found == [(400, "a_exception", "of …: as it is"), (406, "", "…")]


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_reads_the_manual_without_a_warning() -> None:
    page = ROOT / "share" / "man" / "man1" / "startgate.1"
    run = subprocess.run(
        ["man", "--warnings", "--local-file", "--encoding=UTF-8", str(page)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"},
        check=True,
    )
    assert run.stderr == ""
    assert "startgate audit list" in run.stdout
    assert "--wait-for-cluster SECONDS" in run.stdout


def test_a_line_of_the_manual_never_becomes_a_macro() -> None:
    option = click.Option(["--x"], help=".TH evil\\n")
    command = click.Command("x", params=[option], help="'quoted")
    (one,) = commands(command, "x")
    lines = [*man._paragraphs(one), *man._options(one.options)]
    assert r"\&'quoted" in lines
    assert r"\&.TH evil\en" in lines


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_takes_its_script_and_the_program_answers_it() -> None:
    script = ROOT / "share" / "bash-completion" / "completions" / "startgate"
    ask = f'set -e; source "{script}"; complete -p startgate'
    told = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True).stdout
    function = re.search(r"-F (\w+)", told)
    assert function is not None
    assert function[1] in script.read_text()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [("startgate aud", "audit"), ("startgate audit li", "list"), ("startgate serve --tak", "--takeover")],
)
def test_the_program_completes(words: str, wanted: str) -> None:
    from click.testing import CliRunner

    env = {"_STARTGATE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    told = CliRunner().invoke(cli.main, [], prog_name="startgate", env=env).output
    assert wanted in [line.partition(",")[2] for line in told.splitlines()]
