"""A control socket over real rules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from proxy.control.server import serving
from proxy.journal.standing import JournalStanding, JournalState
from tests.gate.test_generation import SHIPPED
from tests.gate.test_rules_in_force import Scene, booted

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


@asynccontextmanager
async def controlled(folder: Path) -> AsyncIterator[tuple[Path, Scene]]:
    """The socket's path, and the rules behind it."""
    rules = folder / "rules"
    rules.mkdir()
    (rules / "start.yml").write_text(SHIPPED)
    scene = booted(rules)
    path = folder / "control.sock"
    async with serving(path, scene.rules, lambda: STANDING):
        yield path, scene
    scene.rules.close()
