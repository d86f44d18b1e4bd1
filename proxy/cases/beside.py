"""The cases that lie beside rules, run before these rules come into force."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from proxy.cases.load import load_cases, rules_of
from proxy.cases.run import Result, run_file
from proxy.errors import Fault, RulesError
from proxy.gate import flow
from proxy.gate.rules_in_force import CasesTold
from proxy.rules import CASES_SUFFIX, Rules


def run_beside(path: Path, rules: Rules) -> CasesTold:
    """Run the cases in the folder of `rules`, which were read from `path`, that are about them and no others.

    What they log meanwhile is of no real start, and is left out. Not for a thread with a running event loop.
    """
    failures: list[Fault] = []
    results: list[Result] = []
    folder = path if path.is_dir() else path.parent
    for place in sorted(folder.glob(f"*{CASES_SUFFIX}")):
        if place.name.startswith("."):
            continue
        try:
            file = load_cases(place)
        except RulesError as error:
            failures += error.faults
            continue
        if rules_of(file).resolve() == path.resolve():
            with _quiet():
                results += asyncio.run(run_file(file, rules))
    failures += [_failed(result) for result in results if result.differences]
    return CasesTold(run=sum(1 for result in results if result.skipped is None), failures=tuple(failures))


def _failed(result: Result) -> Fault:
    origin = result.case.origin
    text = f"the case `{result.case.name}` fails: {'; '.join(result.differences)}"
    return Fault(origin.file, text, origin.line, 1)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what this thread logs of starts that are none."""
    mine = threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != mine

    flow.logger.addFilter(others)
    try:
        yield
    finally:
        flow.logger.removeFilter(others)
