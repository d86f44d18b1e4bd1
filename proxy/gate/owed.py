"""Outcomes that the journal would not take: they are tried again until they are on record.

Their intents are, and a start must not stay open until the next process looks into it: a disk is full for a while, and
gates run for months. Only starts that were under way when the journal failed can owe an outcome, since without an
intent on record none goes on: so there are few. Among them are those whose intent may come onto the disk too late.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Any

from proxy.errors import JournalError
from proxy.gate.ports import Journal
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# How long to wait before each try; then always as long as the last.
AGAIN_S = (0.25, 1.0, 5.0, 15.0, 30.0)


class Owed:
    """Outcomes by receipt. Needs a running loop as soon as there is one."""

    def __init__(self, journal: Journal, again_s: Sequence[float] = AGAIN_S) -> None:
        self._journal = journal
        self._again_s = again_s
        self._owed: dict[str, Mapping[str, Any]] = {}
        self._paying: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._owed)

    def later(self, receipt: str, outcome: Mapping[str, Any]) -> None:
        """Put the outcome of a start on record once that is possible."""
        self._owed[receipt] = outcome
        if self._paying is None or self._paying.done():
            self._paying = spawn(self._pay(), name="owed outcomes")

    async def _pay(self) -> None:
        for pause_s in chain(self._again_s, repeat(self._again_s[-1])):
            await asyncio.sleep(pause_s)
            await self._try()
            if not self._owed:
                return

    async def _try(self) -> None:
        for receipt, outcome in tuple(self._owed.items()):
            try:
                await self._journal.append(outcome)
            except JournalError:
                return  # that was said; and it would be the same for the others
            del self._owed[receipt]
            logger.info("start %s: its outcome is on record now", receipt)

    async def close(self) -> None:
        """Try no longer; the next process finds these starts open, and looks into them (`reconcile`)."""
        if self._paying is not None:
            self._paying.cancel()
            await asyncio.gather(self._paying, return_exceptions=True)
        for receipt in self._owed:
            logger.error("start %s: its outcome is not on record; the next process looks into it", receipt)
