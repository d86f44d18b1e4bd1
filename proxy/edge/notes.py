"""Tells the gate of observed calls, and of those that it could not tell of, once it can.

Rules of this file:

1. No call waits for the gate longer than `observe_wait_s`, and none fails because of it.
2. A note arrives or is counted, never both unless the gate's word got lost: a gap says "not known to be on record".
3. A gap is told as soon as the gate is back, without waiting for the next observed call.

Each note has a connection of its own: these calls are rare, and a gate that hangs must not hold up starts by them.
See docs/decisions/117-how-calls-are-observed.md.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Final

import msgspec

from proxy.notes import GAP_TARGET, NOTE_TARGET, Gap, Note, gap_of, joined
from proxy.settings import EdgeLimits
from proxy.tasks import spawn

logger = logging.getLogger(__name__)

# The gate asks the cluster who called and what the job has become, each within its own limit of 30 s by default.
PATIENCE_S: Final = 75.0
# Pauses between two attempts to tell of a gap: until it is told, the owner of a job may be named who no longer is.
FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 2.0
# How long a worker that stops waits for notes under way; the gate is still there then.
LAST_S: Final = 3.0


class NotTold(Exception):
    """The gate did not say that it has the note."""


class Notes:
    """The notes of one worker to the gate at `socket`. Needs a running loop."""

    def __init__(self, socket: str, limits: EdgeLimits) -> None:
        self._socket = socket
        self._limits = limits
        self._under_way: set[asyncio.Task[None]] = set()
        self._gap: Gap | None = None
        self._teller: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def gap(self) -> Gap | None:
        """What the gate has not been told of so far."""
        return self._gap

    def tell(self, note: Note, then: Callable[[], None]) -> None:
        """Send `note`. `then` is called as soon as the gate has it on record, or will not have it, and also when that
        takes too long: maybe twice, and maybe at once."""
        if len(self._under_way) >= self._limits.observe_waiting:
            self._missed(gap_of(note, "too many notes were under way (limits.edge.observe_waiting)"))
            then()
            return
        task = spawn(self._deliver(note), name="edge-note")
        self._under_way.add(task)
        timer = asyncio.get_running_loop().call_later(self._limits.observe_wait_s, then)

        def over(done: asyncio.Task[None]) -> None:
            self._under_way.discard(done)
            timer.cancel()
            then()

        task.add_done_callback(over)

    async def _deliver(self, note: Note) -> None:
        try:
            await self._put(NOTE_TARGET, msgspec.json.encode(note))
        except NotTold as failure:
            self._missed(gap_of(note, str(failure)))
        except asyncio.CancelledError:
            self._missed(gap_of(note, "the worker stopped before the gate had answered"))
            raise

    def _missed(self, gap: Gap) -> None:
        if self._gap is None:
            logger.error("observed calls are not on record, and will be told of as a gap: %s", gap.why)
        self._gap = joined(self._gap, gap)
        if self._teller is None:
            self._teller = spawn(self._tell_gap(), name="edge-gap")

    async def _tell_gap(self) -> None:
        pause_s = FIRST_PAUSE_S
        try:
            while self._gap is not None:
                last = await self._paused(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
                await self._try_gap()
                if last:
                    return
        finally:
            self._teller = None

    async def _paused(self, seconds: float) -> bool:
        """Wait so long, or until the worker stops: then there is one more attempt, and True is told."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return False
        return True

    async def _try_gap(self) -> None:
        """Tell of the gap once; what comes up meanwhile is the next gap."""
        gap, self._gap = self._gap, None
        if gap is None:
            return
        try:
            await self._put(GAP_TARGET, msgspec.json.encode(gap))
        except NotTold:
            self._put_back(gap)
        except asyncio.CancelledError:
            self._put_back(gap)
            raise
        else:
            logger.warning("the gate has been told of %d observed calls that are not on record", gap.count)

    def _put_back(self, gap: Gap) -> None:
        self._gap = gap if self._gap is None else joined(gap, self._gap)

    async def _put(self, target: str, body: bytes) -> None:
        """Raises NotTold unless the gate says 204."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                status = await self._asked(target, body)
        except TimeoutError:
            raise NotTold(f"the gate did not answer within {PATIENCE_S:g} s") from None
        except OSError as failure:
            raise NotTold(f"the gate cannot be reached: {failure.strerror or failure}") from None
        except ValueError:
            # StreamReader.readline, of a line beyond its limit.
            raise NotTold("the gate answered with something that is no status line") from None
        if status != b"204":
            raise NotTold(f"the gate answered with {status.decode('latin-1') or 'nothing'}")

    async def _asked(self, target: str, body: bytes) -> bytes:
        """The status that the gate answers with, empty where it closes the connection instead."""
        reader, writer = await asyncio.open_unix_connection(self._socket)
        try:
            head = f"PUT {target} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode("ascii") + body)
            line = await reader.readline()
        finally:
            # Not `close`, which would wait for a gate that hangs to take what is left of the note.
            writer.transport.abort()
        return [*line.split(b" ", 2), b"", b""][1]

    async def close(self) -> None:
        """Let notes under way arrive, within a bound, and try once more to tell of a gap; what is lost is logged."""
        await _ended(self._under_way)
        self._closing.set()
        if self._teller is not None:
            await _ended({self._teller})
        if self._gap is not None:
            count = self._gap.count
            logger.error("observed calls are not on record, and the gate could not be told of them: %d", count)


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Wait for tasks within the bound, and cancel those that go on."""
    tasks = tuple(tasks)
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=LAST_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
