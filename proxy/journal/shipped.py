"""How far the journal has been shipped, as the sinks' cursors tell it: `cursor-<sink>.json` beside the journal's files.

Only what retention needs is read of a cursor: the file that it stands in, and the number of the last record that the
sink has (0 before the first of a chain).
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec

from proxy.journal.folder import file_number

# A cursor has some 250 bytes; far beyond, it is something else.
_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Shipped:
    """Where a sink stands: all files before `file` have been passed, and all records up to `seq`."""

    file: str
    seq: int

    def has(self, file: str, last_seq: int | None) -> bool:
        """Whether the sink has a whole file; `last_seq` is the number of its last record, None where it has none."""
        own, other = file_number(self.file), file_number(file)
        if own is None or other is None:
            return False
        return own > other or (last_seq is not None and self.seq >= last_seq)


def shipped(folder: Path, sinks: Collection[str]) -> tuple[Shipped, ...]:
    """Where these sinks stand, in their order; nothing where there are none, or one of them cannot be told: what is not
    known to be shipped is not."""
    found = [_read(folder / f"cursor-{sink}.json") for sink in sinks]
    known = tuple(one for one in found if one is not None)
    return known if len(known) == len(found) else ()


def _read(path: Path) -> Shipped | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_LIMIT_BYTES), type=Shipped)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
