"""What the edge asks of the C library's allocator (glibc; nothing is done where it is another).

A piece of a large body lives for one callback, and is as large as what glibc by default gives back to the system at
once (M_TRIM_THRESHOLD, 128 KiB): whether every piece then costs dozens of page faults is left to chance, to what lies
behind it on the heap. See docs/decisions/124-what-a-passed-request-costs.md.
"""

import ctypes
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
