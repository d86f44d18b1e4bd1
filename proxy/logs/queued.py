"""Lines of which there may be thousands a second: whoever has one never waits for it to be written.

They wait in a bounded queue for a thread that writes them; what finds no room is dropped, counted, and told at most
once a minute. A log that slows down what it tells of would be the greater fault.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from proxy.logs.out import Out

logger = logging.getLogger(__name__)
T = TypeVar("T")

# Some tenths of a second at the most that a worker passes, and some MiB.
WAITING_MOST: Final = 8192
# What comes in this time is written together: a thread that is woken for each line takes more than the line itself.
GATHER_S: Final = 0.05
# Between two words on lines that were dropped.
TELL_S: Final = 60.0
# What waits at the end is written within this time, or lost.
LAST_S: Final = 2.0


class Queued(Generic[T]):
    """A queue before `out`; `form` makes a line of an item that has at most so many bytes, in the thread."""

    def __init__(self, out: Out, form: Callable[[T, int], bytes], *, most: int = WAITING_MOST) -> None:
        self.dropped = 0
        self.out = out
        self._form = form
        self._most = most
        self._waiting: deque[T] = deque()
        self._some = threading.Event()
        self._ended = threading.Event()
        self._told = 0
        self._told_at = -TELL_S
        self._thread = threading.Thread(target=self._work, name="access-log", daemon=True)
        self._thread.start()

    def put(self, item: T) -> None:
        """Have a line written. Never waits."""
        waiting = self._waiting
        if len(waiting) >= self._most:
            self.dropped += 1
            return
        waiting.append(item)
        if len(waiting) == 1:
            self._some.set()

    def close(self) -> None:
        """Write what waits, within a bound; to be called once. Blocks."""
        self._ended.set()
        self._some.set()
        self._thread.join(LAST_S)
        left = len(self._waiting)
        self.dropped += left
        self._tell(time.monotonic() + TELL_S)

    def _work(self) -> None:
        while not self._ended.is_set():
            self._some.wait()
            self._ended.wait(GATHER_S)
            self._some.clear()
            self._drain()
            self._tell(time.monotonic())

    def _drain(self) -> None:
        """Write all that waits, several lines at a time; each write is one that cannot mix with others'."""
        held: list[bytes] = []
        size = 0
        while self._waiting:
            line = self._form(self._waiting.popleft(), self.out.most)
            if held and size + len(line) > self.out.most:
                self._write(held)
                held, size = [], 0
            held.append(line)
            size += len(line)
        if held:
            self._write(held)

    def _write(self, lines: list[bytes]) -> None:
        if not self.out.write(b"".join(lines)):
            self.dropped += len(lines)

    def _tell(self, now_s: float) -> None:
        new = self.dropped - self._told
        if new and now_s - self._told_at >= TELL_S:
            why = self.out.why or "they came faster than they could be written"
            logger.warning("%d lines of the access log were dropped: %s", new, why)
            self._told, self._told_at = self.dropped, now_s
