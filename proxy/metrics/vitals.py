"""What every process tells of itself: memory, processor time, and how late its event loop is."""

import asyncio
import os
import time
from pathlib import Path
from typing import Final

from proxy.metrics.snapshot import Telling

# How often it is looked how late the loop is. A look is one timer: nothing beside the traffic of a worker.
TICK_S: Final = 0.25
# Scrapes are usually 15 s apart: a peak between two of them must be seen by the next.
WINDOW_S: Final = 15.0

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class LoopLag:
    """Measures by how much a timer is late. Needs a running loop; `stop` ends it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._worst = self._before = 0.0
        self._turn_s = self._loop.time() + WINDOW_S
        self._due_s = self._loop.time() + TICK_S
        self._handle = self._loop.call_at(self._due_s, self._tick)

    @property
    def worst_s(self) -> float:
        """The most, over the last one to two windows."""
        # What is overdue just now counts already, though its timer has not come to its turn.
        return max(self._worst, self._before, self._loop.time() - self._due_s, 0.0)

    def stop(self) -> None:
        """Look no more."""
        self._handle.cancel()

    def _tick(self) -> None:
        now = self._loop.time()
        self._worst = max(self._worst, now - self._due_s)
        if now >= self._turn_s:
            self._before, self._worst, self._turn_s = self._worst, 0.0, now + WINDOW_S
        self._due_s = now + TICK_S
        self._handle = self._loop.call_at(self._due_s, self._tick)


def tell_vitals(telling: Telling, began_ns: int, lag: LoopLag) -> None:
    """Tell what is the same for every process; `began_ns` is when it began, in nanoseconds since 1970."""
    telling.add("startgate_process_start_time_seconds", began_ns / 1e9)
    telling.add("startgate_process_resident_memory_bytes", resident_bytes())
    telling.add("startgate_process_cpu_seconds", time.process_time())
    telling.add("startgate_event_loop_lag_seconds", round(lag.worst_s, 6))


def resident_bytes() -> int:
    """Memory of this process that is held in RAM (proc(5), statm); 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0
