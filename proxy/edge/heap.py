"""What the edge asks of the C library's allocator (glibc; nothing is done where it is another).

A piece of a large body lives for one callback, and is as large as what glibc by default gives back to the system at
once (M_TRIM_THRESHOLD, 128 KiB): whether every piece then costs dozens of page faults is left to chance, to what lies
behind it on the heap. See docs/decisions/124-what-a-passed-request-costs.md.

What lies free between pieces in use is never given back by itself: after two hundred clients had sent a MiB each over
TLS, whose buffers are the event loop's, a worker kept 110 MiB. So it is asked for now and then, where there is much.
"""

import asyncio
import contextlib
import ctypes
import os
from pathlib import Path
from typing import Final

# mallopt(3): what lies free at the heap's end is kept up to the first, and only what is larger than the second gets
# pages of its own. A read brings at most 256 KiB (uvloop), of which a few copies are made.
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
TRIM_BYTES: Final = 8 * 1024 * 1024
MMAP_BYTES: Final = 4 * 1024 * 1024


def keep_freed() -> bool:
    """Let freed memory be used again rather than given back, up to `TRIM_BYTES`. False where that is not known how."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_TRIM_THRESHOLD, TRIM_BYTES)) and bool(mallopt(_M_MMAP_THRESHOLD, MMAP_BYTES))


# Below this much growth there is nothing to be won; giving back a MiB takes some 0.2 ms, and so does taking it anew.
GROWN_BYTES: Final = 32 * 1024 * 1024
_EVERY_S: Final = 60.0
_STATM: Final = Path("/proc/self/statm")


def resident_bytes() -> int:
    """What this process holds in memory; 0 where the system does not tell (proc(5))."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


class Leanness:
    """Gives back what lies free, once this process has grown since it last did, or since this was made."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = resident_bytes()

    def give_back(self) -> bool:
        """Whether it was worth asking for. Holds up everything for 0.2 ms a MiB (malloc_trim(3))."""
        if resident_bytes() - self._last < GROWN_BYTES:
            return False
        try:
            ctypes.CDLL(None).malloc_trim(TRIM_BYTES)
        except (AttributeError, OSError):
            return False
        # What is in use after all does not have it asked again every time.
        self._last = resident_bytes()
        return True


async def keep_lean() -> None:
    """Look once a minute; to be cancelled."""
    leanness = Leanness()
    while True:
        await asyncio.sleep(_EVERY_S)
        leanness.give_back()
