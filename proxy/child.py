"""The entry of a child process: `python -m proxy.child edge|gate`, started by the supervisor only.

One line of JSON on standard input says what to do (`EdgeOrder`, `GateOrder`): settings hold a secret, and neither
arguments nor the environment are a place for one. Standard input then stays open: its end means that the supervisor is
gone, and the process stops as for SIGTERM. `ready` on standard output means what it says.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from socket import socket

import msgspec
import uvloop

from proxy import logs
from proxy.edge import worker
from proxy.edge.tls import listener_context
from proxy.errors import CannotServe, ExitStatus, InvalidInput, StartgateError
from proxy.gate import app
from proxy.orders import READY, EdgeOrder, GateOrder

logger = logging.getLogger(__name__)
Work = Callable[[asyncio.Event, Callable[[], None], asyncio.Event], Awaitable[None]]


def main() -> int:
    """Runs the process that `sys.argv` names until it is told to stop; returns its exit status."""
    kind = sys.argv[1]
    line = sys.stdin.buffer.readline()
    try:
        if kind == "edge":
            order = msgspec.json.decode(line, type=EdgeOrder)
            logs.configure(order.name)
            work = _edge(order)
        else:
            told = msgspec.json.decode(line, type=GateOrder)
            logs.configure(told.name)
            work = _gate(told)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(work))
    except InvalidInput as error:
        for fault in error.faults:
            logger.critical("%s", fault)
        return ExitStatus.INVALID
    except CannotServe as error:
        logger.critical("%s", error)
        return error.exit_status
    except StartgateError as error:
        logger.critical("%s", error)
        return ExitStatus.INVALID
    return ExitStatus.OK


def _edge(order: EdgeOrder) -> Work:
    listeners = [
        (socket(fileno=one.fd), None if one.tls is None else listener_context(one.tls)) for one in order.listeners
    ]

    async def work(stop: asyncio.Event, ready: Callable[[], None], reload: asyncio.Event) -> None:
        await worker.run(order.settings, listeners, stop, ready)

    return work


def _gate(order: GateOrder) -> Work:
    async def work(stop: asyncio.Event, ready: Callable[[], None], reload: asyncio.Event) -> None:
        await app.run(order.settings, stop, ready, reload)

    return work


async def _run(work: Work) -> None:
    """Joins the work to signals and to the supervisor's life."""
    loop = asyncio.get_running_loop()
    stop, reload = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    # A terminal's Ctrl-C is the supervisor's to hear: it stops its children in order.
    loop.add_signal_handler(signal.SIGINT, lambda: None)

    def lifeline() -> None:
        if not os.read(0, 4096):
            loop.remove_reader(0)
            stop.set()

    loop.add_reader(0, lifeline)
    await work(stop, _say_ready, reload)


def _say_ready() -> None:
    sys.stdout.write(READY + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
