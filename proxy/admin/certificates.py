"""When certificates in files are over, read again every so often."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from cryptography import x509

# Who renews a certificate wants to see it; nobody has to see it at once.
LOOK_S: Final = 30.0


class Certificates:
    """The ends of the certificates in some files (PEM)."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = tuple(dict.fromkeys(files))
        self._ends: dict[str, float] = {}
        self._looked_s = -LOOK_S

    async def ends(self) -> Mapping[str, float]:
        """When the first certificate of each file is over, in seconds since 1970; a file that cannot be used has no
        end: whoever uses it says so in the log."""
        now_s = time.monotonic()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            # In a thread: a network file system that is away would hold up everything else.
            self._ends = await asyncio.to_thread(self._read)
        return self._ends

    def _read(self) -> dict[str, float]:
        found = {file: first_end(Path(file)) for file in self._files}
        return {file: end for file, end in found.items() if end is not None}


def first_end(file: Path) -> float | None:
    """When the first certificate of a chain is over; None for what holds none."""
    try:
        chain = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        return None
    return min((one.not_valid_after_utc.timestamp() for one in chain), default=None)
