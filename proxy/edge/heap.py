"""What the edge asks of the C library's allocator (glibc; nothing is done where it is another).

A piece of a large body lives for one callback, and is as large as what glibc by default gives back to the system at
once (M_TRIM_THRESHOLD, 128 KiB): whether every piece then costs dozens of page faults is left to chance, to what lies
behind it on the heap. See docs/decisions/124-what-a-passed-request-costs.md.

What lies free between pieces in use is never given back by itself: after two hundred clients had sent a MiB each over
TLS, whose buffers are the event loop's, a worker kept 110 MiB. So it is asked for now and then, where there is much.
"""

import asyncio
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


# Below this there is nothing to be won; giving back a MiB takes some 0.2 ms, and so does taking it anew.
IDLE_BYTES: Final = 32 * 1024 * 1024
_EVERY_S: Final = 60.0
_STATM: Final = Path("/proc/self/statm")


class _Mallinfo(ctypes.Structure):
    """mallinfo(3), `struct mallinfo2`; glibc has it from 2.33 on."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def resident_bytes() -> int:
    """What this process holds in memory. Raises OSError where the system does not tell (proc(5))."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def used_bytes() -> int:
    """What the allocator has handed out. Raises AttributeError or OSError where it does not tell."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _Mallinfo
    told = mallinfo()
    return int(told.uordblks) + int(told.hblkhd)


class Leanness:
    """Gives back what lies free, where it is much.

    The allocator does not tell how much of what is free is in memory. But what is in memory and not handed out was
    little in the beginning, and is again once all has been given back: what has come to it since is free.
    """

    __slots__ = ("_others",)

    def __init__(self) -> None:
        self._others = self._not_used()

    def give_back(self) -> bool:
        """Whether it was worth asking for. Holds up everything for 0.2 ms a MiB (malloc_trim(3))."""
        if self._others is None or (now := self._not_used()) is None or now - self._others < IDLE_BYTES:
            return False
        ctypes.CDLL(None).malloc_trim(TRIM_BYTES)
        self._others = self._not_used()
        return True

    @staticmethod
    def _not_used() -> int | None:
        """What is in memory, code as well, beside what was handed out; None where that is not told."""
        try:
            return resident_bytes() - used_bytes()
        except (AttributeError, OSError):
            return None


async def keep_lean() -> None:
    """Look once a minute; to be cancelled."""
    leanness = Leanness()
    while True:
        await asyncio.sleep(_EVERY_S)
        leanness.give_back()
