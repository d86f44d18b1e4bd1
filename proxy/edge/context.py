"""What all connections of one worker share."""

import asyncio
from dataclasses import dataclass, field
from typing import Final, Protocol

from proxy.edge.access import Access
from proxy.edge.caps import Caps, open_descriptors_max
from proxy.edge.forwarding import Forwarding
from proxy.edge.notes import Notes
from proxy.edge.refusals import Refusals
from proxy.edge.sides import Target
from proxy.edge.sweep import NEVER, Sweep
from proxy.settings import EdgeLimits
from proxy.wire.limits import HeadLimits

# While draining: how long a connection that was never used may take to be; longer than a packet that was lost once.
FIRST_REQUEST_S: Final = 3.0


class Client(Protocol):
    """A client's connection, as the worker sees it."""

    def drain(self) -> None:
        """Close if idle; else after the answer that is under way."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...

    def forsake(self) -> None:
        """Close at once, and tell of it: the time to stop is over."""
        ...


@dataclass(slots=True)
class Context:
    """One per worker. `draining` means that no connection lives on after its current answer; `empty` is then set
    as soon as no client is left. `received` counts the bytes that came from clients; `access` is told of requests,
    where there is one."""

    limits: EdgeLimits
    sweep: Sweep
    cluster: Target
    gate: Target
    notes: Notes
    clients: set[Client] = field(default_factory=set)
    draining: bool = False
    empty: asyncio.Event = field(default_factory=asyncio.Event)
    refusals: Refusals = field(default_factory=Refusals)
    forwarding: Forwarding | None = None
    rewrites_sniffing: bool = False
    access: Access | None = None
    received: int = 0
    caps: Caps = field(init=False)
    request_limits: HeadLimits = field(init=False)
    answer_limits: HeadLimits = field(init=False)
    _request_s: float = field(init=False)

    def __post_init__(self) -> None:
        limits = self.limits
        self._request_s = limits.client_request_s or NEVER
        self.caps = Caps(limits, open_descriptors_max())
        self.request_limits = HeadLimits(
            line_bytes=limits.request_line_bytes, head_bytes=limits.request_head_bytes, fields=limits.headers
        )
        # The status line has no limit of its own: a reason phrase is as long as the server likes.
        self.answer_limits = HeadLimits(
            line_bytes=limits.answer_head_bytes, head_bytes=limits.answer_head_bytes, fields=limits.headers
        )

    def until(self) -> float:
        """When a request that begins now has taken too long in all."""
        return self.sweep.now + self._request_s

    def left(self, client: Client) -> None:
        """`client` is gone."""
        self.clients.discard(client)
        if self.draining and not self.clients:
            self.empty.set()

    def drain(self) -> None:
        """Begin to drain: every client is told."""
        self.draining = True
        if not self.clients:
            self.empty.set()
        for client in tuple(self.clients):
            client.drain()
