"""What the gate's process and the workers have in common: how they are told, say that they serve, and end.

One line of JSON on standard input says what to do (`proxy.orders`): settings hold a secret, and neither arguments nor
the environment are a place for one. Standard input then stays open: further lines change how the process logs
(`logs.passing`), and its end means that the supervisor is gone: the process stops as for SIGTERM. `ready` on standard
output means what it says.
See docs/decisions/042-settings-by-standard-input.md.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from proxy.errors import CannotServe, ExitStatus, InvalidInput, StartgateError
from proxy.logs.passing import Received
from proxy.orders import READY

logger = logging.getLogger(__name__)

# What a process does: until the first event is set; the callable says that it serves; the last event asks to reload.
Work = Callable[[asyncio.Event, Callable[[], None], asyncio.Event], Awaitable[None]]


def read_order() -> bytes:
    """The line that says what to do."""
    return sys.stdin.buffer.readline()


def run(work: Callable[[], Work]) -> int:
    """Makes the work and does it until the process is told to stop; returns its exit status.

    An error of ours ends it with a line in the log that says what to do; any other is a fault, and shows its traceback.
    """
    _all_descriptors()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_until_told(work()))
    except InvalidInput as error:
        for fault in error.faults:
            logger.critical("%s", fault)
        return ExitStatus.INVALID
    except CannotServe as error:
        logger.critical("%s", error)
        return error.exit_status
    except (StartgateError, OSError) as error:
        logger.critical("%s", error)
        return ExitStatus.INVALID
    return ExitStatus.OK


def _all_descriptors() -> None:
    """Every connection is a descriptor, and most systems give no more than 1024 unless asked: a few hundred idle
    clients would shut everybody else out."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):  # not everywhere is the hard limit one that can be had
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _until_told(work: Work) -> None:
    """Joins the work to signals and to the supervisor's life."""
    loop = asyncio.get_running_loop()
    stop, reload = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    # A terminal's Ctrl-C is the supervisor's to hear: it stops its children in order.
    loop.add_signal_handler(signal.SIGINT, lambda: None)

    received = Received()

    def lifeline() -> None:
        data = os.read(0, 4096)
        received.feed(data)
        if not data:
            loop.remove_reader(0)
            stop.set()

    loop.add_reader(0, lifeline)
    await work(stop, _say_ready, reload)


def _say_ready() -> None:
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()
