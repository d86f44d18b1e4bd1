"""JSON lines into a descriptor, such as standard output: for a host or a container whose log is collected."""

import asyncio
import os
import select
import threading
from collections.abc import Sequence

from proxy.ship.model import Record, SinkFailure, Taken


class StdoutSink:
    """Lines of the journal as they are, one after another."""

    name = "stdout"

    def __init__(self, file: int) -> None:
        self._file = file
        self._through = threading.Event()
        self._through.set()
        # Whether what was written last ends in the middle of a line.
        self._torn = False

    async def send(self, records: Sequence[Record]) -> Taken:
        """Write the lines whole. Whoever reads may get the same line twice after a crash, and its id tells.

        Raises:
            SinkFailure: it cannot be written to, or what was sent before is not through yet.
        """
        if not self._through.is_set():
            raise SinkFailure("whoever reads does not: an earlier batch is not written yet")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # What a full disk cut is a line by itself, which is none: the next one must not be joined to it.
        data = b"\n" * self._torn + b"".join(record.line + b"\n" for record in records)
        # A thread that nobody waits for at the end: a pipe whose reader stalls holds its writer for ever, and the
        # descriptor is shared with other processes, so that it cannot be told not to.
        self._through.clear()
        arguments = (data, asyncio.get_running_loop(), done)
        threading.Thread(target=self._write, args=arguments, name="ship stdout", daemon=True).start()
        await done
        return Taken(len(records))

    def _write(self, data: bytes, loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]) -> None:
        failure: SinkFailure | None = None
        written, view = 0, memoryview(data)
        try:
            while written < len(data):
                written += _some(self._file, view[written:])
        except OSError as error:
            failure = SinkFailure(f"cannot be written: {error.strerror or error}")
        if written:
            self._torn = not data[:written].endswith(b"\n")
        self._through.set()
        try:
            loop.call_soon_threadsafe(_told, done, failure)
        except RuntimeError:
            return  # the loop has ended meanwhile

    async def close(self) -> None:
        """Nothing to give free: the descriptor is the process's."""


def _some(file: int, data: memoryview) -> int:
    """Write a part of `data`; how many bytes that was. Raises OSError."""
    try:
        return os.write(file, data)
    except BlockingIOError:
        # Somebody who shares it has told it not to wait (O_NONBLOCK is of the open file, not of the process).
        ready = select.poll()
        ready.register(file, select.POLLOUT)
        ready.poll()
        return 0


def _told(done: asyncio.Future[None], failure: SinkFailure | None) -> None:
    if done.done():  # given up
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
