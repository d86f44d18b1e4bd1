"""The journal as the gate writes to it: what a record may not hold is taken out before it goes anywhere."""

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from proxy.journal.allowed import allowed
from proxy.journal.mask import Mask
from proxy.settings import Masking

logger = logging.getLogger(__name__)


class Appending(Protocol):
    """A journal that takes records."""

    async def append(self, entry: Mapping[str, Any]) -> None:
        """Durable when it returns. Raises JournalError."""

    async def close(self) -> None:
        """Write what waits, and give the journal free."""


class ScreenedJournal:
    """A journal that takes only what the table of fields names, masked as `masking` says.

    A field that the table lacks is a fault of this program: it is left out and told in the log, each name once. A start
    does not fail for it.
    """

    def __init__(self, journal: Appending, masking: Masking | None = None) -> None:
        self._journal = journal
        self._mask = Mask(masking or Masking())
        self._told: set[str] = set()

    async def append(self, entry: Mapping[str, Any]) -> None:
        """As the journal's own `append`."""
        kept, left_out = allowed(entry)
        for name in left_out:
            if name not in self._told:
                self._told.add(name)
                logger.error("a record has the field %s, which the table of fields lacks: it is left out", name)
        await self._journal.append(self._mask.masked(kept))

    async def close(self) -> None:
        """As the journal's own `close`."""
        await self._journal.close()
