"""What the journal still has to say about itself: records that were lost, or that came late. Nothing is forgotten until
a record that says so is on the disk."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.journal.marks import RECEIPTS_NAMED, Mark, missing


@dataclass(slots=True)
class _Debt:
    since_ms: int
    reason: str
    count: int = 0
    receipts: list[str] = field(default_factory=list)

    def add(self, count: int, receipts: list[str]) -> None:
        self.count += count
        self.receipts += receipts[: RECEIPTS_NAMED - len(self.receipts)]


class Debts:
    """Counts by kind; `Mark.LOST` and `Mark.LATE` are those that there are."""

    def __init__(self) -> None:
        self._owed: dict[Mark, _Debt] = {}
        self._taken: dict[Mark, _Debt] = {}

    def __bool__(self) -> bool:
        return bool(self._owed or self._taken)

    def owe(self, kind: Mark, receipt: str, now_ms: int, reason: str) -> None:
        """One more record of this kind."""
        self._owed.setdefault(kind, _Debt(now_ms, reason)).add(1, [receipt] if receipt else [])

    def take(self, now_ms: int) -> list[Mapping[str, Any]]:
        """The records that say it all; they are about to be written. `paid` or `unpaid` must be called next."""
        self._taken, self._owed = self._owed, {}
        return [
            missing(
                kind,
                secrets.token_hex(16),
                now_ms,
                count=debt.count,
                receipts=debt.receipts,
                since_ms=debt.since_ms,
                reason=debt.reason,
            )
            for kind, debt in self._taken.items()
        ]

    def paid(self) -> None:
        """What was taken is on the disk."""
        self._taken = {}

    def unpaid(self) -> None:
        """What was taken could not be written: it is owed again, before what has come since."""
        for kind, newer in self._owed.items():
            if kind in self._taken:
                self._taken[kind].add(newer.count, newer.receipts)
            else:
                self._taken[kind] = newer
        self._owed, self._taken = self._taken, {}
