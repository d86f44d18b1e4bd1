"""`python -m proxy.cases.trial`: one case judged by rules that come over standard input, for the gate (`gate.trial`).

It ends with the case: what is bounded here is the whole process.
"""

import asyncio
import logging
import os
import pickle
import resource
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from proxy.cases.model import Case, CaseFile
from proxy.cases.read import cases_of
from proxy.cases.run import run_case
from proxy.errors import Fault
from proxy.gate.trial import CPU_S, MEMORY_BYTES, NAME, Trial, TriedStep
from proxy.rules import Rules
from proxy.rules.cel import compile_condition

# A case of 256 KiB may have thousands of sources, each with its steps; a page shows some hundreds.
STEPS: Final = 1000
DIFFERENCES: Final = 100
PRIORITY: Final = 19


def main() -> int:
    """Reads rules and case, writes what came of it."""
    _bound()
    # What a start logs is of no real one.
    logging.disable(logging.CRITICAL)
    rules, text = unpacked(sys.stdin.buffer.read())
    sys.stdout.buffer.write(msgspec.json.encode(tried(rules, text)))
    sys.stdout.buffer.flush()
    return 0


def _bound() -> None:
    os.nice(PRIORITY)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # Nothing is written anywhere, and no core is left behind.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def unpacked(order: bytes) -> tuple[Rules, str]:
    """What `gate.trial.packed` made."""
    rules, text = pickle.loads(order)  # noqa: S301 -- written by the gate, which started this process, into its pipe
    guards = tuple(replace(guard, program=compile_condition(guard.deny)) for guard in rules.guards)
    return replace(rules, guards=guards), text


def tried(rules: Rules, text: str) -> Trial:
    """What came of the one case in a text; or its faults."""
    file, faults = cases_of(text, NAME)
    if file is None:
        return Trial(revision=rules.revision, faults=faults)
    if len(file.cases) != 1:
        second = file.cases[1].origin
        fault = Fault(NAME, f"one case is tried at a time, and there are {len(file.cases)}", second.line, 1)
        return Trial(revision=rules.revision, faults=(fault,))
    return _judged(rules, file, file.cases[0])


def _judged(rules: Rules, file: CaseFile, case: Case) -> Trial:
    # Whoever tries a case wants to see what comes of it, also where a suite is to pass over it.
    result = asyncio.run(run_case(file, replace(case, skip=None), rules, explain=True))
    came = result.came
    assert came is not None  # noqa: S101 -- only a case that is skipped comes to nothing
    return Trial(
        revision=rules.revision,
        name=case.name,
        verdict="" if came.verdict is None else came.verdict.value,
        status=came.status,
        reason=came.error,
        steps=tuple(_step(step) for step in result.steps[:STEPS] if "text" in step),
        plan=came.plan,
        differences=result.differences[:DIFFERENCES],
    )


def _step(step: Mapping[str, Any]) -> TriedStep:
    return TriedStep(kind=step["kind"], outcome=step["outcome"], text=step["text"], rule=step.get("rule", ""))


if __name__ == "__main__":
    sys.exit(main())
