"""A control socket over real rules."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.control.rules import RuleCalls
from proxy.control.server import serving
from proxy.control.sinks import SinkCalls
from proxy.gate.rule_counts import RuleTally
from proxy.gate.trial import Trials
from proxy.journal.standing import JournalStanding, JournalState
from proxy.ship.model import Lag, Status
from tests.gate.test_generation import SHIPPED
from tests.gate.test_rules_in_force import Scene, booted

CHILD = (sys.executable, "-m", "proxy.cases.trial")
STANDING = JournalStanding(
    state=JournalState.WRITABLE,
    reason="",
    journal="jjjjjjjjjjjjjjjjjjjjjj",
    file="starts-000002.jsonl",
    seq=7,
    appended=5,
    refused=3,
    lost=2,
    late=1,
    last_fsync_s=0.0025,
)
SINKS = (Status(sink="syslog", lag=Lag(records=2), trouble="nobody listens"),)


@asynccontextmanager
async def controlled(folder: Path, trials: Trials | None = None) -> AsyncIterator[tuple[Path, Scene]]:
    """The socket's path, and the rules behind it; cases are tried by `trials`."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "start.yml").write_text(SHIPPED)
    scene = booted(rules)
    path = folder / "control.sock"
    tally = RuleTally(lambda: scene.rules.current, scene.clock)
    calls = RuleCalls(rules=scene.rules, counts=tally.counts, trials=trials or Trials(CHILD, wait_s=90))
    async with serving(path, calls, lambda: STANDING, SinkCalls(lambda: SINKS).routes()):
        yield path, scene
    scene.rules.close()
