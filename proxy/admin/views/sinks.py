"""How far each sink is behind the journal, by the cursors beside its files. All of this blocks."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from proxy.admin.shown.journal import SinkRow
from proxy.errors import JournalError
from proxy.ship import cursor as cursors
from proxy.ship import rejected
from proxy.ship.shipper import measured

logger = logging.getLogger(__name__)

_BEGIN: Final = "cursor-"
_END: Final = ".json"
# Where the gate counts for the metrics that it fails, and tells nothing beside.
FAILING: Final = "it takes nothing at the moment; the gate does not answer, and its log says why"
GONE: Final = "it is not configured any more, or the gate is away"
NEVER: Final = "it has no cursor: nothing was shipped to it yet"


def sink_rows(folder: Path, troubles: Mapping[str, str]) -> Iterator[SinkRow]:
    """A row for each sink: those that have a cursor, and those that the gate tells of; `troubles` says by their names
    what keeps them from taking more, empty for nothing."""
    try:
        named = {
            path.name[len(_BEGIN) : -len(_END)]
            for path in folder.iterdir()
            if path.name.startswith(_BEGIN) and path.name.endswith(_END)
        }
    except OSError:
        named = set()
    for name in sorted(named | set(troubles)):
        yield _row(folder, name, troubles.get(name))


def _row(folder: Path, name: str, trouble: str | None) -> SinkRow:
    reason = GONE if trouble is None else trouble
    try:
        at = cursors.load(folder, name)
        lag = None if at is None else measured(folder, at)
        count = rejected.count(folder, name)
    except JournalError as failure:
        return SinkRow(name=name, kind=name, lag_records=0, lag_bytes=0, lag_s=None, rejected=0, reason=str(failure))
    return SinkRow(
        name=name,
        # There is one sink of a kind, which is named by it.
        kind=name,
        lag_records=0 if lag is None else lag.records,
        lag_bytes=0 if lag is None else lag.bytes,
        lag_s=None if lag is None else round(lag.seconds, 3),
        rejected=count,
        reason=reason or (NEVER if at is None else ""),
    )
