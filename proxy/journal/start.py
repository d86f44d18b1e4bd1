"""The records of one start, joined."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.journal.entry import NOT_LIFTED, Phase


@dataclass(slots=True)
class Start:
    """All records of one start, by phase; `latest` is the newest of them."""

    receipt: str
    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def latest(self) -> Mapping[str, Any]:
        """The record that tells most: `end`, else `outcome`, else `intent`; of a newer version, the last."""
        phases = (Phase.END, Phase.OUTCOME, Phase.INTENT)
        return self.records[next((phase for phase in phases if phase in self.records), [*self.records][-1])]

    @property
    def told(self) -> Mapping[str, Any]:
        """The record by which a start is shown: its outcome, else the latest."""
        return self.records.get(Phase.OUTCOME) or self.latest

    @property
    def open(self) -> bool:
        """Whether an effect was begun and its outcome is not known."""
        return Phase.INTENT in self.records and Phase.OUTCOME not in self.records

    @property
    def unended(self) -> bool:
        """Whether the start was granted, or may have been, and it is not known how the job ended."""
        event = self.records.get(Phase.OUTCOME, {}).get("event")
        outcome = event.get("outcome") if isinstance(event, Mapping) else None
        return outcome in ("success", "unknown") and Phase.INTENT in self.records and Phase.END not in self.records

    @property
    def blocked(self) -> bool:
        """Whether its destination was left without writes: the cluster failed in the middle of the removal."""
        destination = self.records.get(Phase.OUTCOME, {}).get("startgate", {}).get("destination")
        removal = destination.get("removal") if isinstance(destination, Mapping) else ""
        return NOT_LIFTED in str(removal) and Phase.END not in self.records
