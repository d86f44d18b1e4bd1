"""A process's end of the socket on which metrics are told.

The process connects to whoever asks, tells once, and then again for each byte that it is sent. Each telling is the
length of it (4 bytes, the highest first) and a `Snapshot` in MessagePack. The last is told when the process ends, so
that nothing is lost in an orderly end. Nobody in the process waits for any of this.
"""

import asyncio
import contextlib
import logging
import os
import struct
import time
from collections.abc import Callable
from typing import Final

import msgspec

from proxy.metrics.snapshot import Snapshot, Telling
from proxy.metrics.vitals import LoopLag, tell_vitals

logger = logging.getLogger(__name__)

LENGTH: Final = struct.Struct("!I")
# Between two attempts to connect: whoever asks may be starting again.
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0

_BEGAN_NS: Final = time.time_ns()


class Teller:
    """Tells under the name of a process, at the Unix socket `path`."""

    def __init__(self, process: str, path: str) -> None:
        self.process = process
        self._path = path

    async def keep(self, tell: Callable[[Telling], None]) -> None:
        """Tell whenever asked, until cancelled; what `tell` adds comes beside what every process tells.

        A socket that is not there, or goes away, is tried again: it belongs to a process that may end and come back.
        """
        lag = LoopLag()
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    await self._told(tell, lag)
                    pause_s = FIRST_PAUSE_S
                except OSError as failure:
                    logger.debug("nobody asks for metrics at %s: %s", self._path, failure)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        finally:
            lag.stop()

    async def _told(self, tell: Callable[[Telling], None], lag: LoopLag) -> None:
        """One connection, to its end. Raises OSError."""
        reader, writer = await asyncio.open_unix_connection(self._path)
        try:
            writer.write(self._message(tell, lag))
            while await reader.read(1):
                writer.write(self._message(tell, lag))
                await writer.drain()
        except asyncio.CancelledError:
            # The process stops: this is the last that is heard of it.
            with contextlib.suppress(Exception):
                writer.write(self._message(tell, lag))
            raise
        finally:
            writer.close()

    def _message(self, tell: Callable[[Telling], None], lag: LoopLag) -> bytes:
        body = msgspec.msgpack.encode(self.snapshot(tell, lag))
        return LENGTH.pack(len(body)) + body

    def snapshot(self, tell: Callable[[Telling], None], lag: LoopLag) -> Snapshot:
        """All of it, as of now."""
        telling = Telling()
        tell_vitals(telling, _BEGAN_NS, lag)
        try:
            tell(telling)
        except Exception as failure:  # a fault in counting must not end the telling, and with it what is told of health
            logger.error("not everything can be told to whoever asks for metrics", exc_info=failure)
        return Snapshot(
            process=self.process,
            pid=os.getpid(),
            began_ns=_BEGAN_NS,
            values=tuple(telling.values),
            buckets=tuple(telling.buckets),
            checks=tuple(telling.checks),
        )
