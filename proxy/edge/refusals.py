"""What was refused or failed, and why: a count for each reason, and a line in the log that names the peer.

Counting costs an addition. Lines are folded, so that nobody can fill the disk with what is refused to him: in a window
of a minute the first few of each address and reason are told as they happen; what comes then is told as a number when
the window ends. Beyond so many addresses only the number of all others is kept, so that memory is bounded, too.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from proxy.edge.sweep import NEVER
from proxy.logs.form import ECS_EXTRA, source_fields

logger = logging.getLogger(__name__)

WINDOW_S: Final = 60.0
# Of one address, for each reason: different faults of one client can be told from each other.
LINES_PER_ADDRESS: Final = 3
# For each reason. With all of the reasons at once that is some 2,000 lines a minute at the very worst; a flood for one
# reason is at most 81.
ADDRESSES_PER_REASON: Final = 20


class Reason(StrEnum):
    """Why something was refused. The values are stable: they are names of counters."""

    # Of connections.
    ACCEPT = "accept"
    CONNECTIONS = "connections"
    CONNECTIONS_OF_ADDRESS = "connections_of_address"
    HANDSHAKE = "tls_handshake"
    PROXY_PROTOCOL = "proxy_protocol"
    # What came over TLS is not what was sent: no key fits it.
    TLS = "tls"
    # Still there when the time to stop was over.
    DRAIN = "drain"
    # Of requests, before they reach anybody.
    REQUESTS = "requests"
    REQUESTS_OF_ADDRESS = "requests_of_address"
    MALFORMED = "malformed"
    ROUTE = "route"
    SLOW_HEAD = "slow_head"
    # In the middle of a message.
    SLOW_BODY = "slow_body"
    STALLED = "stalled"
    REQUEST_TIME = "request_time"
    # On the way to a node or the gate.
    QUEUE_FULL = "queue_full"
    QUEUE_TIME = "queue_time"
    DESCRIPTORS = "descriptors"
    UNREACHABLE = "unreachable"
    CONNECT_TIME = "connect_time"
    BROKEN = "broken"
    # A node sent bytes while nobody had asked it.
    UNASKED = "unasked"
    # A sniffing answer that could not be rewritten.
    SNIFFING = "sniffing"


class Refusals:
    """The counters of one worker. They only grow. `deadline` belongs to the sweep: the end of the window."""

    __slots__ = ("_counts", "_others", "_told", "deadline")

    def __init__(self) -> None:
        self._counts = dict.fromkeys(Reason, 0)
        # In this window: how many of each address, and of all that are one too many.
        self._told: dict[Reason, dict[str, int]] = {}
        self._others = dict.fromkeys(Reason, 0)
        self.deadline = NEVER

    @property
    def counts(self) -> Mapping[Reason, int]:
        """How often each reason was given, since the worker began."""
        return dict(self._counts)

    def note(self, reason: Reason, peer: str, text: str, now: float) -> None:
        """Count one refusal of `peer` (`ip:port`, or a node's name) at `now`, in the loop's seconds; `text` says it to
        an operator.

        Never put into `text` what a client sent as a header: it may be a credential.
        """
        self._counts[reason] += 1
        if now >= self.deadline:
            self.expire()
        if self.deadline == NEVER:
            self.deadline = now + WINDOW_S
        addresses = self._told.setdefault(reason, {})
        address = _address(peer)
        count = addresses.get(address, 0)
        if not count and len(addresses) >= ADDRESSES_PER_REASON:
            self._others[reason] += 1
            return
        addresses[address] = count + 1
        if count < LINES_PER_ADDRESS:
            fields = {**source_fields(peer), "event.reason": reason.value}
            logger.info("refused %s [%s]: %s", peer, reason.value, text, extra={ECS_EXTRA: fields})

    def expire(self) -> None:
        """Sweep: the window is over. What was not told is told as numbers."""
        for reason, addresses in self._told.items():
            for address, count in addresses.items():
                if count > LINES_PER_ADDRESS:
                    self._tell(address, reason, count - LINES_PER_ADDRESS)
            if others := self._others[reason]:
                self._tell("other addresses", reason, others)
                self._others[reason] = 0
        self._told.clear()
        self.deadline = NEVER

    def _tell(self, whom: str, reason: Reason, more: int) -> None:
        logger.info("refused %s [%s]: %d more within %g s", whom, reason.value, more, WINDOW_S)


def _address(peer: str) -> str:
    """Without the port, of which a client has as many as it likes."""
    host, colon, port = peer.rpartition(":")
    return host if colon and port.isdigit() else peer
