"""What a service manager is told: that we serve, that we stop, and that we are alive (sd_notify(3)).

systemd puts the path of a datagram socket into the environment. Without one, nothing is told and nothing differs. What
cannot be told is logged and passed over: the manager then does what it does with a service that says nothing.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from proxy.tasks import spawn

logger = logging.getLogger(__name__)

SOCKET = "NOTIFY_SOCKET"
WATCHDOG_USEC = "WATCHDOG_USEC"
WATCHDOG_PID = "WATCHDOG_PID"
# The manager reads at once, unless the machine is in trouble: no reason to wait for it for long.
SEND_S = 1.0
# The manual asks for every half of the interval; a third lets one come late.
WATCHDOG_PARTS = 3


class Manager:
    """Who started us, and wants to know how we are. `address` is that of the socket, None where nobody asks;
    `watchdog_s` is the longest silence before the manager takes us for dead, 0 where it does not watch."""

    def __init__(self, address: str | None, watchdog_s: float = 0) -> None:
        self._address = address
        self._watchdog_s = watchdog_s if address else 0.0

    def starting(self, doing: str) -> None:
        """What is done before we serve, for `systemctl status`."""
        self._tell(f"STATUS={_line(doing)}")

    def ready(self, serving: str) -> None:
        """We serve; `serving` says what."""
        self._tell(f"READY=1\nSTATUS={_line(serving)}")

    def stopping(self) -> None:
        """We end, for whatever reason; requests in flight may take a while."""
        self._tell("STOPPING=1\nSTATUS=stopping: requests in flight may finish")

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Within it, the manager hears that the event loop turns, where it wants to."""
        if not self._watchdog_s:
            yield
            return
        telling = spawn(self._keep_telling(), name="tell the watchdog")
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.wait([telling])

    async def _keep_telling(self) -> None:
        while True:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog_s / WATCHDOG_PARTS)

    def _tell(self, text: str) -> None:
        if self._address is None:
            return
        # `@` stands for the 0 byte with which a name begins that is in no file system (unix(7)).
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as one:
                one.settimeout(SEND_S)
                one.sendto(text.encode(), address)
        except (OSError, ValueError) as failure:
            logger.warning("the service manager cannot be told at %s: %s", self._address, failure)


def manager(environment: Mapping[str, str]) -> Manager:
    """Whom the environment names. A watchdog that is another process's is not ours to feed: a shell between the
    manager and us has the variables, too."""
    address = environment.get(SOCKET)
    if not address or address[0] not in "/@":
        # `vsock:` is for virtual machines whose manager is outside.
        return Manager(None)
    watchdog_s = 0.0
    if environment.get(WATCHDOG_PID, str(os.getpid())) == str(os.getpid()):
        with contextlib.suppress(ValueError):
            watchdog_s = max(int(environment.get(WATCHDOG_USEC, "0")), 0) / 1e6
    return Manager(address, watchdog_s)


def _line(text: str) -> str:
    """One line: the protocol has a variable in each."""
    return " ".join(text.split())
