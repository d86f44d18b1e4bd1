"""What was refused and why: a count for each reason, and a line in the log that names the peer.

Counting costs an addition. Lines are held to a few a second for each reason: a client that is refused ten thousand
times a second must not fill the disk with it. What is left out is told as a number with the next line.
"""

import logging
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

logger = logging.getLogger(__name__)

# For each reason; enough to see who it is, and few enough to read.
LINES_PER_WINDOW: Final = 10
WINDOW_S: Final = 1.0


class Reason(StrEnum):
    """Why something was refused. The values are stable: they are names of counters."""

    # Of connections.
    CONNECTIONS = "connections"
    CONNECTIONS_OF_ADDRESS = "connections_of_address"
    HANDSHAKE = "tls_handshake"
    PROXY_PROTOCOL = "proxy_protocol"
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
    # A sniffing answer that could not be rewritten.
    SNIFFING = "sniffing"


class Refusals:
    """The counters of one worker. They only grow."""

    __slots__ = ("_counts", "_left_out", "_lines", "_since")

    def __init__(self) -> None:
        self._counts = dict.fromkeys(Reason, 0)
        self._lines: dict[Reason, int] = {}
        self._left_out: dict[Reason, int] = {}
        self._since: dict[Reason, float] = {}

    @property
    def counts(self) -> Mapping[Reason, int]:
        """How often each reason was given, since the worker began."""
        return dict(self._counts)

    def note(self, reason: Reason, peer: str, text: str, now: float) -> None:
        """Count one refusal of `peer` (`ip:port`) at `now`, in the loop's seconds; `text` says it to an operator.

        Never put into `text` what a client sent as a header: it may be a credential.
        """
        self._counts[reason] += 1
        if now - self._since.get(reason, -WINDOW_S) >= WINDOW_S:
            self._since[reason] = now
            self._lines[reason] = 0
        if self._lines[reason] >= LINES_PER_WINDOW:
            self._left_out[reason] = self._left_out.get(reason, 0) + 1
            return
        self._lines[reason] += 1
        left_out = self._left_out.pop(reason, 0)
        more = f" ({left_out} more of this kind were not told)" if left_out else ""
        logger.info("refused %s [%s]: %s%s", peer, reason.value, text, more)
