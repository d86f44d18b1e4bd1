"""How many wrong passwords a peer may try: a guess costs a thread some tenths of a second, which others wait for."""

import ipaddress
from collections import OrderedDict, deque
from math import ceil

from proxy.errors import Refusal
from proxy.identity.header import address_of

# What is remembered of peers is bounded; the one that was quiet for longest is forgotten first.
PEERS = 10_000
# Whoever has an IPv6 address has a whole /64 of them (RFC 6177).
IPV6_PREFIX = 64


def peer_group(peer: str) -> str:
    """What counts as one peer of `ip:port`: an IPv4 address, or the /64 of an IPv6 one."""
    address = address_of(peer)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address) if address is not None else "unknown"


class Guesses:
    """At most `failures` charges a peer in any `window_s` seconds. A verification is charged before it is made, so that
    those under way count, and given back if the password was right. Times are of any clock that never goes back."""

    def __init__(self, failures: int, window_s: float) -> None:
        self._failures = failures
        self._window_s = window_s
        self._charges: OrderedDict[str, deque[float]] = OrderedDict()

    def charge(self, peer: str, now_s: float) -> None:
        """One verification for `peer`, as `peer_group` names it.

        Raises:
            Refusal: 429 with `Retry-After`: too many failed.
        """
        charges = self._charges.setdefault(peer, deque())
        self._charges.move_to_end(peer)
        while charges and charges[0] <= now_s - self._window_s:
            charges.popleft()
        if len(charges) >= self._failures:
            wait_s = ceil(charges[0] + self._window_s - now_s)
            text = f"too many failed authentications from [{peer}]; try again in {wait_s} s"
            raise Refusal(429, "security_exception", text, headers=(("Retry-After", str(wait_s)),))
        charges.append(now_s)
        if len(self._charges) > PEERS:
            self._charges.popitem(last=False)

    def refund(self, peer: str, charged_s: float) -> None:
        """The verification that was charged at `charged_s` was no failure."""
        charges = self._charges.get(peer)
        if charges is not None and charged_s in charges:
            charges.remove(charged_s)
