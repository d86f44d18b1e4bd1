"""The two sides of an exchange, as it sees them: its client's connection, and where the request goes."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from proxy.edge.pool import Pool
from proxy.edge.refusals import Reason


class ClientSide(Protocol):
    """What an exchange needs of its client's connection. `write_paused`: it reads too slowly; `draining`: it must not
    outlive this answer."""

    transport: asyncio.Transport
    write_paused: bool
    draining: bool

    @property
    def origin(self) -> str:
        """The address that waits, where requests take turns by address."""
        ...

    def hold(self, data: bytes) -> None:
        """Keep bytes that came behind the request."""
        ...

    def pause_reading(self) -> None:
        """Read no more of the request for now."""
        ...

    def resume_reading(self) -> None:
        """Read on."""
        ...

    def finished(self, *, keep_alive: bool, request_done: bool) -> None:
        """The answer has been written; the exchange is over."""
        ...

    def failed(self, status: int, type: str, reason: str, headers: tuple[tuple[str, str], ...], why: Reason) -> None:
        """No byte of an answer has been written and none will come: answer with this error, and count it under `why`.
        The exchange is over."""
        ...

    def note(self, why: Reason, text: str) -> None:
        """Count a failure and tell it with the client's address."""
        ...

    def abort(self) -> None:
        """The answer cannot be completed: reset the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """Where a kind of request goes, and what is said when that fails. `receipts`: the gate, told and asked once."""

    pool: Pool
    down: str
    slow: str
    broken: str
    receipts: bool = False

    @property
    def name(self) -> str:
        """What it is to a client."""
        return "the gate" if self.receipts else "the cluster"
