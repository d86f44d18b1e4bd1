"""`startgate explain`: why a start would be allowed or denied, asked of a running proxy or of a case."""

import asyncio
import sys
from pathlib import Path

import click
import msgspec

from proxy.cases.load import load_cases, rules_of
from proxy.cases.run import played
from proxy.commands.asking import asking_of, proxy_options
from proxy.commands.common import print_lines, printed, reported
from proxy.errors import ConfigError, ExitStatus, Fault, RulesError
from proxy.planned import explained
from proxy.planned.ask import EXPLANATION, Told, ask
from proxy.rules import load

# What the command ends with where a start would be denied.
DENIED = 1


@click.command(short_help="Why a start of a job would be allowed or denied.")
@click.argument("job")
@click.option(
    "--as", "run_as", metavar="USER", help="Explain a start by this user; who asks must be allowed to run as."
)
@click.option(
    "--case",
    "case_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Explain the cases of this file instead.",
)
@click.option("-k", "only", default="", metavar="TEXT", help="Of the cases those whose names hold this text.")
@proxy_options
@click.option("--json", "as_json", is_flag=True, help="The document itself, as one JSON object for each explanation.")
def explain(
    job: str, run_as: str | None, case_file: Path | None, only: str, as_json: bool, **proxy: str | None
) -> None:
    """Why a start of a job would be allowed or denied: every requirement, flow and guard in order, what was seen, and
    the file and line that decided. Nothing is started or changed.

    Exit status: 0 it would be allowed; 1 it would be denied; 2 what was given is wrong; 3 there is no answer.
    """
    with reported(), printed():
        if case_file is not None:
            if run_as is not None:
                raise ConfigError([Fault("--as", "--case is given as well, and a case says itself who starts")])
            told = _of_cases(case_file, job, only)
        else:
            asking = asking_of(str(proxy["url"]), proxy["user"], proxy["key_file"], proxy["ca"], run_as)
            told = {"": asyncio.run(ask(job, asking, EXPLANATION))}
        for name, one in told.items():
            _print(job, name, one, as_json)
        sys.exit(ExitStatus.OK if all(one.allowed for one in told.values()) else DENIED)


def _of_cases(path: Path, job: str, only: str) -> dict[str, Told]:
    """The explanations of a file's cases about this job, by their names, from the same code as serves real starts."""
    file = load_cases(path)
    rules = load(rules_of(file), draft=True)
    cases = [case for case in file.cases if case.job == job and only in case.name]
    if not cases:
        raise RulesError(
            [Fault(str(path), f"has no case of the job [{job}]{f' with {only!r} in its name' if only else ''}")]
        )
    told = {}
    for case in cases:
        answer, _, _ = asyncio.run(played(file.setting, case, rules, explain=True))
        told[case.name] = Told(status=answer.status, content=msgspec.json.decode(answer.body))
    return told


def _print(job: str, name: str, told: Told, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(told.content)))
        return
    if name:
        click.echo(f"case: {name}")
    print_lines(explained.lines(job, told))
