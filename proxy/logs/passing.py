"""A change of logging on its way: the gate asks (one line of JSON on its standard output), the supervisor tells every
process (one line on its standard input).

Both pipes are there anyway, belong to these processes alone, and keep the order; so neither a file nor a signal is
needed. See docs/decisions/144-how-levels-reach-all-processes.md.
"""

import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from proxy.errors import StartgateError
from proxy.logs import levels, setup
from proxy.logs.settings import Levels

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOrder:
    """What a process is to do: tell so much from now on, and go on in a new file."""

    levels: Levels
    reopen: bool = False


def line_of(order: LogOrder) -> bytes:
    """An order as a line."""
    return msgspec.json.encode(order) + b"\n"


def order_of(line: bytes) -> LogOrder | None:
    """The order in a line; None, and a word in the log, where it is none."""
    try:
        order = msgspec.json.decode(line, type=LogOrder)
        _checked(order.levels)
    except (msgspec.MsgspecError, StartgateError) as failure:
        logger.error("what another process says of logging cannot be read: %s", failure)
        return None
    return order


def _checked(wanted: Levels) -> None:
    levels.known_level(wanted.level)
    for name, level in wanted.each.items():
        levels.known_logger(name)
        levels.known_level(level)


def obey(order: LogOrder | None) -> None:
    """Do it in this process."""
    if order is None:
        return
    if order.reopen:
        setup.reopen()
    # Before: at the new level it may not be told.
    _tell(order.levels)
    setup.set_levels(order.levels)


def _tell(wanted: Levels) -> None:
    each = "".join(f", {name}: {level}" for name, level in wanted.each.items())
    logger.info("the log tells from now on: %s%s", wanted.level, each)


class Received:
    """Lines out of what comes in pieces; each is obeyed."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> None:
        """Some bytes more."""
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            obey(order_of(line))


def ask(wanted: Levels) -> None:
    """From the gate: all processes are to tell so much. This one does at once."""
    _tell(wanted)
    setup.set_levels(wanted)
    _upward(line_of(LogOrder(levels=wanted)))


def _nobody(_line: bytes) -> None:
    """Where no supervisor listens, as in tests, this process is all there is."""


_upward: Callable[[bytes], None] = _nobody


def listened_to() -> None:
    """From now on a supervisor reads this process's standard output."""
    global _upward  # noqa: PLW0603 -- a process has one standard output, and one supervisor
    _upward = _to_supervisor


def _to_supervisor(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


class Told(Protocol):
    """A process that can be told."""

    def tell(self, line: bytes) -> None:
        """Now, and whenever it is started again."""
        ...


class Passing:
    """The supervisor's part. `others` are the processes as of now; `reread` gives the levels of the configuration, and
    raises StartgateError where that is broken."""

    def __init__(self, others: Callable[[], Iterable[Told]], reread: Callable[[], Levels] | None = None) -> None:
        self._others = others
        self._reread = reread

    def heard(self, line: bytes) -> None:
        """The gate asks."""
        order = order_of(line)
        obey(order)
        if order is not None:
            self._pass(order)

    def inherited(self, line: bytes) -> None:
        """The version that is taken over was asked: its gate answers until this one has its own. Where it opens files
        again, so does this one, with levels of its own: the configuration is its own, too."""
        order = order_of(line)
        if order is not None and order.reopen:
            order = replace(order, levels=setup.current_levels())
        obey(order)
        if order is not None:
            self._pass(order)

    def reload(self) -> None:
        """Go on in new files, with the levels of the configuration; where it is broken, with those that there are."""
        wanted = setup.current_levels()
        try:
            wanted = self._reread() if self._reread is not None else wanted
        except StartgateError as failure:
            logger.error("the levels of the log were not read again, those from before stay in force:\n%s", failure)
        order = LogOrder(levels=wanted, reopen=True)
        obey(order)
        self._pass(order)

    def _pass(self, order: LogOrder) -> None:
        for one in self._others():
            one.tell(line_of(order))
