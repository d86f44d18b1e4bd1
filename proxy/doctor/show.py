"""A report as lines for people."""

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from proxy.doctor.model import CHECKS, Finding, Report, State
from proxy.text import plain

STYLES: Final = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red", State.SKIP: "dim"}
WIDE: Final = max(len(name) for name in CHECKS)
BEFORE: Final = 6


def lines(report: Report) -> Iterator[Text]:
    """Each finding, and below it what to do; last, how many there are of each."""
    for one in report.findings:
        yield from _finding(one)
    counts = report.counts()
    yield Text("")
    yield Text(", ".join(f"{counts[state]} {state}" for state in State if counts[state]))


def _finding(one: Finding) -> Iterator[Text]:
    style = STYLES[one.state]
    yield Text.assemble((f"{one.state:<{BEFORE}}", style), f"{one.check:<{WIDE}}  {plain(one.seen)}")
    if one.advice:
        dim = "dim" if one.state in (State.OK, State.SKIP) else ""
        yield Text.assemble(" " * (BEFORE + WIDE + 2), ("→ " + plain(one.advice), dim))
