"""How many connections and requests there may be at a time: of one client address, and of all together.

Counts are one worker's own: workers share nothing, and the kernel spreads connections evenly over them. An address is
an IPv4 address or the /64 of an IPv6 one, since whoever has one address of a /64 has them all (RFC 4291 §2.5.4).

Connections beyond a cap are not dropped at once: the first request on them is answered with why (see `client`). Only
where many are waiting to hear it, further ones are closed without a word: a flood must cost less than it takes.
"""

import ipaddress
import resource
from typing import Final

from proxy.edge.answers import OVERLOADED, RETRY_AFTER, error_answer
from proxy.edge.refusals import Reason
from proxy.settings import EdgeLimits

# Connections beyond a cap that may wait for their answer.
SURPLUS: Final = 128
# How long each may take for its first byte, and then to read why it is refused.
SURPLUS_S: Final = 2.0

# What a worker needs beside connections: listeners, the loop, its pipes, files that are read, connects under way.
RESERVED_DESCRIPTORS: Final = 64

# What a client is told; of one address 429 (RFC 6585 §4), of all together 503.
CAPPED: Final = {
    Reason.CONNECTIONS: (503, "too many connections are open; try again"),
    Reason.CONNECTIONS_OF_ADDRESS: (429, "too many connections from this address are open; try again"),
    Reason.REQUESTS: (503, "too many requests are in flight; try again"),
    Reason.REQUESTS_OF_ADDRESS: (429, "too many requests from this address are in flight; try again"),
}


class Peer:
    """One client address with what it has open. `origin` is the address that counts, as text."""

    __slots__ = ("connections", "origin", "requests")

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.connections = 0
        self.requests = 0


class Caps:
    """The counts of one worker. `surplus` counts connections beyond a cap; they are in no other count. `accepted` only
    grows: connections that were let in."""

    __slots__ = (
        "_connections_max", "_connections_of_address_max", "_peers", "_requests_max", "_requests_of_address_max",
        "accepted", "connections", "requests", "surplus",
    )  # fmt: skip

    def __init__(self, limits: EdgeLimits, descriptors: int) -> None:
        """`descriptors` is how many this process may have open: what cannot be opened must not be promised."""
        connections, requests = _affordable(limits, descriptors)
        self._connections_max = connections
        self._requests_max = requests
        self._connections_of_address_max = limits.client_connections_per_address
        self._requests_of_address_max = limits.requests_in_flight_per_address
        self._peers: dict[str, Peer] = {}
        self.accepted = 0
        self.connections = 0
        self.requests = 0
        self.surplus = 0

    @property
    def connections_max(self) -> int:
        """The cap of all connections together, after what the system affords."""
        return self._connections_max

    @property
    def addresses(self) -> int:
        """How many addresses have a connection."""
        return len(self._peers)

    def enter(self, host: str) -> tuple[Peer, Reason | None]:
        """A connection from `host` (an IP address as text, or anything for peers that have none). With a reason, it is
        beyond a cap. In either case call `leave` with both when it is gone."""
        origin = origin_of(host)
        peer = self._peers.get(origin) or Peer(origin)
        reason = None
        if peer.connections >= self._connections_of_address_max:
            reason = Reason.CONNECTIONS_OF_ADDRESS
        elif self.connections >= self._connections_max:
            reason = Reason.CONNECTIONS
        if reason is not None:
            self.surplus += 1
            return peer, reason
        self._peers[origin] = peer
        self.accepted += 1
        peer.connections += 1
        self.connections += 1
        return peer, None

    def leave(self, peer: Peer, reason: Reason | None) -> None:
        """The connection is gone."""
        if reason is not None:
            self.surplus -= 1
            return
        self.connections -= 1
        peer.connections -= 1
        if not peer.connections:
            self._peers.pop(peer.origin, None)

    def begin(self, peer: Peer) -> Reason | None:
        """A request begins: None, and `end` must be called; or the reason why it may not."""
        if peer.requests >= self._requests_of_address_max:
            return Reason.REQUESTS_OF_ADDRESS
        if self.requests >= self._requests_max:
            return Reason.REQUESTS
        self.requests += 1
        peer.requests += 1
        return None

    def end(self, peer: Peer) -> None:
        """A request that began is over."""
        self.requests -= 1
        peer.requests -= 1


def open_descriptors_max() -> int:
    """How many descriptors this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft


def origin_of(host: str) -> str:
    """What counts as one address: IPv4 as it is (also where it is written as IPv6), IPv6 as its /64."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def _affordable(limits: EdgeLimits, descriptors: int) -> tuple[int, int]:
    """Connections and requests at a time. A request takes a descriptor for its connection to a node, beside those that
    are kept idle; where not all fits, two thirds go to clients: most of them are idle most of the time."""
    left = descriptors - RESERVED_DESCRIPTORS - SURPLUS
    wanted = limits.client_connections + limits.requests_in_flight + limits.upstream_idle_connections
    if wanted <= left:
        return limits.client_connections, limits.requests_in_flight
    third = max(left // 3, 1)
    requests = min(limits.requests_in_flight, third)
    return max(min(limits.client_connections, left - third), 1), requests


def capped_answer(why: Reason, *, head_only: bool = False, minor: int = 1, keep_alive: bool = False) -> bytes:
    """What is answered beyond a cap; the arguments are those of `error_answer`."""
    status, reason = CAPPED[why]
    return error_answer(
        status, OVERLOADED, reason, head_only=head_only, minor=minor, keep_alive=keep_alive, headers=RETRY_AFTER
    )
