"""An admin port before a journal in which everything that somebody can name holds a text that is meant to do harm."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.journal.entry import Phase, frame
from proxy.journal.writer import Journal, open_journal
from proxy.settings import AdminLimits, JournalSettings
from tests.admin.pages.test_routes import HOSTILE
from tests.admin.visiting import TOKENS, Visit, visiting

TOKEN = TOKENS["operator"]
# A lone surrogate cannot be written into a journal: the gate replaces it.
TEXTS = [text for text in HOSTILE if text.isprintable() or text.encode(errors="ignore").decode() == text]


@dataclass(slots=True)
class Place:
    """Where it is, and what writes its journal."""

    visit: Visit
    journal: Journal

    async def add(self, receipt: str, text: str) -> None:
        """Puts a denied start on record, of which all is called `text`."""
        await self.journal.append(record(receipt, text))


@asynccontextmanager
async def place(folder: Path) -> AsyncIterator[Place]:
    """The place, with one start for each of the texts."""
    async with visiting(folder, limits=AdminLimits()) as visit:
        journal = open_journal(folder / "journal", JournalSettings())
        try:
            found = Place(visit, journal)
            for number, text in enumerate(TEXTS):
                await found.add(receipt(number), text)
            yield found
        finally:
            await journal.close()


def receipt(number: int) -> str:
    """That of the start with a text, by its number in the list."""
    return f"{number:032x}"


def record(receipt: str, text: str) -> dict[str, Any]:
    """The outcome of a denied start, with `text` wherever one may stand."""
    made = frame(Phase.OUTCOME, receipt, time.time_ns() // 1_000_000, outcome="failure")
    made["event"] |= {"reason": text, "duration": 3_000_000}
    made["user"] = {"name": text}
    made["labels"] = {"x_opaque_id": text}
    made["url"] = {"path": text}
    made["source"] = {"address": text}
    made["trace"] = {"id": text}
    made["http"] = {"response": {"status_code": 403}}
    identity = {"name": text, "realm": {"name": text}, "roles": [text], "authentication_type": text}
    made["startgate"] |= {
        "job": {"id": text, "sources": [text] * 5, "destination": text},
        "caller": identity | {"api_key": {"id": text, "name": text}},
        "secondary": identity,
        "owner": {"roles": [text], "kind": text},
        "subjects": {"data": "caller"},
        "rules": {"revision": text},
        "timings_ms": {text: 1.0, "answered": 3.0},
        "destination": {"index": text, text: text},
        "verdict": {
            "allowed": False,
            "reasons": [{"text": text, "rule": f"{text}.yml:3:1"}],
            "steps": [{"text": text, "outcome": "denied", "rule": f"rules/{text}.yml:3:1", "id": text}],
            "shadowed": [{"id": "s", "message": text, "rule": text}],
        },
    }
    return made
