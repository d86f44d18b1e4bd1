"""Who waits for a connection: a bounded queue in which addresses take turns.

Each address has its own line; the first of each line is served, address after address. One client that sends a
thousand requests waits behind itself, and delays another's single request by one.
"""

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar


class Waits(Protocol):
    """Somebody in the queue. `origin` is the address whose line it stands in, and does not change meanwhile."""

    @property
    def origin(self) -> str:
        """The client's address."""
        ...


W = TypeVar("W", bound=Waits)


class FairQueue(Generic[W]):
    """Holds at most `most` at a time, each for `patience_s` seconds. `waiters` are all of them, with the time when each
    has waited long enough; it is for reading only: whether anybody waits is asked after every request."""

    __slots__ = ("_lines", "_most", "_patience_s", "waiters")

    def __init__(self, most: int, patience_s: float) -> None:
        self._most = most
        self._patience_s = patience_s
        # All wait equally long, so the order of coming is the order of leaving.
        self.waiters: OrderedDict[W, float] = OrderedDict()
        self._lines: OrderedDict[str, OrderedDict[W, None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self.waiters)

    @property
    def deadline(self) -> float | None:
        """When the first of all has waited long enough; None while nobody waits."""
        return next(iter(self.waiters.values()), None)

    def put(self, waiter: W, now: float) -> bool:
        """Let somebody wait. False if there is no room."""
        if len(self.waiters) >= self._most:
            return False
        self.waiters[waiter] = now + self._patience_s
        self._lines.setdefault(waiter.origin, OrderedDict())[waiter] = None
        return True

    def pop(self) -> W:
        """Whoever is next; its address goes to the end of the turn. Raises KeyError where nobody waits."""
        origin, line = next(iter(self._lines.items()), ("", OrderedDict[W, None]()))
        waiter, _ = line.popitem(last=False)
        self._lines.move_to_end(origin)
        if not line:
            del self._lines[origin]
        del self.waiters[waiter]
        return waiter

    def discard(self, waiter: W) -> None:
        """Somebody no longer waits; who does not wait at all is passed over."""
        if self.waiters.pop(waiter, None) is None:
            return
        line = self._lines[waiter.origin]
        del line[waiter]
        if not line:
            del self._lines[waiter.origin]

    def overdue(self, now: float) -> list[W]:
        """Takes out whoever has waited long enough."""
        found: list[W] = []
        for waiter, deadline in self.waiters.items():
            if deadline > now:
                break
            found.append(waiter)
        for waiter in found:
            self.discard(waiter)
        return found
