"""One coarse timer for all connections of a worker, instead of one timer per request."""

import asyncio
from typing import Final, Protocol

NEVER: Final = float("inf")

# Deadlines are kept to within this: they guard against peers that are gone, they do not measure anything.
TICK_S: Final = 0.25


class Member(Protocol):
    """Something with a deadline, in the loop's seconds; `NEVER` where it has none."""

    deadline: float

    def expire(self) -> None:
        """The deadline has passed; it is `NEVER` again."""
        ...


class Sweep:
    """Looks at every member once a tick. `now` is the loop's time at the last tick, for computing deadlines."""

    __slots__ = ("_handle", "_loop", "_members", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._members: set[Member] = set()
        self.now = loop.time()
        self._handle = loop.call_later(TICK_S, self._tick)

    def add(self, member: Member) -> None:
        """Watch `member` from now on."""
        self._members.add(member)

    def discard(self, member: Member) -> None:
        """Forget `member`; unknown ones are fine."""
        self._members.discard(member)

    def stop(self) -> None:
        """End the ticking for good."""
        self._handle.cancel()

    def _tick(self) -> None:
        self._handle = self._loop.call_later(TICK_S, self._tick)
        self.now = now = self._loop.time()
        for member in [member for member in self._members if member.deadline <= now]:
            member.deadline = NEVER
            member.expire()
