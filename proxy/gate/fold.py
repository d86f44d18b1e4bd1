"""Folds what anybody may repeat without credentials: one record at once, then one a minute and peer, with a count.

Whoever has no credentials can send thousands of starts a second, wrong ones or such as are none. Each that fills a line
of the journal is a way to fill the disk, and then no start at all is possible.
See docs/decisions/118-repeated-401s-are-folded.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Final, Protocol

# What an investigation wants to know is that it began, how long it went on and how much it was.
WINDOW_S: Final = 60.0
# Peers that are counted one by one; all others share one count, so that many addresses cannot fill the memory either.
PEERS: Final = 1024
OTHERS: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """`count` attempts that have no record of their own, of one `peer`, or of several where that is `OTHERS`. Times are
    in milliseconds since 1970."""

    peer: str
    count: int
    since_ms: int
    until_ms: int


class Timer(Protocol):
    """What `call_later` of a loop gives."""

    def cancel(self) -> None:
        """It does not call any more."""
        ...


# As a loop's `call_later`: seconds, and what to call then.
Later = Callable[[float, Callable[[], None]], Timer]


@dataclass(slots=True)
class _Window:
    timer: Timer
    since_ms: int = 0
    until_ms: int = 0
    count: int = 0


class Fold:
    """Counts attempts. `emit` is called with what a window has folded, when it ends."""

    def __init__(self, later: Later, emit: Callable[[Folded], None], *, peers: int = PEERS) -> None:
        self._later = later
        self._emit = emit
        self._peers = peers
        self._windows: dict[str, _Window] = {}

    def counts(self, peer: str, now_ms: int) -> bool:
        """Whether this attempt is only counted; False for the first one of a peer, which is to be put on record.

        `peer` is an address without its port.
        """
        name = self._name(_network(peer))
        window = self._windows.get(name)
        if window is None:
            self._open(name)
            return False
        window.since_ms = window.since_ms or now_ms
        window.until_ms = now_ms
        window.count += 1
        return True

    def _name(self, peer: str) -> str:
        return peer if peer in self._windows or len(self._windows) < self._peers else OTHERS

    def _open(self, name: str) -> None:
        self._windows[name] = _Window(self._later(WINDOW_S, lambda: self._end(name)))

    def _end(self, name: str) -> None:
        """A peer that goes on is told of again in a minute; one that was quiet is forgotten."""
        folded = _folded(name, self._windows.pop(name))
        if folded is not None:
            self._open(name)
            self._emit(folded)

    def flush(self) -> list[Folded]:
        """All that is counted and not told of yet; it is told of by this, and no timer runs any more."""
        windows, self._windows = self._windows, {}
        for window in windows.values():
            window.timer.cancel()
        found = (_folded(name, window) for name, window in windows.items())
        return [one for one in found if one is not None]


def _network(peer: str) -> str:
    """An address that is its holder's alone: of IPv6 the first 64 bits, since the rest is anybody's to choose
    (RFC 4291 §2.5.4)."""
    try:
        address = IPv6Address(peer.strip("[]"))
    except ValueError:
        return peer
    return peer if address.ipv4_mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"


def _folded(name: str, window: _Window) -> Folded | None:
    if not window.count:
        return None
    return Folded(peer=name, count=window.count, since_ms=window.since_ms, until_ms=window.until_ms)
