"""`startgate test`: runs the cases that lie beside the rules."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from proxy.cases.coverage import Covered, coverage
from proxy.cases.load import found_in, load_cases, rules_of
from proxy.cases.report import covered_lines, junit, lines
from proxy.cases.run import Result, run_file
from proxy.commands.common import config_option, print_lines, printed, read_config, reported
from proxy.errors import ExitStatus, Fault, InvalidInput, RulesError
from proxy.rules import CASES_SUFFIX, Rules
from proxy.rules.load import load as load_rules

# What the command ends with where a case fails, or a rule is not covered and had to be.
FAILED = 1


@click.command(name="test", short_help="Run the cases beside the rules.")
@click.argument("place", type=click.Path(path_type=Path), required=False, metavar="[DIR]")
@config_option
@click.option("-k", "only", default="", metavar="TEXT", help="Run only cases whose names hold this text.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write the results there as JUnit XML.")
@click.option(
    "--coverage", "covered", is_flag=True, help="Say of each rule whether cases saw it speak for and against."
)
@click.option(
    "--require-coverage", is_flag=True, help="As --coverage; exit status 1 where a rule lacks one of the two."
)
def test(
    place: Path | None,
    config_file: Path | None,
    only: str,
    junit_file: Path | None,
    covered: bool,
    require_coverage: bool,
) -> None:
    """Run the cases (`*_test.yml`) of a file or folder; without one, those beside the configured rules. Each case goes
    through the same code as a real start, against a cluster that is made of the case alone.

    Exit status: 0 all passed; 1 a case failed; 2 rules or cases cannot be read, or there are none.
    """
    with reported(), printed():
        where = place or Path(read_config(config_file).rules)
        results, rules = run(where, only, steps=covered or require_coverage)
        print_lines(lines(results))
        short: tuple[Covered, ...] = ()
        if covered or require_coverage:
            found = _coverage(results, rules)
            print_lines(covered_lines(found))
            short = tuple(one for one in found if not one.full)
        if junit_file is not None:
            junit_file.write_bytes(junit(results))
        failed = any(result.differences for result in results) or (require_coverage and bool(short))
        sys.exit(FAILED if failed else ExitStatus.OK)


def run(where: Path, only: str = "", *, steps: bool = False) -> tuple[tuple[Result, ...], dict[str, Rules]]:
    """The results of all cases at a place, and the rules of each of their files; `steps`: each with its explanation.

    Raises:
        RulesError: with every fault of all rules and cases, or where no case is found: nothing was tried then.
    """
    files = found_in(where)
    if not files:
        raise RulesError([Fault(str(where), f"holds no cases: their files end in {CASES_SUFFIX}")])
    faults: list[Fault] = []
    results: list[Result] = []
    rules: dict[str, Rules] = {}
    for path in files:
        try:
            file = load_cases(path)
            rules[file.path] = load_rules(rules_of(file), draft=True)
        except InvalidInput as failure:
            faults += failure.faults
            continue
        results += asyncio.run(run_file(file, rules[file.path], only, steps=steps))
    if faults:
        raise RulesError(dict.fromkeys(faults))
    if not results:
        raise RulesError([Fault(str(where), f"no case has `{only}` in its name")])
    return tuple(results), rules


def _coverage(results: Sequence[Result], rules: dict[str, Rules]) -> tuple[Covered, ...]:
    """Of each rule, by all files that are about the same rules."""
    revisions = {one.revision: one for one in rules.values()}
    found: list[Covered] = []
    for revision, one in revisions.items():
        steps = (step for result in results if rules[result.file].revision == revision for step in result.steps)
        found += coverage(one, steps)
    return tuple(found)
