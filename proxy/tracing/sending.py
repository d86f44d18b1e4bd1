"""A bounded queue to a collector: whoever puts something in never waits and never fails; what does not fit is counted.

A thread of its own sends batches, since the exporter of OpenTelemetry blocks. What is lost is said in the log once a
minute at most, by that thread: a collector that is away for a night is one fact, and not a line for each start.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from proxy.tracing.settings import TraceLimits

T = TypeVar("T")
logger = logging.getLogger(__name__)

TOLD_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Counts:
    """How many spans the collector took, and how many it will never see, since the process began."""

    sent: int = 0
    lost: int = 0


class Losses:
    """What was lost since it was last told of. `now_s` is a clock that never goes back."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._untold = 0
        self._why = ""
        self._told_s: float | None = None
        self._lock = threading.Lock()
        self.total = 0

    def note(self, number: int, why: str) -> None:
        """So many were lost; of several reasons the last one is told."""
        with self._lock:
            self.total += number
            self._untold += number
            self._why = why

    def due(self, *, now: bool = False) -> tuple[int, str] | None:
        """How many, and why, where it is time to tell; or `now`. None where there is nothing to tell."""
        with self._lock:
            again = self._told_s is None or self._now_s() - self._told_s >= TOLD_EVERY_S
            if not self._untold or not (again or now):
                return None
            told, self._untold, self._told_s = (self._untold, self._why), 0, self._now_s()
            return told


class Sending(Generic[T]):
    """The queue and its thread, which begins at once. Call `close` once, from a thread that may wait.

    `send` takes a batch and says what went wrong, empty for nothing; it may block. `abort` has it give up soon.
    """

    def __init__(self, send: Callable[[Sequence[T]], str], abort: Callable[[], None], limits: TraceLimits) -> None:
        self._send = send
        self._abort = abort
        self._limits = limits
        self._queue: deque[T] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self.losses = Losses()
        self._sent_so_far = 0
        # A daemon: a collector that neither answers nor refuses must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="traces", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """What became of all that was put in; what waits is in neither number."""
        return Counts(self._sent_so_far, self.losses.total)

    def put(self, one: T) -> None:
        """Have one sent, or counted as lost where the queue is full. Never waits."""
        if self._stopping or len(self._queue) >= self._limits.queue_spans:
            why = "the collector takes fewer than there are" if not self._stopping else "the gate stops"
            self.losses.note(1, f"{why} (limits.trace.queue_spans)" if not self._stopping else why)
            return
        self._queue.append(one)
        if len(self._queue) >= self._limits.batch_spans:
            self._wake.set()

    def close(self) -> None:
        """Send what is there, for `flush_s` seconds at most; the rest is lost, and told of."""
        self._stopping = True
        self._wake.set()
        self._thread.join(self._limits.flush_s)
        self._abort()
        if self._queue:
            self.losses.note(len(self._queue), "the gate stops")
            self._queue.clear()
        self._tell(now=True)

    def _work(self) -> None:
        while True:
            self._wake.wait(self._limits.pause_s)
            self._wake.clear()
            # Read before the queue is emptied: what is put in later is refused, and nothing stays in between.
            stopping = self._stopping
            while batch := self._batch():
                self._sent(batch)
            self._tell()
            if stopping:
                return

    def _batch(self) -> list[T]:
        batch: list[T] = []
        # `popleft` is atomic; `close` may empty the queue at the same time.
        while len(batch) < self._limits.batch_spans:
            try:
                batch.append(self._queue.popleft())
            except IndexError:
                break
        return batch

    def _sent(self, batch: Sequence[T]) -> None:
        try:
            problem = self._send(batch)
        except Exception as failure:  # noqa: BLE001 -- whatever a library raises: the thread has to go on
            problem = type(failure).__name__
        if problem:
            self.losses.note(len(batch), problem)
        else:
            self._sent_so_far += len(batch)

    def _tell(self, *, now: bool = False) -> None:
        told = self.losses.due(now=now)
        if told is not None:
            logger.warning("%d spans of traces were not sent: %s", *told)
